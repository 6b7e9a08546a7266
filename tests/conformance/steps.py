"""What may happen to a run once it is accepted: the words of `then`, one function each.

run                             all that waits is run, to its end or as far as it goes
cancel                          its owner stops it, over the API
die_when: {type: text.delta}    it is run by a process that dies when its log holds such an event,
                                or with `sent: 1` when so many requests reached the web server
stop_when: {type: …}            it is run by a process that is stopped, and lets others go on, when
                                its log holds it
cancel_when: {type: …}          it is run, and stopped when its log holds such an event
outlast: {type: …, seconds: 61} it is run, and so much time passes at once when its log holds it
later: 3600                     the clock goes on by so many seconds
switch_off: clock               an administrator switches a tool off
withdraw: gpt-too               likewise a model
uninstall: delay                a type of node is gone, or a tool
settings: {CHATTER_…: {…}}      the server's settings are others, or parts of them
taken_up: 20                    so many processes have had it and died
decide: {node: ask}             its owner approves what the node asks; `decision: reject`, and what
                                else the API takes
again:                          the same is asked for once more; what follows is about that run,
                                or with `again: queue_full` it is refused so
retry:                          likewise its retry, `replay`, or `fork: {node: ask, text: …}`
request: {post: …}              anything else that the API can do
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings

from core import clock
from llms.metering import close_clients
from llms.models import ModelProfile
from llms.services.profiles import forget_profiles
from tests.conformance.case import Request
from tests.conformance.stage import Stage, execution_of
from tests.drills.mortal import MortalWriter, live_and_die, logged, take_up, until
from tools.models import ToolSetting
from tools.registry import tools
from workflows.models import WorkflowExecution
from workflows.pump.pump import Pump
from workflows.registry import NODE_TYPES
from workflows.services.executions import request_cancel

Step = Callable[[Stage, WorkflowExecution, Any], WorkflowExecution | None]


def take(
    stage: Stage, execution: WorkflowExecution, patch: pytest.MonkeyPatch, run: Step | None = None
) -> WorkflowExecution:
    """Take the case's steps; gives the run that is looked at. `patch` holds until the test is over.

    `run` is done in place of the step of that name.
    """
    steps = {**STEPS, "run": run or _run}
    for step in stage.case.then:
        word, what = (step, None) if isinstance(step, str) else next(iter(step.items()))
        if word in PATCHES:
            PATCHES[word](what, patch)
        else:
            execution = steps[word](stage, execution, what) or execution
    return execution


def _run(stage: Stage, execution: WorkflowExecution, what: None) -> None:
    take_up()


def _cancel(stage: Stage, execution: WorkflowExecution, what: None) -> None:
    told = stage.client.post(f"/api/v1/executions/{execution.pk}/cancel/")
    assert told.status_code == 200, told.json()


def _die_when(stage: Stage, execution: WorkflowExecution, what: Mapping[str, Any]) -> None:
    assert live_and_die(_happened(stage, what)), "The run was over before its process died."


def _stop_when(stage: Stage, execution: WorkflowExecution, what: Mapping[str, Any]) -> None:
    async def life() -> None:
        stop = asyncio.Event()
        serving = asyncio.create_task(Pump(MortalWriter()).serve(stop))
        await until(_happened(stage, what))
        stop.set()
        await serving
        await close_clients()

    async_to_sync(life)()


def _cancel_when(stage: Stage, execution: WorkflowExecution, what: Mapping[str, Any]) -> None:
    async def stop(pump: Pump) -> None:
        await sync_to_async(request_cancel)(execution.pk, by=stage.alice)
        pump.cancel(execution.pk)

    _run_until(_happened(stage, what), stop)


def _outlast(stage: Stage, execution: WorkflowExecution, what: Mapping[str, Any]) -> None:
    event = dict(what)
    seconds = event.pop("seconds")

    async def pass_time(pump: Pump) -> None:
        loop: Any = asyncio.get_running_loop()
        now = loop.time
        loop.time = lambda: now() + seconds

    _run_until(_happened(stage, event), pass_time)


def _run_until(holds: Callable[[], bool], then: Callable[[Pump], Awaitable[None]]) -> None:
    """Run it, to its end; do something when this holds."""

    async def scenario() -> None:
        pump = Pump(MortalWriter())
        running = asyncio.create_task(pump.drain())
        await until(holds)
        await then(pump)
        await running
        await close_clients()

    async_to_sync(scenario)()


def _request(stage: Stage, execution: WorkflowExecution, what: Mapping[str, Any]) -> None:
    stage.ask(Request.model_validate(what))


def _decide(stage: Stage, execution: WorkflowExecution, what: Mapping[str, Any]) -> None:
    body = {"decision": "approve", **what}
    node, visit = body.pop("node"), body.pop("visit", None)
    waiting = stage.client.get(f"/api/v1/executions/{execution.pk}/").json()["approvals"]
    (asked,) = [
        one["id"] for one in waiting if (one["node"], visit or one["visit"]) == (node, one["visit"])
    ]
    told = stage.client.post(f"/api/v1/approvals/{asked}/decide/", body)
    assert told.status_code == 200, told.json()


def _again(stage: Stage, execution: WorkflowExecution, what: str | None) -> WorkflowExecution:
    told = stage.begin()
    if what is None:
        return execution_of(told)
    assert (told.status_code // 100, told.json()["code"]) == (4, what)
    return execution


def _rerun(how: str) -> Step:
    def rerun(stage: Stage, execution: WorkflowExecution, what: Any) -> WorkflowExecution:
        address = f"/api/v1/executions/{execution.pk}/{how}/"
        told = stage.client.post(address, {**stage.named(what or {}), "mode": "background"})
        assert told.status_code == 202, told.json()
        return execution_of(told)

    return rerun


def _switch_off(stage: Stage, execution: WorkflowExecution, what: str) -> None:
    ToolSetting.objects.update_or_create(tool=what, defaults={"enabled": False})


def _withdraw(stage: Stage, execution: WorkflowExecution, what: str) -> None:
    ModelProfile.objects.filter(model=what).update(enabled=False)
    forget_profiles()


def _taken_up(stage: Stage, execution: WorkflowExecution, what: int) -> None:
    WorkflowExecution.objects.filter(pk=execution.pk).update(attempt=what)


def _uninstall(what: str, patch: pytest.MonkeyPatch) -> None:
    patch.delitem((NODE_TYPES if NODE_TYPES.get(what) else tools)._by_key, what)


def _settings(changed: Mapping[str, Any], patch: pytest.MonkeyPatch) -> None:
    for name, value in changed.items():
        before = getattr(settings, name)
        patch.setattr(settings, name, {**before, **value} if isinstance(value, dict) else value)


def _later(seconds: float, patch: pytest.MonkeyPatch) -> None:
    now = clock.now
    patch.setattr(clock, "now", lambda: now() + timedelta(seconds=seconds))


def _happened(stage: Stage, what: Mapping[str, Any]) -> Callable[[], bool]:
    if "sent" in what:
        return lambda: stage.web is not None and len(stage.web.sent) >= what["sent"]
    return logged(what["type"], **{name: value for name, value in what.items() if name != "type"})


STEPS: Mapping[str, Step] = {
    "run": _run,
    "cancel": _cancel,
    "die_when": _die_when,
    "stop_when": _stop_when,
    "cancel_when": _cancel_when,
    "outlast": _outlast,
    "switch_off": _switch_off,
    "withdraw": _withdraw,
    "taken_up": _taken_up,
    "request": _request,
    "decide": _decide,
    "again": _again,
    **{how: _rerun(how) for how in ("retry", "replay", "fork")},
}
PATCHES = {"later": _later, "uninstall": _uninstall, "settings": _settings}
