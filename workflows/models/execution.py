"""One run of a graph."""

from datetime import UTC, datetime

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.models import Record
from core.origins import of_execution
from workflows.models.totals import CallTotals
from workflows.querysets import ExecutionQuerySet


class ExecutionKind(models.TextChoices):
    """What was asked to run."""

    TEMPLATE = "template"
    DEFINITION = "definition"
    CUSTOM = "custom"
    CHAT = "chat"


class Rerun(models.TextChoices):
    """How an execution makes use of the recordings of an earlier one, its source."""

    RETRY = "retry", "retry"
    REPLAY = "replay", "replay"
    FORK = "fork", "fork"


class ExecutionStatus(models.TextChoices):
    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)  # of `wakes_at`: by everybody's clock
_TEMPLATE = "template:"  # in `used`, before its slug
_S = ExecutionStatus
TERMINAL = frozenset({_S.COMPLETED, _S.FAILED, _S.CANCELLED})
# Every move there is. running → pending is a hand-back at shutdown; running → running is a new
# owner taking over a lease that ran out (the attempt number grows by one).
MOVES: dict[ExecutionStatus, frozenset[ExecutionStatus]] = {
    _S.PENDING: frozenset({_S.RUNNING, _S.CANCELLED, _S.FAILED}),
    _S.RUNNING: frozenset({_S.RUNNING, _S.PENDING, _S.WAITING} | TERMINAL),
    _S.WAITING: frozenset({_S.RUNNING, _S.CANCELLED, _S.FAILED}),
    _S.COMPLETED: frozenset(),
    _S.FAILED: frozenset(),
    _S.CANCELLED: frozenset(),
}


def sources_of(status: ExecutionStatus) -> list[ExecutionStatus]:
    """From which states this one can be reached: the condition of the UPDATE that moves there."""
    return [source for source, targets in MOVES.items() if status in targets]


class WorkflowExecution(Record, CallTotals):
    """One run: what was asked, how far it is, who runs it now, what came of it, and its totals.

    `status` changes only by a conditional UPDATE guarded by `attempt`, the fencing number of the
    lease. The totals count the model calls whose `origin` is it (`workflows.aggregates`).
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="executions")
    kind = models.CharField(max_length=12, choices=ExecutionKind.choices)
    status = models.CharField(
        max_length=12, choices=ExecutionStatus.choices, default=ExecutionStatus.PENDING
    )
    version = models.ForeignKey(
        "workflows.WorkflowVersion", models.PROTECT, related_name="executions"
    )
    template = models.ForeignKey(
        "workflows.WorkflowTemplate", models.SET_NULL, null=True, related_name="executions"
    )
    definition = models.ForeignKey(
        "workflows.WorkflowDefinition", models.SET_NULL, null=True, related_name="executions"
    )
    retry_of = models.ForeignKey("self", models.SET_NULL, null=True, related_name="retries")
    # The workflows that its nodes run, as they name them, and the content hashes of the versions
    # they were when it was asked for.
    pins = models.JSONField(default=dict)
    # What else it names (`template:<slug>`, `model:<name>`, `tool:<key>`), and a hash of each then.
    used = models.JSONField(default=dict, db_default={})
    # Calls are answered from those of the source; `rerun` says which.
    source = models.ForeignKey(
        "self", models.SET_NULL, null=True, related_name="reruns", db_index=False
    )
    rerun = models.CharField(max_length=12, choices=Rerun.choices, blank=True, default="")
    # What forks change: `[{node, visit, variables, text}]`, the last of them its own.
    edits = models.JSONField(default=list)
    # What random choices are drawn from, so that a rerun chooses the same; null: its own id.
    chance = models.UUIDField(null=True)
    debug = models.BooleanField(default=False)  # its log has what reached and left each node
    parameters = models.JSONField(default=dict)
    input = models.JSONField(default=dict)
    output = models.JSONField(null=True)
    error = models.JSONField(null=True)  # {code, message, node}
    # Those it began with that differ from the server's (`workflows.limits`).
    limits = models.JSONField(default=dict, blank=True)
    cause = models.CharField(max_length=20, default="api")
    request_id = models.CharField(max_length=64, db_index=True)
    # Null where nobody asked from anywhere: a column that is added like this rewrites no table.
    address = models.CharField(max_length=64, null=True)  # noqa: DJ001

    # Those with the same key run one at a time, in the order of their numbers.
    serial_key = models.CharField(max_length=80, blank=True, default="")
    serial_number = models.PositiveIntegerField(default=0)

    attempt = models.PositiveIntegerField(default=0)
    lease_owner = models.CharField(max_length=80, blank=True, default="")
    lease_expires_at = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)

    # While it is waiting nobody runs it; from `wakes_at` on it may be claimed (null: never).
    wakes_at = models.DateTimeField(null=True)
    waiting_since = models.DateTimeField(null=True)
    waited_ms = models.PositiveBigIntegerField(default=0)  # in earlier waits; no duration counts it
    pauses = models.PositiveIntegerField(default=0)

    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    duration_ms = models.PositiveBigIntegerField(null=True)

    objects = ExecutionQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["user", "-id"], name="executions_of_a_user"),
            models.Index(fields=["template", "-id"], name="executions_of_a_template"),
            models.Index(
                fields=["status", "lease_expires_at"],
                condition=Q(status__in=["pending", "running", "waiting"]),
                name="executions_under_way",
            ),
            models.Index(
                fields=["user"],
                condition=Q(status__in=["pending", "running", "waiting"]),
                name="under_way_of_a_user",
            ),
            models.Index(
                fields=["wakes_at"],
                condition=Q(wakes_at__isnull=False),
                name="executions_to_wake",
            ),
            models.Index(
                fields=["finished_at"],
                condition=Q(finished_at__isnull=False),
                name="executions_by_their_end",
            ),
            models.Index(
                fields=["serial_key", "serial_number"],
                condition=~Q(serial_key=""),
                name="executions_in_a_series",
            ),
            models.Index(
                fields=["source"],
                condition=Q(source__isnull=False),
                name="executions_rerun",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["serial_key"],
                condition=Q(status__in=["running", "waiting"]) & ~Q(serial_key=""),
                name="one_of_a_series_runs",
            ),
            models.CheckConstraint(
                condition=~Q(status="running") | Q(lease_expires_at__isnull=False),
                name="running_implies_a_lease",
            ),
            models.CheckConstraint(
                condition=Q(finished_at__isnull=False)
                ^ Q(status__in=["pending", "running", "waiting"]),
                name="terminal_implies_finished_at",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {str(self.id)[-8:]}"

    @property
    def over(self) -> bool:
        """Whether it reached a terminal state."""
        return self.status in TERMINAL

    @property
    def origin(self) -> str:
        """How ledger rows name this execution."""
        return of_execution(self.id)

    @property
    def template_slug(self) -> str | None:
        """What its template was called when it was asked for; None if that was deleted since.

        What it is called now may be for its owner's eyes only, so that is told only of runs of
        earlier releases, which did not note it, and of templates that the run's owner may see.
        """
        if self.template_id is None:
            return None
        names = (key.removeprefix(_TEMPLATE) for key in self.used if key.startswith(_TEMPLATE))
        noted = next(names, None)
        if noted or self.template is None:
            return noted
        shared = self.template.public or self.template.owner_id in (None, self.user_id)
        return self.template.slug if shared else None

    @property
    def budget_keys(self) -> list[str]:
        """What its calls are for, as budgets name it."""
        series = [self.serial_key] if self.serial_key else []
        of = [f"definition:{self.definition_id}"] if self.definition_id else []
        return [self.origin, *of, *series]
