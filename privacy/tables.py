"""Every table there is: which rows of it are a person's, and what becomes of them.

A table that stands neither in TABLES nor in NOBODYS fails a test, and so does a column of text that
a row keeps though nothing is said of it here.
"""

from django.db.models import CharField, Value
from django.db.models.functions import Cast, Concat

from privacy.table import Fate, Table

NAMELESS = "Erased"
UNIQUE = Concat(Value("erased-"), Cast("pk", CharField()))

TABLES = [
    # --- accounts ------------------------------------------------------------------------------
    Table(
        "accounts.User",
        ("pk",),
        Fate.SCRUBBED,
        {
            **{"username": UNIQUE, "first_name": "", "last_name": "", "email": ""},
            **{"password": "", "is_active": False, "is_staff": False, "is_superuser": False},
            **{"last_login": None, "limits": {}},
        },
        hidden=("password",),
    ),
    Table("accounts.User_groups", ("user",)),
    Table("accounts.User_user_permissions", ("user",)),
    Table("accounts.ApiToken", ("user",), hidden=("digest",)),
    Table("accounts.Secret", ("owner",), hidden=("value",)),
    Table("accounts.Lockout", ("user",), hidden=("address",)),  # of whoever tried
    Table("admin.LogEntry", ("user",)),
    Table("security.SecurityAlert", ("user_id",)),
    # --- what runs by itself, and who is told --------------------------------------------------
    Table("triggers.ScheduleFiring", ("schedule__owner",)),
    Table("triggers.Schedule", ("owner",)),
    Table("triggers.ChainFiring", ("chain__owner", "source__user")),
    Table("triggers.Chain", ("owner",)),
    Table("webhooks.WebhookAttempt", ("message__endpoint__owner", "message__execution__user")),
    Table("webhooks.WebhookMessage", ("endpoint__owner", "execution__user")),
    Table("webhooks.WebhookEndpoint", ("owner",), hidden=("secret", "previous_secret")),
    Table("webhooks.WebhookDelivery", ("hook__owner",)),
    Table("webhooks.IncomingWebhook", ("owner",), hidden=("secret", "previous_secret")),
    # --- budgets, and what was put to the test -------------------------------------------------
    Table("budgets.BudgetCharge", ("period__budget__user",)),
    Table("budgets.BudgetPeriod", ("budget__user",)),
    Table("budgets.Budget", ("user",)),
    # What they made for others goes on holding without them.
    Table(
        "budgets.Budget",
        ("owner",),
        Fate.BLANKED,
        {"name": NAMELESS},
        kept=("scope", "key", "unit", "period", "time_zone", "unpriced", "warn_at"),
    ),
    # Of those of others, nothing is told to the owner; they go with the experiment.
    Table("experiments.UnitEvent", ("unit__user",)),
    Table("experiments.Exposure", ("unit__user",)),
    Table("experiments.Unit", ("user",)),
    Table("experiments.Experiment_users", ("user",)),
    Table("experiments.Variant", ("experiment__owner",)),
    Table("experiments.Experiment", ("owner",)),
    # --- the ledger ----------------------------------------------------------------------------
    Table(
        "llms.ModelCall",
        ("user",),
        Fate.BLANKED,
        {
            **{"parameters": {}, "request_hash": "", "answer": None, "error_message": ""},
            **{"provider_request_id": "", "request_id": ""},
        },
        kept=(
            *("origin", "provider", "provider_kind", "model", "served_model", "node", "purpose"),
            *("status", "exactness", "answered_by", "finish_reason", "error_code"),
        ),
    ),
    Table(
        "tools.ToolCall",
        ("user",),
        Fate.BLANKED,
        {"arguments": None, "text": "", "data": None, "error_message": "", "request_id": ""},
        kept=("origin", "tool", "node", "status", "answered_by", "error_code"),
    ),
    Table("tools.GrantUse", ("user",)),
    Table("tools.ToolGrant", ("user",)),
    # --- workflows -----------------------------------------------------------------------------
    Table("workflows.IdempotencyKey", ("user",)),
    Table("workflows.ExecutionEvent", ("execution__user",), Fate.SCRUBBED, kept=("frames",)),
    Table(
        "workflows.Approval",
        ("execution__user",),
        Fate.BLANKED,
        {
            **{"question": "", "shown": "", "form": None, "approvers": [], "answer": None},
            **{"comment": ""},
        },
        kept=("node", "status"),
    ),
    Table(
        "workflows.Approval",
        ("decided_by",),
        Fate.SCRUBBED,
        {"comment": ""},
        kept=("node", "status", "question", "shown", "form", "approvers", "answer"),
        hidden=("question", "shown", "form", "approvers"),  # the words of whose run it is
    ),
    Table("workflows.Approval_users", ("user",)),
    Table(
        "workflows.WorkflowExecution",
        ("user",),
        Fate.BLANKED,
        {
            **{"pins": {}, "used": {}, "edits": [], "parameters": {}, "input": {}, "output": None},
            **{"error": None, "limits": {}, "request_id": "", "address": None},
        },
        kept=("kind", "status", "rerun", "cause", "serial_key", "lease_owner"),
    ),
    Table("workflows.DefinitionVersion", ("definition__owner",), Fate.BLANKED, {"layout": {}}),
    Table(
        "workflows.WorkflowDefinition",
        ("owner",),
        Fate.BLANKED,
        {"name": NAMELESS, "description": "", "archived": True, "limits": {}, "once": ""},
    ),
    Table(
        "workflows.WorkflowTemplate",
        ("owner",),
        Fate.BLANKED,
        {
            **{"slug": UNIQUE, "name": NAMELESS, "description": "", "category": "general"},
            **{"parameters": {}, "layout": {}, "public": False},
        },
    ),
    # --- what was said -------------------------------------------------------------------------
    Table(
        "conversations.Message",
        ("conversation__owner",),
        Fate.BLANKED,
        {"text": "", "error": None},
        kept=("role", "status", "provider", "model"),
    ),
    Table("conversations.Conversation", ("owner",), Fate.BLANKED, {"title": "", "summary": ""}),
    Table("analytics.Rating", ("user",), Fate.BLANKED, {"comment": ""}),
    Table("analytics.ReplyRating", ("user",), Fate.BLANKED, {"comment": ""}),
    *(
        Table(
            f"analytics.{rollup}",
            ("whose",),
            Fate.BLANKED,  # numbers, and no words
            kept=("grain", "dimension", "whose", "subject"),
            hidden=tuple(f"{name}_histogram" for name in spreads),
        )
        for rollup, spreads in {
            "ExecutionRollup": ("duration",),
            "ModelRollup": ("latency", "first_token"),
            "ToolRollup": ("latency",),
        }.items()
    ),
]

# Whose rows are no person's, and why; those marked * an erasure goes through all the same.
NOBODYS = {
    "auth.Group": "a role, not a person",
    "auth.Group_permissions": "what a role may do",
    "auth.Permission": "what there is to be allowed",
    "audit.AuditEntry": "* exported with the rest; its personal part is blanked (`privacy.trail`)",
    "audit.AuditSeal": "a number, hashes and a seal",
    "audit.UnsealedGroup": "hashes",
    "audit.AuditHead": "a number and a seal",
    "audit.AuditCheckpoint": "a number, a seal and a signature",
    "contenttypes.ContentType": "the names of tables",
    "sessions.Session": "* holds who logged in, and nothing else; deleted (`privacy.sessions`)",
    "django_q.Task": "ids, while a job runs",
    "django_q.Success": "the same table",
    "django_q.Failure": "the same table",
    "django_q.Schedule": "which jobs there are",
    "django_q.OrmQ": "ids, until a job runs",
    "llms.ModelPrice": "what models cost",
    "llms.Provider": "the installation's",
    "llms.ModelProfile": "the installation's",
    "tools.McpServer": "the installation's",
    "tools.McpTool": "what a server offers",
    "tools.ToolSetting": "the installation's",
    "security.TrailPosition": "a number",
    "experiments.Experiment_groups": "which roles take part",
    "analytics.RollupPart": "ids and numbers, until they are added up",
    "telemetry.Tally": "sums over everybody",
    "workflows.Approval_groups": "which roles were asked",
    "workflows.PumpHost": "processes",
    "workflows.WorkflowVersion": "* shared by content; exported to who drew it up, emptied where "
    "nobody else uses it (`privacy.graphs`)",
    "analytics.TemplateAnalytics": "sums over everybody",
}
