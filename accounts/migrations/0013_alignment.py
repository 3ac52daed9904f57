import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0012_batches'),
    ]

    operations = [
        migrations.AddField(
            model_name='identity',
            name='alignment',
            field=models.CharField(blank=True, editable=False, max_length=8),
        ),
        migrations.AddField(
            model_name='identity',
            name='alignment_due_at',
            field=models.DateTimeField(default=django.utils.timezone.now, editable=False),
        ),
        migrations.AddField(
            model_name='identity',
            name='alignment_server',
            field=models.CharField(blank=True, editable=False, max_length=253),
        ),
        migrations.AddIndex(
            model_name='identity',
            index=models.Index(fields=['alignment_due_at'], name='identity_alignment_due'),
        ),
    ]
