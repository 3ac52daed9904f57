"""Remember of a mailbox elsewhere what makes the next visit cheap."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("fetcher", "0001_initial")]
    operations = [
        migrations.AddField("remotefolder", "offers_before", models.TextField(blank=True, default="")),
        migrations.AddField("remotefolder", "offers_after", models.TextField(blank=True, default="")),
        migrations.AddField("remotefolder", "last_count", models.PositiveIntegerField(null=True)),
        migrations.AddField(
            "remotefolder", "last_uid", models.CharField(blank=True, default="", max_length=200)
        ),
        migrations.AddField(
            "remotefolder", "last_octets", models.PositiveBigIntegerField(null=True)
        ),
        migrations.AddField("remotefolder", "listed_at", models.DateTimeField(null=True)),
        migrations.AddField("remotefolder", "oldest_stored_at", models.DateTimeField(null=True)),
    ]
