"""The signals of this app."""

from django.dispatch import Signal

# executions: list of {template_id, definition_id, version_id, user_id, status, rerun, duration_ms,
# finished_at, <counted numbers>}; sent by the group-commit writer once per group, inside its
# transaction.
executions_finished = Signal()
