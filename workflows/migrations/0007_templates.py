"""Templates count their changes, and declare their parameters as JSON schema."""

from django.db import migrations, models


def declare_by_schema(apps, schema_editor):
    """`{name: {type, default, label}}` becomes a schema; what had no default is needed."""
    for template in apps.get_model("workflows", "WorkflowTemplate").objects.iterator():
        before = template.parameters
        if not before or isinstance(before.get("type"), str):
            continue
        properties = {}
        for name, spec in before.items():
            properties[name] = {key: spec[key] for key in ("type", "default") if key in spec}
            if "label" in spec:
                properties[name]["title"] = spec["label"]
        template.parameters = {
            "type": "object",
            "properties": properties,
            "required": [name for name, spec in before.items() if "default" not in spec],
        }
        template.save(update_fields=["parameters"])


def declare_by_name(apps, schema_editor):
    """The way back, for parameters as simple as they were."""
    for template in apps.get_model("workflows", "WorkflowTemplate").objects.iterator():
        properties = template.parameters.get("properties", {})
        template.parameters = {
            name: {
                "type": part.get("type", "string"),
                "default": part.get("default"),
                "label": part.get("title", name),
            }
            for name, part in properties.items()
        }
        template.save(update_fields=["parameters"])


class Migration(migrations.Migration):
    dependencies = [
        ("workflows", "0006_rerun"),
    ]

    operations = [
        migrations.AddField(
            model_name="workflowtemplate",
            name="revision",
            field=models.PositiveIntegerField(default=1),
        ),
        migrations.RunPython(declare_by_schema, declare_by_name),
    ]
