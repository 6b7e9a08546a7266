"""Gives the running experiment units that it was shown to days ago, and what came of them.

What units there are is made up here; what is said of them is what Chatter reckons.
"""

import json
import random
import sys
from datetime import timedelta
from uuid import UUID

import django

django.setup()

from analytics.models import ReplyRating  # noqa: E402 - after Django is set up
from conversations.models import Conversation, Message  # noqa: E402
from core import clock  # noqa: E402
from experiments.models import Experiment, UnitEvent  # noqa: E402
from tests.experiments.past import Turn, lived  # noqa: E402

_UNITS = 420  # of each variant
_AGO = timedelta(days=3)
# Tokens and milliseconds of a turn, how many replies helped, how many bought and sent back.
_ARMS = {
    "as it is": (410, 2_900, 0.71, 0.20, 0.06),
    "brief": (240, 1_700, 0.73, 0.36, 0.06),
    "thorough": (640, 4_300, 0.76, 0.21, 0.11),
}


def main() -> None:
    json.load(sys.stdin)
    experiment = Experiment.objects.for_list().get(status="running")
    owner, at, dice = experiment.owner, clock.now() - _AGO, random.Random(20)
    turns = {name: [[_turn(dice, *arm[:2])] for _ in range(_UNITS)] for name, arm in _ARMS.items()}
    lived(experiment, owner, at, turns)
    events = []
    for unit in experiment.units.select_related("variant"):
        *_, helped, bought, refund = _ARMS[unit.variant.name]
        talk = Conversation.objects.create(
            pk=UUID(unit.key.partition(":")[2]), owner=owner, title="Asked", archived=True
        )
        execution = unit.exposures.get().execution
        reply = Message.objects.create(
            conversation=talk, turn=1, role="assistant", execution=execution
        )
        if dice.random() < 0.6:
            ReplyRating.objects.create(
                message=reply, user=owner, helpful=dice.random() < helped, created_at=at
            )
        told = [("bought", bought), ("refund", refund)]
        names = [name for name, share in told if dice.random() < share]
        events += [
            UnitEvent(created_at=at, experiment=experiment, unit=unit, name=name) for name in names
        ]
    UnitEvent.objects.bulk_create(events)
    sys.stdout.write(json.dumps({"events": len(events)}) + "\n")


def _turn(dice: random.Random, tokens: float, took_ms: float) -> Turn:
    return Turn(
        tokens=round(dice.lognormvariate(0, 0.4) * tokens),
        took_ms=round(dice.lognormvariate(0, 0.3) * took_ms),
        cost=dice.lognormvariate(0, 0.4) * tokens * 2e-6,
        status="failed" if dice.random() < 0.02 else "completed",
    )


if __name__ == "__main__":
    main()
