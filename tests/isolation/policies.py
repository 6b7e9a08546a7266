"""Who may do what at which address: the table that a new route needs a line in.

What can be derived is not written down. A policy for an address with a parameter counts for all
that lies beneath it, and each verb there is tried with what the OpenAPI document says it takes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.definitions.graphs import asks, graph
from tests.factories.accounts import PASSWORD

Form = Mapping[str, str]  # what a page's form sends; "{schedule}" is the id of one's schedule


@dataclass(frozen=True, slots=True)
class Public:
    """For anybody."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """For who is signed in. `own`: what is shown is their own; else it is the same for all.

    `form`: what the page takes, where it takes anything, with the ids that it takes.
    """

    own: bool = False
    form: Form | None = None


@dataclass(frozen=True, slots=True)
class Own:
    """About one thing of this kind (see `home.py`), and so are the addresses beneath it.

    Whoever may not see it is told what they are told of an id that nobody made.
    """

    kind: str
    form: Form | None = None


@dataclass(frozen=True, slots=True)
class Staff:
    """For staff, and so are the addresses beneath it; others are `told` so.

    `kind` is the common thing that it is about.
    """

    told: int = 403
    kind: str = ""


@dataclass(frozen=True, slots=True)
class BackOffice:
    """Django's admin: `test_back_office.py` asks for the permission of each model and act."""


Policy = Public | SignedIn | Own | Staff | BackOffice

_EXPERIMENT: Form = {
    **{"name": "x", "unit": "conversation", "audience": "own", "traffic_percent": "100"},
    **{"primary": "cost", "window_min": "60", "planned_units": "1000"},
    **{"variants-TOTAL_FORMS": "2", "variants-INITIAL_FORMS": "0", "control": "variants-0-control"},
    **{"variants-0-name": "as it is", "variants-0-weight": "1", "variants-1-weight": "1"},
}
_PASSWORD: Form = {
    "old_password": PASSWORD,
    **dict.fromkeys(("new_password1", "new_password2"), "a long walk by the sea"),
}
POLICIES: dict[str, Policy] = {
    # --- for anybody
    "": Public(),
    "login/": Public(),
    "logout/": Public(),
    "healthz": Public(),
    "readyz": Public(),
    "metrics": Public(),  # absent unless settings name who may; `tests/telemetry` tell of it
    "api/": Public(),  # no such address
    "hooks/": Public(),  # nor here
    "api/schema/": Public(),
    "api/docs/": Public(),
    "api/v1/auth/token/": Public(),
    "hooks/<str:public_id>/": Public(),  # who has the secret; `tests/webhooks` tell of it
    # --- pages
    "account/password/": SignedIn(own=True, form=_PASSWORD),
    "account/tokens/": SignedIn(own=True, form={"revoke": "{token}"}),
    "analytics/": SignedIn(own=True),
    "analytics/conversations/": SignedIn(own=True),
    "analytics/conversations/rows/": SignedIn(own=True),
    "analytics/definitions/<str:pk>/": Own("definition"),
    "analytics/live/": Staff(told=404),
    "analytics/messages/": SignedIn(own=True),
    "analytics/ratings/": SignedIn(own=True),
    "analytics/users/<uuid:pk>/": Own("user"),
    "analytics/<slug:subject>/": SignedIn(own=True),
    "approvals/": SignedIn(own=True, form={"approval": "{approval}", "decision": "approve"}),
    "budgets/": SignedIn(own=True),
    "budgets/<str:pk>/calls/": Own("budget"),
    "chat/": SignedIn(own=True),
    "chat/<str:pk>/": Own("conversation"),
    "compliance/": Staff(),
    "executions/": SignedIn(own=True),
    "executions/<str:pk>/": Own("execution"),
    "experiments/": SignedIn(own=True),
    "experiments/new/": SignedIn(
        own=True,
        form={**_EXPERIMENT, "target": "template:{template}", "variants-1-name": "brief"},
    ),
    "experiments/<str:pk>/": Own("experiment", form={"act": "start"}),
    "experiments/<str:pk>/edit/": Own(
        "experiment",
        form={
            **_EXPERIMENT,
            **{"variants-1-name": "another", "variants-1-template": "template:{template}"},
        },
    ),
    "experiments/<str:pk>/exposures/": Own("experiment"),
    "model-calls/": SignedIn(own=True),
    "schedules/": SignedIn(own=True, form={"schedule": "{schedule}", "act": "pause"}),
    "schedules/new/": SignedIn(
        own=True,
        form={
            "target": "definition:{definition}",
            **{"name": "x", "kind": "cron", "cron": "0 9 * * *", "unit": "minutes"},
            **{"time_zone": "UTC", "misfire": "skip", "grace_s": "60"},
        },
    ),
    "schedules/times/": SignedIn(form={"kind": "cron", "cron": "0 9 * * *"}),
    "schedules/<str:pk>/": Own("schedule", form={"act": "pause"}),
    "tool-calls/": SignedIn(own=True),
    "webhooks/": SignedIn(
        own=True,
        form={
            "workflow": "definition:{definition}",
            **{"kind": "incoming", "name": "x", "mode": "background", "signature": "standard"},
        },
    ),
    "webhooks/in/<str:pk>/": Own("incoming", form={"act": "off"}),
    "webhooks/out/<str:pk>/": Own(
        "endpoint", form={"act": "resend", "message": "{webhook_message}"}
    ),
    # --- the API: one's own
    "api/v1/analytics/conversations/": SignedIn(own=True),
    "api/v1/analytics/conversations/rows/": SignedIn(own=True),
    "api/v1/analytics/definitions/<str:pk>/calls/": Own("definition"),
    "api/v1/analytics/executions/": SignedIn(own=True),
    "api/v1/analytics/messages/": SignedIn(own=True),
    "api/v1/analytics/conversations/export/": SignedIn(own=True),
    "api/v1/analytics/executions/export/": SignedIn(own=True),
    "api/v1/analytics/models/": SignedIn(own=True),
    "api/v1/analytics/models/export/": SignedIn(own=True),
    "api/v1/analytics/ratings/": SignedIn(own=True),
    "api/v1/analytics/tools/": SignedIn(own=True),
    "api/v1/analytics/tools/export/": SignedIn(own=True),
    "api/v1/analytics/users/<uuid:pk>/": Own("user"),
    "api/v1/approvals/": SignedIn(own=True),
    "api/v1/approvals/<str:pk>/": Own("approval"),
    "api/v1/auth/me/": SignedIn(own=True),
    "api/v1/auth/tokens/": SignedIn(own=True),
    "api/v1/auth/tokens/<uuid:pk>/": Own("token"),
    "api/v1/budgets/": SignedIn(own=True),
    "api/v1/budgets/<str:pk>/": Own("budget"),
    "api/v1/chains/": SignedIn(own=True),
    "api/v1/chains/<str:pk>/": Own("chain"),
    "api/v1/chat/": SignedIn(),
    "api/v1/conversations/": SignedIn(own=True),
    "api/v1/conversations/<str:pk>/": Own("conversation"),
    "api/v1/conversations/<str:pk>/messages/<str:message>/": Own("conversation"),
    "api/v1/definitions/": SignedIn(own=True),
    "api/v1/definitions/import/": SignedIn(),
    "api/v1/definitions/<str:pk>/": Own("definition"),
    "api/v1/events/": SignedIn(own=True),
    "api/v1/executions/": SignedIn(own=True),
    "api/v1/executions/<str:pk>/": Own("execution"),
    "api/v1/experiments/": SignedIn(own=True),
    "api/v1/experiments/<str:pk>/": Own("experiment"),
    "api/v1/model-calls/": SignedIn(own=True),
    "api/v1/privacy/export/": SignedIn(own=True),
    "api/v1/schedules/": SignedIn(own=True),
    "api/v1/schedules/preview/": SignedIn(),
    "api/v1/schedules/<str:pk>/": Own("schedule"),
    "api/v1/secrets/": SignedIn(own=True),
    "api/v1/secrets/<str:key>/": Own("secret"),
    "api/v1/templates/": SignedIn(own=True),
    "api/v1/templates/<str:pk>/": Own("template"),
    "api/v1/tool-calls/": SignedIn(own=True),
    "api/v1/tool-calls/<uuid:pk>/": Own("tool_call"),
    "api/v1/webhooks/endpoints/": SignedIn(own=True),
    "api/v1/webhooks/endpoints/<str:pk>/": Own("endpoint"),
    "api/v1/webhooks/incoming/": SignedIn(own=True),
    "api/v1/webhooks/incoming/<str:pk>/": Own("incoming"),
    "api/v1/webhooks/messages/<str:pk>/": Own("webhook_message"),
    "api/v1/workflows/execute/": SignedIn(),
    "api/v1/workflows/forecast/": SignedIn(),
    "api/v1/workflows/validate/": SignedIn(),
    # --- the API: the same for all
    "api/v1/models/": SignedIn(),
    "api/v1/node-types/": SignedIn(),
    "api/v1/node-types/<str:key>/": SignedIn(),
    "api/v1/tools/": SignedIn(),
    "api/v1/tools/<str:key>/call/": SignedIn(),
    # --- for staff
    "admin/": BackOffice(),
    "api/v1/analytics/system/": Staff(told=404),
    "api/v1/audit/entries/": Staff(),
    "api/v1/dashboard/events/": Staff(told=404),
    "api/v1/privacy/users/<uuid:pk>/erase/": Staff(kind="user"),
    "api/v1/privacy/users/<uuid:pk>/export/": Staff(kind="user"),
    "api/v1/security/compliance/": Staff(),
    "api/v1/mcp-servers/": Staff(),
    "api/v1/tools/grants/": Staff(),
    "api/v1/tools/grants/<uuid:pk>/": Staff(kind="tool_grant"),
    "api/v1/tools/<str:key>/": Staff(),
    "api/v1/mcp-servers/<uuid:pk>/": Staff(kind="mcp_server"),
}

# What the other parameters of addresses are: kinds of things, or values that fit.
PARAMETERS: dict[str, str] = {
    "variant": "variant",
    **{"message": "reply", "number": "=1", "before": "=1", "after": "=2"},
    **{"key": "=calculator", "public_id": "=nothing", "subject": "=models"},
}
# What to send for a field that must be given, or must not be what the document would let it be.
EXAMPLES: dict[str, object] = {
    "mode": "background",
    "tool": "calculator",
    "when_busy": "refuse",
    "graph": graph(asks()),
    "stars": 5,
    "hosts": ["api.example.org"],
    "value": "a-secret-value",
    "node": "model",
    "url": "https://example.org/",
    "every_s": 60,
    "kind": "interval",
    "effect": 0.1,
    "primary": "tokens",
    "variants": [{"name": "as it is", "control": True}, {"name": "brief"}],
}
# What a field or a query parameter is the id of; two kinds where there are two ways to name one.
IDS: dict[str, str] = {
    "conversation": "conversation",
    "definition": "definition",
    "after_definition": "definition",
    "template": "template template.slug",
    "after_template": "template template.slug",
    "execution": "execution",
    "user": "user",
    "version": "version",
    "variant": "variant",
    # Of no thing that is anybody's:
    **{"actor": "", "request_id": "", "delivery_id": "", "unit": ""},
}
# The same where the name alone does not say: address and name.
_REPORTS = [f"/api/v1/analytics/{name}/" for name in ("executions", "models", "tools")]
IDS_AT: dict[tuple[str, str], str] = {
    **{(path, name): "user" for path in _REPORTS for name in ("of", "key")},
    ("/api/v1/analytics/conversations/", "of"): "user",
}
# What else is to be said with an id, for the request to be understood.
ALONG: dict[tuple[str, str], Mapping[str, str | None]] = {
    ("/api/v1/chains/", "definition"): {"after_template": "{template}"},
    ("/api/v1/chains/", "template"): {"after_template": "{template}"},
    ("/api/v1/chains/", "after_definition"): {"template": "{template}"},
    ("/api/v1/chains/", "after_template"): {"template": "{template}"},
    ("/api/v1/experiments/", "variants"): {"template": "universal_chat"},
    **{(path, "key"): {"by": "user"} for path in _REPORTS},
}
# Settings of nodes that only look like ids.
NO_IDS = {("prompt", "template"), ("subworkflow", "version")}

# --- the live side: the addresses of sockets, and the channels that one may subscribe to
SOCKETS: dict[str, Policy] = {
    "ws/v1/": SignedIn(),
    "ws/executions/<str:pk>/": Own("execution"),
    "ws/conversations/<str:pk>/": Own("conversation"),
    "": Public(),  # no such address
}
CHANNELS: dict[str, Policy] = {
    "budgets": SignedIn(own=True),
    "conversation": Own("conversation"),
    "dashboard": Staff(told=404),
    "execution": Own("execution"),
    "user": SignedIn(own=True),
}
