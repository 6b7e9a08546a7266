"""Everything that is found by dotted path: the one list of each kind of plug-in."""

NODE_TYPES = [
    "workflows.nodes.start.StartNode",
    "workflows.nodes.end.EndNode",
    "workflows.nodes.model.ModelNode",
    "workflows.nodes.memory.MemoryNode",
    "workflows.nodes.conditional.ConditionalNode",
    "workflows.nodes.variable.VariableNode",
    "workflows.nodes.delay.DelayNode",
    "workflows.nodes.tools.ToolsNode",
    "workflows.nodes.loop.LoopNode",
    "workflows.nodes.prompt.PromptNode",
    "workflows.nodes.error_handler.ErrorHandlerNode",
    "workflows.nodes.subworkflow.SubworkflowNode",
    "workflows.nodes.map.MapNode",
    "workflows.nodes.approval.ApprovalNode",
    "workflows.nodes.http_request.HttpRequestNode",
]

TOOLS = [
    "tools.builtin.calculator.Calculator",
    "tools.builtin.clock.Clock",
    "tools.builtin.http_get.HttpGet",
    "tools.builtin.http_request.HttpRequest",
    "tools.builtin.json_query.JsonQuery",
    "tools.builtin.text_statistics.TextStatistics",
    "tools.builtin.unit_conversion.UnitConversion",
]

# Called with the executions that end, inside the transaction that ends them.
OUTCOMES = [
    "conversations.services.replies.record_replies",
    "triggers.services.endings.note_endings",
    "webhooks.services.notifying.notify_ended",
]

# Called with the executions that begin to wait for people, inside the transaction that pauses them.
PAUSES = ["webhooks.services.notifying.notify_waiting"]

# Called with an execution for which there is no room, inside the transaction that records it.
REFUSED_STARTS = [
    "webhooks.services.notifying.notify_refused",
    "workflows.watching.notices.notify_refused",
]

# Called with the budgets of which so much is used, inside the transaction that uses it.
BUDGET_WARNINGS = [
    "webhooks.services.notifying.notify_budgets",
    "workflows.watching.notices.notify_budgets",
]

# Asked for the users or groups that are to be deleted: what keeps them, in words.
DELETION_OBJECTIONS = {
    "accounts.User": [
        "budgets.selectors.budgets_on_others",
        "workflows.selectors.too_many_to_delete",
    ],
    "auth.Group": [
        "budgets.selectors.budgets_on_groups",
        "tools.selectors.grants_of_groups",
    ],
}

# Which calls were for what, as budgets ask.
BUDGET_LEDGER = "conversations.budget_ledger.Ledger"

# Gives the conversation an execution answers in, as the model is to see it.
HISTORY = "conversations.history.history_of"

# Asked in turn what answers a turn of a conversation; the first that knows decides, and what it
# wants kept of it is committed with the execution.
ROUTES = ["experiments.services.routing.route_turn"]

# Done every so often by whoever hosts a pump.
CHORES = [
    "audit.chores.seal_what_was_recorded",
    "audit.chores.sign_the_chain",
    "experiments.chores.watch_guard_rails",
    "webhooks.delivering.deliver_messages",
    "triggers.chores.fire_schedules",
    "triggers.chores.follow_chains",
    "security.chores.watch_the_trail",
    "security.chores.mail_alerts",
    "tools.chores.settle_lost_calls",
    "analytics.chores.fold_rollups",
    "workflows.chores.settle_lost_calls",
    "core.retention.prune_now_and_then",
    "telemetry.loops.measure_the_pump",
]

# Put into the queue every so many minutes by django-q2's scheduler, where workers run: beside the
# chores, should no pump live (or none that lives as long as a chore waits).
JOBS = {"triggers.tasks.fire_triggers": 1, "core.retention.prune_as_set": 60}

# What grows old, for `manage.py prune`.
RETENTIONS = [
    "workflows.retention.EVENTS",
    "workflows.retention.KEYS",
    "triggers.retention.SCHEDULES",
    "triggers.retention.CHAINS",
    "webhooks.retention.DELIVERIES",
    "webhooks.retention.MESSAGES",
    "security.retention.ALERTS",
    "security.retention.COUNTS",
    "accounts.retention.LOCKOUTS",
    "accounts.retention.SESSIONS",
    "core.jobs.FAILED",
]

# What one may subscribe to, over websockets and as server-sent events.
CHANNELS = [
    "workflows.watching.channels.ExecutionChannel",
    "workflows.watching.channels.UserChannel",
    "workflows.watching.budgets.BudgetsChannel",
    "conversations.channels.ConversationChannel",
    "analytics.dashboard.DashboardChannel",
]
