"""Gives a prepared database what the load needs: `python -m bench.seed` prints it as JSON."""

import json

import django

django.setup()

from accounts.models import User  # noqa: E402 - after Django is set up
from accounts.services.tokens import create_token  # noqa: E402
from llms.models import ModelProfile  # noqa: E402
from workflows.services.definitions import create_definition  # noqa: E402

_GRAPH = {
    "nodes": [
        {"id": "start", "type": "start", "position": {"x": 0, "y": 0}},
        {"id": "model", "type": "model", "position": {"x": 200, "y": 0}},
        {"id": "end", "type": "end", "position": {"x": 400, "y": 0}},
    ],
    "edges": [
        {"source": "start", "source_port": "out", "target": "model"},
        {"source": "model", "source_port": "out", "target": "end"},
    ],
}


def seed() -> dict[str, str]:
    """A user with a token and a one-node workflow; the demo model answers without a pause."""
    profile = ModelProfile.objects.get(provider__kind="demo", is_default=True)
    profile.parameters = {**profile.parameters, "delay_ms_per_word": 0}
    profile.save()
    user = User.objects.create_user("bench", password=None)
    _, token = create_token(user=user, name="bench", by=user)
    definition = create_definition(owner=user, name="One model", graph=_GRAPH)
    return {"token": token, "definition": str(definition.id)}


if __name__ == "__main__":
    print(json.dumps(seed()))
