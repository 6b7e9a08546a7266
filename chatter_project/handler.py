"""How a request reaches its view: as Django does it, but a thread only for views that need one."""

from functools import lru_cache
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.signals import request_finished
from django.http import Http404
from django.urls import resolve

from chatter_project.middleware import IN_LOOP


class Handler(ASGIHandler):
    """Django makes a thread for every request; asynchronous views here share one.

    They use it to look up a session and to say that the request is over; what they read and write
    goes through `core.database`.
    """

    def load_middleware(self, is_async: bool = False) -> None:
        named = settings.MIDDLEWARE
        settings.MIDDLEWARE = [IN_LOOP.get(path, path) for path in named]
        try:
            super().load_middleware(is_async)
        finally:
            settings.MIDDLEWARE = named

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and _is_asynchronous(scope["path"]):
            await self.handle(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        """Also an answer that breaks off is over; Django would keep its database connection out of
        the pool for good."""
        try:
            await super().handle(scope, receive, send)
        except Exception:
            await request_finished.asend(sender=type(self))
            raise


@lru_cache(maxsize=256)  # chats all go one way, and Django looks for it a second time
def _is_asynchronous(path: str) -> bool:
    try:
        return iscoroutinefunction(resolve(path).func)
    except Http404:
        return False
