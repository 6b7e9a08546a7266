"""One world for many cases: a worker on a database of its own, and all that they ask over HTTP."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tests.conformance.case import Case
from tests.conformance.playing import Playing
from tests.conformance.prompting import Prompted, prompter
from tests.conformance.scripted import Lines
from tests.conformance.stage import Stage, furnished, models, plug_ins, reachable
from tests.conformance.worker import Worker, worker_for
from tests.factories.accounts import UserFactory
from tests.wire import WireServer


@dataclass
class World:
    """Each case in it has an alice and a request id of its own, by which the outside knows it."""

    worker: Worker
    wire: WireServer
    lines: dict[str, Lines]
    open_: ExitStack
    stages: list[Stage] = field(default_factory=list)

    def stage_of(self, case: Case) -> Stage:
        """The stage of a case, with nothing on it yet."""
        number = len(self.stages)
        request = f"case-{number}"
        here = Stage(case, UserFactory(username=f"alice-{number}"), request)
        self.lines[request] = here.lines
        self.stages.append(here)
        return here

    def furnish(self, name: str, here: Stage, *, for_ever: bool = False) -> Playing:
        part = self.wire.part_of(here.request)
        self.open_.enter_context(furnished(here, part, for_ever=for_ever))
        return Playing(name, here, part)


@contextmanager
def world_of(
    those: Iterable[Case], wire: WireServer, home: Path, environment: Mapping[str, str]
) -> Iterator[World]:
    """Where these can be played; its worker is not started yet."""
    with ExitStack() as open_:
        patch = open_.enter_context(pytest.MonkeyPatch.context())
        for changed in ("CHATTER_EGRESS_ALLOW", "CHATTER_GRAPH_LIMITS", "CHATTER_TOOLS"):
            patch.setattr(settings, changed, getattr(settings, changed))
        patch.setattr(settings, "CHATTER_PUMP", "workers")
        open_.enter_context(reachable(settings))
        open_.enter_context(plug_ins(settings))
        lines: dict[str, Any] = {}
        own = {
            "CHATTER_EGRESS_ALLOW": ",".join(settings.CHATTER_EGRESS_ALLOW),
            "CHATTER_TOOL_PLUGINS": f"{Prompted.__module__}.{Prompted.__name__}",
            "CONFORMANCE_PROMPTER": open_.enter_context(prompter(lines)),
        }
        worker = open_.enter_context(worker_for(home, patch, **{**own, **environment}))
        wire.clear()
        models(wire, those)
        yield World(worker, wire, lines, open_)
