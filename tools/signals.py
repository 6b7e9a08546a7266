"""The signals of this app."""

from django.dispatch import Signal

# calls: list[dict] - ToolCall rows (`ToolCallRecord.row()`) that have just been settled.
# Sent in the transaction that settles them: by the group-commit writer once per group, and by
# `ToolCallQuerySet.settle` for calls outside runs.
tool_calls_settled = Signal()
