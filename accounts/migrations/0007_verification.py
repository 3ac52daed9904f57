import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0006_policies'),
    ]

    operations = [
        migrations.CreateModel(
            name='CodeRecipient',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('mailbox', models.CharField(max_length=254, unique=True)),
            ],
            options={
                'verbose_name': 'recipient of codes',
                'verbose_name_plural': 'recipients of codes',
            },
        ),
        migrations.RemoveConstraint(
            model_name='ownedaddress',
            name='one_owned_address_per_owner_and_address',
        ),
        migrations.RenameField(
            model_name='identity',
            old_name='verified_at',
            new_name='server_accepted_at',
        ),
        migrations.AddField(
            model_name='ownedaddress',
            name='use',
            field=models.CharField(choices=[('send_as', 'Send as'), ('reply_to', 'Reply-To')], default='send_as', max_length=8),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='verificationcode',
            name='asked_at',
            field=models.DateTimeField(default=django.utils.timezone.now),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='verificationcode',
            name='mail_due_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='verificationcode',
            name='mails',
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='verificationcode',
            name='replaced_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='verificationcode',
            name='use',
            field=models.CharField(choices=[('send_as', 'Send as'), ('reply_to', 'Reply-To')], default='send_as', max_length=8),
            preserve_default=False,
        ),
        migrations.AlterField(
            model_name='verificationcode',
            name='code_hash',
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AlterField(
            model_name='verificationcode',
            name='expires_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name='verificationcode',
            name='sent_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddConstraint(
            model_name='ownedaddress',
            constraint=models.UniqueConstraint(models.F('owner'), django.db.models.functions.text.Lower('address'), models.F('use'), name='one_owned_address_per_owner_and_use'),
        ),
        migrations.AddConstraint(
            model_name='ownedaddress',
            constraint=models.CheckConstraint(condition=models.Q(('use__in', ['send_as', 'reply_to'])), name='owned_address_use_known'),
        ),
        migrations.AddField(
            model_name='verificationcode',
            name='recipient',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, to='accounts.coderecipient'),
        ),
        migrations.AddIndex(
            model_name='verificationcode',
            index=models.Index(condition=models.Q(('mail_due_at__isnull', False)), fields=['mail_due_at'], name='code_mail_due'),
        ),
        migrations.AddIndex(
            model_name='verificationcode',
            index=models.Index(fields=['recipient', 'sent_at'], name='code_recipient_sent'),
        ),
        migrations.AddIndex(
            model_name='verificationcode',
            index=models.Index(fields=['asked_at'], name='code_asked'),
        ),
        migrations.AddConstraint(
            model_name='verificationcode',
            constraint=models.CheckConstraint(condition=models.Q(('use__in', ['send_as', 'reply_to'])), name='code_use_known'),
        ),
        migrations.AddConstraint(
            model_name='verificationcode',
            constraint=models.CheckConstraint(condition=models.Q(('code_hash', ''), models.Q(('expires_at__isnull', False), ('recipient__isnull', False), ('sent_at__isnull', False)), _connector='OR'), name='code_with_a_hash_expires'),
        ),
        migrations.AddConstraint(
            model_name='verificationcode',
            constraint=models.UniqueConstraint(models.F('owner'), django.db.models.functions.text.Lower('address'), models.F('use'), condition=models.Q(('replaced_at', None), ('used_at', None)), name='one_open_code_per_owner_address_and_use'),
        ),
    ]
