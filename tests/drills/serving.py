"""`manage.py serve` with a bell that never rings, in this process or through a channel layer."""

import asyncio
from typing import Any

import django
from channels.layers import BaseChannelLayer
from django.conf import settings
from django.core.management import call_command

from core.events import Bell


class DropsEverything(BaseChannelLayer):  # type: ignore[misc]
    """Takes every message and delivers none."""

    extensions = ["groups"]

    async def send(self, channel: str, message: dict[str, Any]) -> None:
        pass

    async def receive(self, channel: str) -> dict[str, Any]:
        return await asyncio.Event().wait()  # type: ignore[return-value]

    async def new_channel(self, prefix: str = "specific") -> str:
        return f"{prefix}.nobody"

    async def group_add(self, group: str, channel: str) -> None:
        pass

    async def group_discard(self, group: str, channel: str) -> None:
        pass

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        pass


def main() -> None:
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "tests.drills.serving.DropsEverything"}}
    django.setup()
    Bell.ring = lambda self, pieces_by_group: None  # type: ignore[method-assign]
    call_command("serve")


if __name__ == "__main__":
    main()
