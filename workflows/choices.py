"""What a form offers to run, and what was chosen."""

from typing import Any

from django.db.models import QuerySet

from accounts.models import User
from workflows.models import WorkflowDefinition, WorkflowTemplate
from workflows.parameters import names_of

_OFFERED = 200  # of each kind

Choice = tuple[str, str]  # a value, and the name it is shown by


def workflows_to_run(user: User) -> list[tuple[str, list[Choice]]]:
    """The user's own workflows and the templates they see, under a heading each."""
    own = WorkflowDefinition.objects.filter(owner=user, archived=False, version__isnull=False)
    groups = [("Your workflows", _choices(own)), ("Templates", templates_to_run(user))]
    return [(heading, choices) for heading, choices in groups if choices]


def templates_to_run(user: User) -> list[Choice]:
    """The templates that the user sees."""
    return _choices(WorkflowTemplate.objects.visible_to(user))


def parameters_taken(user: User) -> dict[str, list[str]]:
    """What may be set of each template that the user sees, by its value in a form."""
    seen = WorkflowTemplate.objects.visible_to(user).order_by("name").only("parameters")
    return {value_of(one): list(names_of(one.parameters)) for one in seen[:_OFFERED]}


def value_of(target: WorkflowDefinition | WorkflowTemplate) -> str:
    """What stands for it in a form: "definition:<id>" or "template:<id>"."""
    kind = "definition" if isinstance(target, WorkflowDefinition) else "template"
    return f"{kind}:{target.pk}"


def parse_choice(value: str) -> dict[str, Any]:
    """The other way: `definition` and `template`, one of them an id; neither of an empty value.

    Raises ValueError for what is no choice.
    """
    kind, _, pk = value.partition(":")
    if value and kind not in ("definition", "template"):
        raise ValueError(value)
    return {"definition": None, "template": None, **({kind: pk} if value else {})}


def _choices(rows: QuerySet[Any]) -> list[Choice]:
    return [(value_of(one), one.name) for one in rows.order_by("name")[:_OFFERED]]
