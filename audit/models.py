"""What was done, by whom, to what: append-only rows, numbered and sealed by rows of their own."""

from typing import Any

from django.db import models

from audit.chain import GENESIS
from audit.querysets import AuditEntryManager, UnsealedGroupQuerySet
from core import clock
from core.models import new_id
from core.whole_json import WholeJSONField


class Outcome(models.TextChoices):
    SUCCESS = "success", "Success"
    FAILURE = "failure", "Failure"
    DENIED = "denied", "Denied"


class AuditEntry(models.Model):
    """One act. Written by `audit.record` only; numbered by `audit.sealing` within a second.

    It refers to nothing that can be deleted. `personal` may be blanked (set to NULL) later: the
    chain holds its salted hash, not its content. The database refuses every other change
    (`audit.guards`). What one act or commit writes at once is a group, named by the id of its first
    entry; `seq` counts on from the number of its group, and `seal` is the group's.
    """

    seq: int | None = None
    seal: str = ""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    at = models.DateTimeField()
    action = models.CharField(max_length=100)
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.SUCCESS)
    actor_id = models.UUIDField(null=True)
    target = models.CharField(max_length=200, blank=True, default="")
    detail = WholeJSONField(default=dict)
    personal = WholeJSONField(null=True)
    personal_hash = models.CharField(max_length=64, blank=True, default="")
    request_id = models.CharField(max_length=64, blank=True, default="")
    hash = models.CharField(max_length=64)
    group: models.ForeignKey["AuditSeal | None"] = models.ForeignKey(
        "AuditSeal",
        models.DO_NOTHING,
        to_field="group_id",
        related_name="entries",
        null=True,  # there may be no such seal yet
        db_constraint=False,
        db_index=False,
    )
    position = models.PositiveIntegerField(default=0, db_default=0)

    objects = AuditEntryManager()

    class Meta:
        ordering = ["-id"]
        default_permissions = ("view",)
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(fields=["action", "id"], name="audit_action"),
            models.Index(fields=["actor_id", "id"], name="audit_actor"),
            models.Index(fields=["target", "id"], name="audit_target"),
            models.Index(fields=["request_id", "id"], name="audit_request"),
            models.Index(fields=["group", "position"], name="audit_group"),
        ]

    def __str__(self) -> str:
        return f"{self.seq or self.id} {self.action}"

    @property
    def personal_content(self) -> dict[str, Any] | None:
        """What is known about the person, without the salt; None where there is none any more."""
        return self.personal and self.personal.get("content")


class AuditSeal(models.Model):
    """The number of a group's first entry, and the seal that chains the group to the one before.

    A row of its own: to number an entry in its own row cost PostgreSQL a second copy of it, in
    each of its indexes: 39 µs an entry instead of 22 (measured). `hashes` are what was sealed
    (`audit.chain.joined`); of a single entry, its own row has it.
    """

    seq = models.BigIntegerField(primary_key=True)
    group_id = models.UUIDField(unique=True)
    hashes = models.TextField(blank=True, default="", db_default="")
    seal = models.CharField(max_length=64)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.seq} {self.seal}"


class UnsealedGroup(models.Model):
    """A group that waits for its number: written with its entries, and gone once it is sealed."""

    group_id = models.UUIDField(primary_key=True)
    hashes = models.TextField()

    objects = UnsealedGroupQuerySet.as_manager()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.group_id)


class AuditHead(models.Model):
    """The last number and seal: one row, locked while entries are sealed."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    seq = models.BigIntegerField(default=0)
    seal = models.CharField(max_length=64, default=GENESIS)

    class Meta:
        default_permissions = ()
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="audit_one_head")]

    def __str__(self) -> str:
        return f"{self.seq} {self.seal}"


class AuditCheckpoint(models.Model):
    """A signed statement that the chain had this seal at this number.

    The same line stands in a file outside the database (`AUDIT_CHECKPOINTS`), so that a tail that
    is cut off, or another chain in the place of this one, is seen. `signature` is Ed25519, in
    hexadecimal, over `audit.checkpoints.signed_text`.
    """

    seq = models.BigIntegerField(primary_key=True)
    seal = models.CharField(max_length=64)
    at = models.DateTimeField(default=clock.now)
    public_key = models.CharField(max_length=64)
    signature = models.CharField(max_length=128)

    class Meta:
        ordering = ["-seq"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.seq} {self.at:%Y-%m-%d %H:%M}"
