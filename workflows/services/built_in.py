"""The templates Chatter comes with."""

from typing import Any

from django.db import transaction

from audit.record import record
from workflows.models import WorkflowTemplate
from workflows.services.definitions import checked_graph, version_of
from workflows.services.planning import UNIVERSAL_CHAT

_SYSTEM = "You are a helpful assistant."


def _edge(source: str, target: str, port: str = "out") -> dict[str, str]:
    return {"source": source, "source_port": port, "target": target}


_UNIVERSAL_CHAT: dict[str, Any] = {
    "slug": UNIVERSAL_CHAT,
    "name": "Universal chat",
    "description": "Talks with any model, remembers the conversation and calls tools, as asked.",
    "category": "general",
    "parameters": {
        "model": {"type": "string", "default": "", "label": "Model (provider:model)"},
        "system": {"type": "string", "default": _SYSTEM, "label": "Instructions"},
        "enable_memory": {"type": "boolean", "default": True, "label": "Remember the conversation"},
        "memory_window": {"type": "integer", "default": 20, "label": "Messages seen as they are"},
        "tools": {"type": "array", "default": [], "label": "Tools the model may call"},
        "summarise": {"type": "boolean", "default": True, "label": "Sum up what lies before"},
    },
    "graph": {
        "nodes": [
            {"id": "start", "type": "start", "position": {"x": 0, "y": 0}},
            {
                "id": "memory",
                "type": "memory",
                "config": {
                    "enabled": "{{params.enable_memory}}",
                    "window": "{{params.memory_window}}",
                    "summarise": "{{params.summarise}}",
                    "model": "{{params.model}}",
                },
                "position": {"x": 200, "y": 0},
            },
            {
                "id": "model",
                "type": "model",
                "config": {
                    "model": "{{params.model}}",
                    "system": "{{params.system}}",
                    "tools": "{{params.tools}}",
                },
                "position": {"x": 400, "y": 0},
            },
            {"id": "tools", "type": "tools", "position": {"x": 400, "y": 160}},
            {"id": "end", "type": "end", "position": {"x": 600, "y": 0}},
        ],
        "edges": [
            _edge("start", "memory"),
            _edge("memory", "model"),
            _edge("model", "tools", "tool_calls"),
            _edge("tools", "model"),
            _edge("model", "end"),
        ],
    },
}

TEMPLATES = (_UNIVERSAL_CHAT,)


@transaction.atomic
def seed_templates() -> None:
    """Add what is missing, and bring what changed up to this release. Safe to repeat."""
    for spec in TEMPLATES:
        fields = {key: spec[key] for key in ("name", "description", "category", "parameters")}
        graph = checked_graph(spec["graph"], params=spec["parameters"])
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
            template.save()
            record("workflows.template.changed", target=template, detail={"changed": changed})
