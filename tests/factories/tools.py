"""Tool calls and grants for tests."""

import factory
from factory.django import DjangoModelFactory

from core import clock
from tests.factories.accounts import UserFactory
from tools.models import ToolCall, ToolCallStatus, ToolGrant


class ToolCallFactory(DjangoModelFactory[ToolCall]):
    """A call of the calculator that succeeded."""

    class Meta:
        model = ToolCall

    origin = factory.Sequence(lambda n: f"execution:00000000-0000-7000-8000-{n:012d}")
    user = factory.SubFactory(UserFactory)
    tool = "calculator"
    node = "tools"
    visit = 1
    call_index = 1
    arguments = factory.LazyFunction(lambda: {"expression": "1 + 1"})
    status = ToolCallStatus.SUCCEEDED
    text = "2"
    data = factory.LazyFunction(lambda: {"decimal": "2"})
    started_at = factory.LazyFunction(clock.now)
    settled_at = factory.LazyFunction(clock.now)
    latency_ms = 12


class GrantFactory(DjangoModelFactory[ToolGrant]):
    """Everyone may use the calculator."""

    class Meta:
        model = ToolGrant

    tool = "calculator"
