"""How somebody asks, and what of an answer tells one thing from another."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from django.apps import apps
from django.contrib.sessions.models import Session
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection
from rest_framework.test import APIClient

from accounts.models import User
from audit.models import AuditCheckpoint, AuditEntry, AuditHead

# It notes who asked, which is no change to what they asked about.
_NOTES = {AuditCheckpoint, AuditEntry, AuditHead, Session}
_OF_ONE_ANSWER = re.compile(
    r'"request_id":\s*"\w*"|<code>\w{32}</code>|name="csrfmiddlewaretoken" value="\w*"'
    r'|"until":\s*"[^"]*"|_before=[^&"]*'
)


def client_of(user: User | None, token: str = "") -> APIClient:
    made = APIClient()
    if token:
        made.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    elif user is not None:
        made.force_login(user)
    return made


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: a page's form is sent as forms are, everything else as JSON."""

    verb: str
    url: str
    body: Any = None
    form: bool = False

    def by(self, client: APIClient, **headers: str) -> "Told":
        how = {"format": "multipart" if self.form else "json"}
        if self.verb == "get":
            answer = client.get(self.url, self.body, headers=headers)
        else:
            answer = getattr(client, self.verb)(self.url, self.body, headers=headers, **how)
        text = "" if answer.streaming else answer.content.decode()
        if answer.streaming:
            with connection_kept():
                answer.close()
        return Told(answer.status_code, answer.headers.get("Content-Type", ""), text, answer)


@dataclass(frozen=True, slots=True)
class Told:
    """An answer; that of a stream is not read."""

    status: int
    kind: str
    text: str
    response: Any

    def without(self, ids: Mapping[str, str]) -> tuple[int, str, str]:
        """What is told, with these ids, and what belongs to the one request, left out."""
        text = _OF_ONE_ANSWER.sub("", self.text)
        for one in sorted(ids.values(), key=len, reverse=True):
            text = text.replace(one, "<id>").replace(one.replace("-", ""), "<id>")
        return self.status, self.kind, text

    @property
    def wants_a_login(self) -> bool:
        sent_away = self.status == 302 and self.response.headers["Location"].startswith("/login/")
        return sent_away or self.status == 401


def nobodys(things: Mapping[str, str]) -> dict[str, str]:
    """Ids in place of these that nobody has made; names in the place of names."""
    return {kind: f"nobody-{kind}" if "." in kind else str(uuid4()) for kind in things}


def digest() -> str:
    """Of every row of every table, but for what notes the asking itself."""
    found = hashlib.sha256()
    with connection.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            if model in _NOTES or model._meta.proxy:
                continue
            table = connection.ops.quote_name(model._meta.db_table)
            cursor.execute(f"SELECT * FROM {table}")  # noqa: S608 - the name of a table of ours
            rows = sorted(map(repr, cursor.fetchall()))
            found.update(repr((table, rows)).encode())
    return found.hexdigest()


@contextmanager
def connection_kept() -> Iterator[None]:
    """Django would drop it at the ends of a request, with the transaction that the test is in."""
    signals = request_started, request_finished
    for one in signals:
        one.disconnect(close_old_connections)
    try:
        yield
    finally:
        for one in signals:
            one.connect(close_old_connections)


@contextmanager
def nothing_changed() -> Iterator[None]:
    before = digest()
    yield
    assert digest() == before, "Rows were changed by who may not even see them."
