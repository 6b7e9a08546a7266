"""Gives a prepared database what the load needs: `python -m bench.seed` prints it as JSON."""

import json
from itertools import pairwise
from typing import Any

import django

django.setup()

from accounts.models import User  # noqa: E402 - after Django is set up
from accounts.services.tokens import create_token  # noqa: E402
from core.models import new_id  # noqa: E402
from llms.models import ModelPrice, ModelProfile  # noqa: E402
from workflows.services.definitions import create_definition  # noqa: E402

_SLOW_MS = 20  # between two words of the model that takes its time
_LINE_NODES = 100
_BUSY_CALLS = 4


def _in_a_line(*nodes: dict[str, Any]) -> dict[str, Any]:
    """A graph of these nodes, between a start and an end."""
    inner = [{"id": f"node{at}", **node} for at, node in enumerate(nodes)]
    every = [{"id": "start", "type": "start"}, *inner, {"id": "end", "type": "end"}]
    edges = [{"source": one["id"], "target": other["id"]} for one, other in pairwise(every)]
    return {"nodes": every, "edges": edges}


def seed() -> dict[str, str]:
    """A user with a token and workflows: of one model, of four long answers, of a model that takes
    its time, of no model.

    The demo model answers without a pause.
    """
    profile = ModelProfile.objects.get(provider__kind="demo", is_default=True)
    given = profile.parameters
    profile.parameters = {**given, "delay_ms_per_word": 0}
    profile.save()
    slow = ModelProfile.objects.create(
        provider=profile.provider,
        model="slow",
        parameters={**given, "delay_ms_per_word": _SLOW_MS},
        context_window=profile.context_window,
        capabilities=profile.capabilities,
    )
    price = ModelPrice.objects.get(provider_kind="demo", model=profile.model)
    price.pk, price.model, price._state.adding = new_id(), slow.model, True
    price.save()
    user = User.objects.create_user("bench", password=None)
    _, token = create_token(user=user, name="bench", by=user)
    text = {"type": "prompt", "config": {"template": "Then {{ input.message }}"}}
    long = {"type": "prompt", "config": {"template": "Say 5000 words"}}
    graphs = {
        "definition": _in_a_line({"type": "model"}),
        "busy": _in_a_line(*[long, {"type": "model"}] * _BUSY_CALLS, text),
        "patient": _in_a_line({"type": "model", "config": {"model": slow.name}}),
        "line": _in_a_line(*[text] * (_LINE_NODES - 2)),
    }
    made = {
        name: create_definition(owner=user, name=name, graph=graph)
        for name, graph in graphs.items()
    }
    return {"token": token, **{name: str(one.id) for name, one in made.items()}}


if __name__ == "__main__":
    print(json.dumps(seed()))
