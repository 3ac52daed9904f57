"""Give new people a plan from the first start on."""

from django.db import migrations


def add_default_plan(apps, schema_editor):
    Plan = apps.get_model("accounts", "Plan")
    if not Plan.objects.filter(is_default=True).exists():
        Plan.objects.create(name="Standard", is_default=True)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [migrations.RunPython(add_default_plan, migrations.RunPython.noop)]
