"""The queue delivers everything twice."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from drills.fault import PRODUCTION, Fault, nothing
from drills.site import Site

if TYPE_CHECKING:
    from drills.verdict import Left

_TENURE_S = 4
_LEAST = 4


def _delivered(site: Site, left: "Left") -> Iterator[str]:
    assert site.postgres
    told = [good for (good,) in site.postgres.rows("SELECT success FROM django_q_task")]
    if len(told) < _LEAST:
        yield f"only {len(told)} tasks were done"
    if not all(told):
        yield f"{told.count(False)} tasks failed"


DELIVERIES = (
    Fault(
        "twice",
        f"every task of the queue is delivered twice; pumps change every {_TENURE_S} s",
        nothing,
        profiles=PRODUCTION,
        environment={
            "DJANGO_SETTINGS_MODULE": "drills.settings_twice",
            "CHATTER_TENURE_S": str(_TENURE_S),
        },
        also=_delivered,
    ),
)
