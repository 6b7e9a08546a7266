"""Processes that open and settle calls at once under budgets: `python -m tests.budgets.crowd`.

Each works as a pump does, group by group through the writer's own facts; some are killed with calls
open. Meanwhile budgets are made. Prints what was left as JSON.
"""

import os
import random
import signal
import sys
import time
from contextlib import suppress
from typing import Any

import django
import orjson

django.setup()

from django.db import DatabaseError, connection  # noqa: E402

from accounts.models import User  # noqa: E402
from budgets.models import BudgetPeriod  # noqa: E402
from core import clock  # noqa: E402
from core.aggregates import all_differences  # noqa: E402
from core.models import new_id  # noqa: E402
from llms.budgeting import need_of  # noqa: E402
from llms.ledger import CallRecord  # noqa: E402
from llms.models import CallStatus, Exactness, ModelCall  # noqa: E402
from tests.factories.budgets import a_budget  # noqa: E402
from workflows.tracking import writer  # noqa: E402
from workflows.tracking.facts import CallBooked, CallOpened, CallSettled, Unit  # noqa: E402

HARMED = 3
PROCESSES, CALLS, WORST, ROOM = 4, 60, 100, 20
SHARED = [f"definition:{new_id()}" for _ in range(4)]


def a_call(user_id: Any) -> CallRecord:
    now = clock.now()
    return CallRecord(
        *(new_id(), now, f"execution:{new_id()}", user_id, "p", "openai", "m", "n", 1, 0, 1),
        *("answer", {}, "0" * 64, False, now),
        upper_bound_tokens=WORST,
    )


def work(seed: int, user_id: Any, begun: int | None) -> None:
    """Open all calls in groups, those of earlier groups settled meanwhile, in any order.

    With `begun`, a pipe, it is told there that the first are open; it dies with the next.
    """
    chance = random.Random(seed)
    under_way: list[CallRecord] = []
    for group in range(CALLS // 6):
        units = []
        for _ in range(6):
            call = a_call(user_id)
            booked = CallBooked(call, need_of(call, chance.sample(SHARED, 2)))
            units.append(Unit([booked, CallOpened(call.row(), booked)]))
        for _ in range(chance.randint(0, len(under_way))):
            units.append(settled(under_way.pop(chance.randrange(len(under_way))), chance))
        chance.shuffle(units)
        writer._commit(units)
        for unit in units:
            assert unit.error is None, unit.error
            if isinstance(unit.facts[1], CallOpened):
                refusal = unit.facts[1].booked.refusal
                under_way += [] if refusal else [unit.facts[1].booked.call]
                if refusal:
                    writer._commit([settled(unit.facts[1].booked.call, chance, refused=True)])
        if begun is not None:
            os.kill(os.getpid(), signal.SIGKILL) if group else os.write(begun, b"x")
    writer._commit([settled(call, chance) for call in under_way])


def settled(call: CallRecord, chance: random.Random, *, refused: bool = False) -> Unit:
    told = refused or chance.random() < 0.8
    call.total_tokens = 0 if refused else chance.randint(1, WORST // 2)
    call.input_tokens, call.cost_nano_usd = call.total_tokens, 0 if refused else None
    call.status = CallStatus.FAILED if refused else CallStatus.SUCCEEDED
    call.exactness = Exactness.METERED if refused else Exactness.UNPRICED
    call.settled_at = clock.now()
    if told:
        call.upper_bound_tokens = None
    return Unit([CallBooked(call), CallSettled(call)])


def unharmed(execute: Any, *statement: Any) -> Any:
    """A statement that fails ends the process: nobody is to be told to try again."""
    try:
        return execute(*statement)
    except DatabaseError as error:
        sys.stderr.write(f"{error}\n")
        os._exit(HARMED)


def main() -> None:
    user_id = new_id()
    gates, begun = [os.pipe() for _ in range(PROCESSES)], os.pipe()
    children = []
    for at in range(PROCESSES):
        pid = os.fork()
        if pid == 0:
            os.read(gates[at][0], 1)
            with connection.execute_wrapper(unharmed):
                work(at, user_id, begun[1] if at == 0 else None)
            connection.close()
            os._exit(0)
        children.append(pid)
    staff = User.objects.create(username="crowd", is_staff=True)
    User.objects.create(pk=user_id, username="busy")
    fields = {"unit": "tokens", "by": staff}
    a_budget(cap=ROOM * WORST, **fields)
    for key in SHARED:
        budget = a_budget(cap=ROOM * WORST, **fields)
        budget.key, budget.scope = key, "definition"
        budget.save()
    made_meanwhile = []
    for at, (_, gate) in enumerate(gates):
        os.write(gate, b"x")
        if at == 0:
            os.read(begun[0], 1)  # it has some calls open before there is no room
    for _ in range(5):
        time.sleep(0.05)
        made_meanwhile.append(a_budget("user", user_id, cap=10**6, **fields))
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
    periods = BudgetPeriod.objects.select_related("budget")
    told = {
        "codes": codes,
        "left": [one.budget.cap - one.spent - one.reserved for one in periods],
        "spent": [one.spent for one in periods],
        "differences": [str(one) for one in all_differences()],
        "refused": ModelCall.objects.filter(exactness="metered", status="failed").count(),
        "open": ModelCall.objects.filter(status="open").count(),
        "carried": [one.periods.get().carried for one in made_meanwhile],
    }
    with suppress(BrokenPipeError):
        sys.stdout.write(orjson.dumps(told).decode())


if __name__ == "__main__":
    main()
