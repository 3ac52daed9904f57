import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0018_preferences'),
        ('mailstore', '0003_lists_and_undo'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Snooze',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('until', models.DateTimeField()),
                ('is_back', models.BooleanField(default=False)),
            ],
            options={
                'verbose_name': 'snoozed message',
                'verbose_name_plural': 'snoozed messages',
            },
        ),
        migrations.RemoveConstraint(
            model_name='folder',
            name='folder_role_known',
        ),
        migrations.AddField(
            model_name='folder',
            name='depth',
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='folder',
            name='empty_before',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='label',
            name='total',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='label',
            name='unread',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='message',
            name='discarded_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name='folder',
            name='parent',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.RESTRICT, to='mailstore.folder'),
        ),
        migrations.AlterField(
            model_name='folder',
            name='role',
            field=models.CharField(blank=True, choices=[('inbox', 'Inbox'), ('sent', 'Sent'), ('drafts', 'Drafts'), ('junk', 'Spam'), ('trash', 'Trash'), ('archive', 'Archive'), ('snoozed', 'Snoozed')], max_length=8),
        ),
        migrations.AlterField(
            model_name='label',
            name='color',
            field=models.CharField(choices=[('blue', 'Blue'), ('teal', 'Teal'), ('green', 'Green'), ('amber', 'Amber'), ('red', 'Red'), ('pink', 'Pink'), ('violet', 'Violet'), ('slate', 'Slate')], default='blue', max_length=8, verbose_name='colour'),
        ),
        migrations.AddIndex(
            model_name='folder',
            index=models.Index(condition=models.Q(('empty_before__isnull', False)), fields=['id'], name='folder_to_empty'),
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(condition=models.Q(('discarded_at__isnull', False)), fields=['owner', 'discarded_at'], name='message_discarded'),
        ),
        migrations.AddConstraint(
            model_name='folder',
            constraint=models.CheckConstraint(condition=models.Q(('role__in', ['', 'inbox', 'sent', 'drafts', 'junk', 'trash', 'archive', 'snoozed'])), name='folder_role_known'),
        ),
        migrations.AddConstraint(
            model_name='folder',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('depth', 0), ('parent', None)), models.Q(('depth__gte', 1), ('depth__lte', 4), ('parent__isnull', False), ('role', '')), _connector='OR'), name='folder_depth_is_that_of_its_place'),
        ),
        migrations.AddConstraint(
            model_name='label',
            constraint=models.CheckConstraint(condition=models.Q(('color__in', ['blue', 'teal', 'green', 'amber', 'red', 'pink', 'violet', 'slate'])), name='label_color_known'),
        ),
        migrations.AddConstraint(
            model_name='label',
            constraint=models.CheckConstraint(condition=models.Q(('unread__lte', models.F('total'))), name='unread_is_part_of_labelled'),
        ),
        migrations.AddField(
            model_name='snooze',
            name='folder',
            field=models.ForeignKey(on_delete=django.db.models.deletion.RESTRICT, to='mailstore.folder'),
        ),
        migrations.AddField(
            model_name='snooze',
            name='message',
            field=models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, to='mailstore.message'),
        ),
        migrations.AddField(
            model_name='snooze',
            name='owner',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddIndex(
            model_name='snooze',
            index=models.Index(condition=models.Q(('is_back', False)), fields=['until'], name='snooze_due'),
        ),
        migrations.AddIndex(
            model_name='snooze',
            index=models.Index(condition=models.Q(('is_back', True)), fields=['owner'], name='snooze_back'),
        ),
    ]
