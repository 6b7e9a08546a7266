"""Who may not try to log in for a while: kept to be seen, and lifted by those who may."""

from datetime import timedelta

from django.db import transaction

from accounts.models import Lockout, LockoutScope, User
from accounts.throttling import PerAddress, PerUser, Refusal
from audit.record import record
from core import clock


def lock_out(username: str, address: str, refusal: Refusal) -> Lockout:
    """Keep that attempts are refused from now on; in the caller's transaction.

    What was typed as a name is kept nowhere, unless it is one: it may be a password.
    """
    by_address = isinstance(refusal.throttle, PerAddress)
    return Lockout.objects.create(
        scope=LockoutScope.ADDRESS if by_address else LockoutScope.USER,
        digest=refusal.throttle.digest,
        user=None if by_address else User.objects.filter(username__iexact=username).first(),
        address=address,
        until=clock.now() + timedelta(seconds=refusal.wait_s),
    )


def was_lifted(refusal: Refusal) -> bool:
    """Whether somebody has lifted it since; then what was before counts no more.

    Attempts are counted in the cache, which each process may have for itself, so it is looked up
    where somebody is refused.
    """
    throttle = refusal.throttle
    lifted = Lockout.objects.filter(
        digest=throttle.digest, lifted_at__isnull=False, until__gt=clock.now()
    )
    last = lifted.order_by("-lifted_at").values_list("lifted_at", flat=True).first()
    return last is not None and throttle.forget_before(last)


@transaction.atomic
def lift_lockout(lockout: Lockout, *, by: User | None = None) -> bool:
    """Let them try again at once; False if it was over, or lifted, before."""
    now = clock.now()
    lasting = Lockout.objects.filter(pk=lockout.pk, lifted_at__isnull=True, until__gt=now)
    won = lasting.update(lifted_at=now, lifted_by=by.pk if by else None)
    if won:
        record(
            "accounts.lockout.lifted",
            actor=by,
            target=lockout.user or lockout,
            detail={"scope": lockout.scope},
            personal={"of_address": lockout.address},
        )
    return bool(won)


def lockouts_of(*, username: str = "", address: str = "") -> list[Lockout]:
    """Those that last, of a name or an address."""
    throttle = PerUser(username) if username else PerAddress(address)
    lasting = Lockout.objects.filter(lifted_at__isnull=True, until__gt=clock.now())
    return list(lasting.filter(digest=throttle.digest))
