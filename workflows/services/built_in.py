"""The templates Chatter comes with."""

from django.db import transaction

from audit.changes import changes_for_audit
from audit.record import record
from core.json_values import same
from workflows.built_in import TEMPLATES
from workflows.models import WorkflowTemplate
from workflows.parameters import names_of
from workflows.services.definitions import checked_graph, version_of
from workflows.services.templates import hashed


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
        before = {name: getattr(template, name) for name in fields}
        if created:
            record("workflows.template.created", target=template)
        elif not same(before, fields):
            for name, value in fields.items():
                setattr(template, name, value)
            template.revision += 1
            template.save()
            told = changes_for_audit(hashed(before), hashed(fields))
            record("workflows.template.changed", target=template, **told)
