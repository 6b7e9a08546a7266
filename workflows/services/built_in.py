"""The templates Chatter comes with."""

from django.db import transaction

from audit.record import record
from workflows.built_in import TEMPLATES
from workflows.models import WorkflowTemplate
from workflows.parameters import names_of
from workflows.services.definitions import checked_graph, version_of


@transaction.atomic
def seed_templates() -> None:
    """Add what is missing, and bring what changed up to this release. Safe to repeat."""
    for spec in TEMPLATES:
        fields = {key: spec[key] for key in ("name", "description", "category", "parameters")}
        graph = checked_graph(spec["graph"], params=names_of(spec["parameters"]))
        fields |= {"version": version_of(graph), "layout": graph.layout, "public": True}
        template, created = WorkflowTemplate.objects.get_or_create(
            owner=None, slug=spec["slug"], defaults=fields
        )
        changed = [name for name, value in fields.items() if getattr(template, name) != value]
        if created:
            record("workflows.template.created", target=template)
        elif changed:
            for name in changed:
                setattr(template, name, fields[name])
            template.revision += 1
            template.save()
            record("workflows.template.changed", target=template, detail={"changed": changed})
