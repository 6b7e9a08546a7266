"""Facts this app tells."""

from django.dispatch import Signal

# calls: list[dict] - ToolCall rows (`ToolCallRecord.row()`) that have just been settled.
# Sent by the group-commit writer once per group, inside its transaction.
tool_calls_settled = Signal()
