"""The head exists wherever the table exists; who guesses over a socket is noticed, too."""

import asyncio
from collections.abc import Mapping
from typing import Any

from django.apps import AppConfig
from django.apps.registry import Apps, apps
from django.db import router
from django.db.models.signals import post_migrate

from audit.guesses import guesses, note_guesses
from core.database import database
from core.errors import ChatterError
from core.signals import socket_refused
from core.sockets import NoSuchSocket, Socket

_noting: set[asyncio.Task[None]] = set()


def on_post_migrate(using: str, apps: Apps = apps, **_: Any) -> None:
    """Make the head of an empty chain; after a flush of the test database too."""
    try:
        head = apps.get_model("audit", "AuditHead")
    except LookupError:  # migrated back to before there was one
        return
    if router.allow_migrate_model(using, head):
        head.objects.using(using).get_or_create(pk=1)


def on_socket_refused(
    sender: type[Socket], scope: Mapping[str, Any], error: ChatterError, **_: Any
) -> None:
    """Count it; nobody waits for the entry."""
    if issubclass(sender, NoSuchSocket):
        return
    if kind := guesses.count_socket(scope, error.status):
        task = asyncio.get_running_loop().create_task(database.run(note_guesses, kind))
        _noting.add(task)
        task.add_done_callback(_noting.discard)


def connect(app: AppConfig) -> None:
    post_migrate.connect(on_post_migrate, sender=app, dispatch_uid="audit head")
    socket_refused.connect(on_socket_refused, dispatch_uid="audit sockets")
