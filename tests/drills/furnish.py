"""Prepare an installation for a drill: `python -m tests.drills.furnish` reads a wish as JSON.

`people`: user names. `profile_parameters`: parameters by "provider:model". `prices`: by the same
name, in nano-dollars per million tokens. `graphs`: definitions by name, owned by the first user.
Prints `{people: {name: {id, token, session}}, definitions: {name: id}}`.
"""

import json
import sys
from typing import Any

import django

django.setup()

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from django.core.management import call_command  # noqa: E402

from accounts.models import User  # noqa: E402
from accounts.services.tokens import create_token  # noqa: E402
from llms.catalogue import SINCE_EVER  # noqa: E402
from llms.models import ModelPrice, ModelProfile, Provider  # noqa: E402
from workflows.services.definitions import create_definition  # noqa: E402


def main() -> None:
    wanted = json.load(sys.stdin)
    call_command("prepare", stdout=sys.stderr)
    people = {name: _person(name) for name in wanted.get("people", ())}
    for name, parameters in wanted.get("profile_parameters", {}).items():
        _profile(name, parameters)
    for name, rates in wanted.get("prices", {}).items():
        _price(name, rates)
    definitions = {}
    for name, graph in wanted.get("graphs", {}).items():
        owner = User.objects.get(username=wanted["people"][0])
        definitions[name] = str(create_definition(owner=owner, name=name, graph=graph).id)
    sys.stdout.write(json.dumps({"people": people, "definitions": definitions}) + "\n")


def _person(name: str) -> dict[str, str]:
    user = User.objects.create_user(name)
    _, plain = create_token(user=user, name="drill", by=user)
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return {"id": str(user.pk), "token": plain, "session": session.session_key}


def _profile(name: str, parameters: dict[str, Any]) -> None:
    provider_name, _, model = name.partition(":")
    provider = Provider.objects.get(name=provider_name)
    ModelProfile.objects.update_or_create(
        provider=provider,
        model=model,
        defaults={
            "parameters": parameters,
            "context_window": 100_000,
            "max_output_tokens": 2_000,
        },
    )


def _price(name: str, rates: dict[str, int]) -> None:
    kind, _, model = name.partition(":")
    ModelPrice.objects.create(
        provider_kind=kind,
        model=model,
        effective_from=SINCE_EVER,
        source="drill",
        **{f"{category}_nano_usd_per_mtok": rate for category, rate in rates.items()},
    )


if __name__ == "__main__":
    main()
