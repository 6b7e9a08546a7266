"""A server that bills, a recorder that checks, and the door between them."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from core.models import new_id
from llms.catalogue import SINCE_EVER
from llms.messages import ChatMessage
from llms.metering import Answer, CallRequest, ask, close_clients
from llms.pricing import Rates
from llms.profiles import ProfileSpec
from tests.llms.recorder import Recorder
from tests.wire import WireServer

RATES = Rates(
    id=new_id(),
    effective_from=SINCE_EVER,
    above_input_tokens=0,
    input=1_000_000_000,
    cache_read=100_000_000,
    cache_write=1_250_000_000,
    output=2_000_000_000,
    reasoning=None,
)


@pytest.fixture(params=["openai", "anthropic"])
def spec(request: pytest.FixtureRequest, wire: WireServer) -> ProfileSpec:
    """A model of each API in turn, behind the wire."""
    return wire_spec(wire, request.param)


@pytest.fixture
def openai(wire: WireServer) -> ProfileSpec:
    return wire_spec(wire, "openai")


@pytest.fixture
def anthropic(wire: WireServer) -> ProfileSpec:
    return wire_spec(wire, "anthropic")


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def wire_spec(wire: WireServer, kind: str, **fields: Any) -> ProfileSpec:
    is_openai = kind == "openai"
    given: dict[str, Any] = {
        "id": new_id(),
        "provider": f"{kind}-on-the-wire",
        "provider_kind": kind,
        "model": "gpt-test" if is_openai else "claude-test",
        "base_url": wire.url + "/v1" if is_openai else wire.url,
        "api_key": "sk-wire-0123456789",
        "context_window": 100_000,
        "max_output_tokens": 1_000,
        "prices": (RATES,),
    }
    return ProfileSpec(**{**given, **fields})


def demo_spec(**parameters: Any) -> ProfileSpec:
    """The demo model, without its pauses."""
    free = Rates(new_id(), SINCE_EVER, 0, 0, 0, 0, 0, 0)
    return ProfileSpec(
        id=new_id(),
        provider="demo",
        provider_kind="demo",
        model="chatter-demo",
        parameters={"delay_ms_per_word": 0, **parameters},
        context_window=128_000,
        max_output_tokens=5_000,
        prices=(free,),
    )


def question(spec: ProfileSpec, text: str, **fields: Any) -> CallRequest:
    given: dict[str, Any] = {
        "profile": spec,
        "messages": [ChatMessage("system", "You are helpful."), ChatMessage("user", text)],
        "purpose": "answer",
        "origin": f"execution:{new_id()}",
        "node": "model",
        "visit": 1,
        "call_index": 0,
        "user_id": None,
        "request_id": "r-1",
        "timeout_s": 10.0,
        "drain_s": 2.0,
    }
    return CallRequest(**{**given, **fields})


def no_wait() -> float:
    """Jitter for tests: each wait as short as it may be."""
    return 0.0


def answered(request: CallRequest, recorder: Recorder) -> Answer:
    """Ask, and leave nothing open behind."""

    async def scenario() -> Answer:
        try:
            return await ask(request, recorder, jitter=no_wait)
        finally:
            await close_clients()

    return async_to_sync(scenario)()


def in_loop(scenario: Callable[[], Any]) -> Any:
    """Run an async scenario, and leave nothing open behind."""

    async def whole() -> Any:
        try:
            return await scenario()
        finally:
            await close_clients()

    return async_to_sync(whole)()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what another task brings about."""
    while not condition():  # noqa: ASYNC110 - there is no event to wait for
        await asyncio.sleep(0.005)
