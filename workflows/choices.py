"""What a form offers to run, and what was chosen."""

from typing import Any

from django.db.models import Case, Q, QuerySet, When

from accounts.models import User
from workflows.models import WorkflowDefinition, WorkflowTemplate
from workflows.parameters import names_of

_OFFERED = 200  # of each kind

Choice = tuple[str, str]  # a value, and the name it is shown by


def workflows_to_run(user: User) -> list[tuple[str, list[Choice]]]:
    """The user's own workflows and the templates they see, under a heading each."""
    rows = WorkflowDefinition.objects.filter(owner=user, archived=False, version__isnull=False)
    own = [(value_of(one), one.name) for one in rows.order_by("name")[:_OFFERED]]
    groups = [("Your workflows", own), ("Templates", templates_to_run(user))]
    return [(heading, choices) for heading, choices in groups if choices]


def templates_to_run(user: User) -> list[Choice]:
    """The templates that the user sees; of those of others it is told whose they are."""
    return [(value_of(one), _name_of(one, user)) for one in _templates(user)]


def parameters_taken(user: User) -> dict[str, list[str]]:
    """What may be set of each template that the user sees, by its value in a form."""
    return {value_of(one): list(names_of(one.parameters)) for one in _templates(user)}


def value_of(target: WorkflowDefinition | WorkflowTemplate) -> str:
    """What stands for it in a form: "definition:<id>" or "template:<id>"."""
    kind = "definition" if isinstance(target, WorkflowDefinition) else "template"
    return f"{kind}:{target.pk}"


def parse_choice(value: str) -> dict[str, Any]:
    """The other way: `definition` and `template`, one of them an id; neither of an empty value.

    Raises ValueError for what is no choice.
    """
    kind, _, pk = value.partition(":")
    if value and (kind not in ("definition", "template") or not pk):
        raise ValueError(value)
    return {"definition": None, "template": None, **({kind: pk} if value else {})}


def _templates(user: User) -> QuerySet[WorkflowTemplate]:
    """Chatter's and one's own come first, however many others make public."""
    known = Q(owner=None) | Q(owner=user)
    seen = WorkflowTemplate.objects.visible_to(user).select_related("owner")
    return seen.order_by(Case(When(known, then=0), default=1), "name")[:_OFFERED]


def _name_of(template: WorkflowTemplate, user: User) -> str:
    """Anybody may call theirs as one of Chatter's is called."""
    stranger = template.owner if template.owner_id != user.pk else None
    return f"{template.name} · {stranger.get_username()}" if stranger else template.name
