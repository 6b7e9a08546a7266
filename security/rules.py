"""What in the audit trail counts towards which alert, and about whom."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings

from audit.models import AuditEntry
from core.addresses import caller_of
from security.models import AlertKind

_USER = "accounts.user:"


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom an alert is about: a user, or else an address."""

    text: str
    user_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """Entries of `action` (those with this `of` in their detail) count for what `about` finds."""

    kind: AlertKind
    action: str
    about: Callable[[AuditEntry], Subject | None]
    of: str = ""

    @property
    def limit(self) -> tuple[int, int] | None:
        """How many in how many seconds raise an alert; None: it is switched off."""
        return settings.CHATTER_SECURITY[self.kind.value]

    def weight(self, entry: AuditEntry) -> int:
        """For how many acts the entry stands; 0: it is of another kind."""
        if self.of and entry.detail.get("of") != self.of:
            return 0
        count = entry.detail.get("count", 1)
        return count if isinstance(count, int) else 1


def _target(entry: AuditEntry) -> Subject | None:
    """The account that was aimed at, where there is one."""
    label, _, key = entry.target.partition(":")
    return _user(UUID(key)) if f"{label}:" == _USER else None


def _address(entry: AuditEntry) -> Subject | None:
    """Where it came from; a whole network, where one caller has that."""
    address = (entry.personal_content or {}).get("address")
    return Subject(f"address:{caller_of(address)}") if address else None


def _actor(entry: AuditEntry) -> Subject | None:
    return _user(entry.actor_id) if entry.actor_id else _address(entry)


def _user(pk: UUID) -> Subject:
    return Subject(f"{_USER}{pk}", pk)


RULES = (
    Rule(AlertKind.FAILED_LOGINS, "accounts.session.refused", _target),
    Rule(AlertKind.FAILED_LOGINS_FROM, "accounts.session.refused", _address),
    Rule(AlertKind.INVALID_TOKENS, "audit.guesses.counted", _actor, of="tokens"),
    Rule(AlertKind.FOREIGN_IDS, "audit.guesses.counted", _actor, of="ids"),
    Rule(AlertKind.LIMITS, "workflows.limit.reached", _actor),
    Rule(AlertKind.LIMITS, "accounts.rate.exceeded", _actor),
    Rule(AlertKind.LIMITS, "budgets.call.refused", _actor),
    Rule(AlertKind.REFUSED_TOOLS, "tools.call.refused", _actor),
    Rule(AlertKind.REFUSED_EGRESS, "tools.egress.refused", _actor),
)
ACTIONS = frozenset(rule.action for rule in RULES)
