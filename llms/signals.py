"""The signals of this app."""

from django.dispatch import Signal

# calls: list[dict] - ModelCall rows (`CallRecord.row()`) that have just been settled.
# Sent by the group-commit writer once per group, inside its transaction.
model_calls_settled = Signal()
