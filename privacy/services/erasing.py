"""A person is forgotten: words go, numbers stay, and the audit trail still verifies."""

import time
from collections import Counter

from django.contrib.auth.hashers import make_password
from django.db import transaction

from accounts.changes import tell_changed
from accounts.known_users import KEPT_S, known_users
from accounts.models import User
from accounts.services.administrators import refuse_last_administrators
from audit.record import record
from core.errors import Conflict, Invalid, Refused
from privacy.graphs import empty_graphs
from privacy.scrubbing import scrub_decisions, scrub_logs, unname_approver
from privacy.sessions import end_sessions
from privacy.tables import TABLES
from privacy.trail import blank_back_office_log, blank_trail, names_of
from workflows.models import WorkflowExecution


class NotConfirmed(Invalid):
    code = "erasure_not_confirmed"
    message = "Give the username of the one who is to be erased."


class StaffNotErased(Refused):
    code = "erasure_of_staff"
    message = "Only administrators erase staff."


class RunsUnderWay(Conflict):
    code = "runs_under_way"
    message = "{number} runs of this user are not over. Cancel them, or wait for their end."


class RunsBegun(RunsUnderWay):
    message = (
        "The account is closed, and nothing is erased yet: {number} runs that were begun meanwhile "
        "are not over. Erase the user again when they are."
    )


def erase_user(
    user: User, *, confirm: str, by: User | None = None, settle_s: float = KEPT_S
) -> Counter[str]:
    """Take a person's words, names and keys; rows that totals are made of stay, under no name.

    Returns how many rows were deleted or blanked, by table. The account is closed first, in a
    transaction of its own: for `settle_s` another process may still know whose a token was, and
    begin a run. Raises StaffNotErased, NotConfirmed, RunsUnderWay, LastAdministrator, and RunsBegun
    if one did: the account stays closed then, and has lost nothing.
    """
    if user.is_staff and by is not None and not by.is_superuser:
        raise StaffNotErased
    if confirm != user.get_username():
        raise NotConfirmed
    _close(user, by)
    time.sleep(settle_s)
    return _erase(user, by)


@transaction.atomic
def _close(user: User, by: User | None) -> None:
    """Nobody comes in as this user any more; what has begun goes on, so nothing may have."""
    locked = User.objects.select_for_update().get(pk=user.pk)
    _refuse_running(locked, RunsUnderWay)
    refuse_last_administrators([locked])
    locked.is_active = False
    locked.save(update_fields=["is_active"])
    record("privacy.user.closed", actor=by, target=locked)


@transaction.atomic
def _erase(user: User, by: User | None) -> Counter[str]:
    locked = User.objects.select_for_update().get(pk=user.pk)
    _refuse_running(locked, RunsBegun)
    counts: Counter[str] = Counter()
    names = names_of(locked)
    # And what follows, while the rows are there.
    counts["audit.AuditEntry"] = blank_trail(locked, names)
    blank_back_office_log(locked)
    counts["workflows.ExecutionEvent"] = scrub_logs(locked) + scrub_decisions(locked)
    unname_approver(locked, names)
    end_sessions(locked)
    counts["workflows.WorkflowVersion"] = empty_graphs(locked)
    for table in TABLES:
        counts.update(table.erase(locked))
    User.objects.filter(pk=locked.pk).update(password=make_password(None))
    known_users.forget_all()
    tell_changed(locked.pk)
    told = {model: number for model, number in sorted(counts.items()) if number}
    record("privacy.user.erased", actor=by, target=locked, detail={"rows": told})
    return counts


def _refuse_running(user: User, refusal: type[RunsUnderWay]) -> None:
    number = WorkflowExecution.objects.under_way().filter(user=user).count()
    if number:
        raise refusal(number=number)
