"""Fixtures of the wire's own tests: a server, and both clients pointed at it."""

import asyncio
from collections.abc import Iterator

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import BaseChatModel
from langchain_openai import ChatOpenAI

from . import WireServer
from .clients import Ask, anthropic_client, invoke, openai_client, stream


@pytest.fixture(scope="session")
def loop() -> Iterator[asyncio.Runner]:
    """The one event loop of all tests: LangChain shares asynchronous HTTP clients by URL, and a
    connection kept from a closed loop breaks the next request."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def gpt(wire: WireServer) -> ChatOpenAI:
    return openai_client(wire.url)


@pytest.fixture
def claude(wire: WireServer) -> ChatAnthropic:
    return anthropic_client(wire.url)


@pytest.fixture(params=["openai", "anthropic"])
def model(request: pytest.FixtureRequest, gpt: ChatOpenAI, claude: ChatAnthropic) -> BaseChatModel:
    """Each client in turn."""
    return gpt if request.param == "openai" else claude


@pytest.fixture(params=["whole", "stream"])
def ask(request: pytest.FixtureRequest, model: BaseChatModel) -> Ask:
    """Each client in turn, in one piece and as a stream; gives the whole message."""
    return invoke(model) if request.param == "whole" else stream(model)
