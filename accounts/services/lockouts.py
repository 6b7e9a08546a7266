"""Lockouts: recorded when a login is first refused, and lifted by staff."""

from datetime import timedelta

from django.db import transaction

from accounts.models import Lockout, LockoutScope, User
from accounts.throttling import PerAddress, PerUser, Refusal
from audit.record import record
from core import clock
from core.locks import locked


def last_lockout(refusal: Refusal) -> Lockout | None:
    """Of what was refused, the last whose time is not over; it may have been lifted."""
    of_this = Lockout.objects.filter(digest=refusal.throttle.digest, until__gt=clock.now())
    return of_this.order_by("-id").first()


def was_lifted(lockout: Lockout, refusal: Refusal) -> bool:
    """Whether somebody has lifted it since the first attempt that counts; those count no more.

    Attempts are counted where each process may count for itself, so it is looked up where somebody
    is refused.
    """
    at = lockout.lifted_at
    return at is not None and refusal.throttle.forget_before(at)


def lock_out(username: str, address: str, refusal: Refusal) -> Lockout | None:
    """Keep that attempts are refused from now on; None where that is known already.

    In the caller's transaction. What was typed as a name is kept nowhere, unless it is one: it may
    be a password.
    """
    with locked(f"lockout:{refusal.throttle.digest}"):
        last = last_lockout(refusal)
        if last is not None and last.lifted_at is None:
            return None
        by_address = isinstance(refusal.throttle, PerAddress)
        return Lockout.objects.create(
            scope=LockoutScope.ADDRESS if by_address else LockoutScope.USER,
            digest=refusal.throttle.digest,
            user=None if by_address else User.objects.filter(username__iexact=username).first(),
            address=address,
            until=clock.now() + timedelta(seconds=refusal.wait_s),
        )


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
    throttle = PerUser(User.normalize_username(username)) if username else PerAddress(address)
    lasting = Lockout.objects.filter(lifted_at__isnull=True, until__gt=clock.now())
    return list(lasting.filter(digest=throttle.digest))
