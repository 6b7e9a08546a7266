"""Many people at once: some stop, some leave, some meet a provider on a bad day. All is seeded."""

import asyncio
import random
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx2

from tests.drills.listening import browser
from tests.drills.server import Chatter, Person

AT_ONCE = 24
_MODELS = ("openai:gpt-test", "openai:gpt-whole", "anthropic:claude-test", "anthropic:claude-whole")
_DAYS = {  # what the provider does, and how often
    "": 40,
    "[[fault=429 retry_after=0.2 times=1]]": 6,
    "[[fault=429 retry_after=60]]": 2,
    "[[fault=500 times=1]]": 6,
    "[[fault=529 times=1]]": 3,
    "[[fault=500]]": 1,
    "[[fault=400]]": 3,
    "[[fault=quota]]": 1,
    "[[fault=slow first_ms=400]]": 5,
    "[[fault=cut]]": 3,
    "[[fault=cut after=4]]": 6,
    "[[fault=no_usage]]": 6,
    "[[fault=bare_usage]]": 4,
    "[[fault=stream_error after=3 times=1]]": 4,
    "[[fault=malformed after=3 times=1]]": 3,
    "[[fault=empty]]": 2,
    "[[fault=content_filter after=3]]": 2,
}
_WAYS = {"wait": 40, "stream": 20, "background": 12, "leave": 12, "cancel": 16}


@dataclass(frozen=True, slots=True)
class Chat:
    """One message, and what its author does while it is answered."""

    number: int
    message: str
    model: str
    way: str
    talk: int | None  # chats of the same talk share a conversation
    patience_s: float

    @property
    def body(self) -> dict[str, Any]:
        mode = {"leave": "stream" if self.number % 2 else "wait", "cancel": "background"}
        return {
            "message": self.message,
            "model": self.model,
            "mode": mode.get(self.way, self.way),
        }


def chats(count: int, seed: int) -> list[Chat]:
    """As many; of the first the provider says nothing until whoever asks has gone."""
    chance = random.Random(seed)
    hung = Chat(0, "chat 0 [[fault=hang times=1]]", _MODELS[0], "background", None, 0.0)
    return [hung, *(_chat(number, chance) for number in range(1, count))]


def _chat(number: int, chance: random.Random) -> Chat:
    (day,) = chance.choices(list(_DAYS), list(_DAYS.values()))
    (way,) = chance.choices(list(_WAYS), list(_WAYS.values()))
    parts = [f"chat {number}", day, f"[[words={chance.randint(6, 40)}]]"]
    parts += [f"[[delay_ms={chance.choice((0, 0, 5, 15))}]]"]
    if "bare" not in day:  # a gateway that tells totals only keeps the details to itself
        parts += ["[[cached=70]]"] * (chance.random() < 0.25)
        parts += ["[[cache_write=50]]"] * (chance.random() < 0.15)
        parts += ["[[reasoning=12]]"] * (chance.random() < 0.2)
    talk = chance.randrange(12) if chance.random() < 0.4 else None
    model = chance.choice(_MODELS)
    return Chat(number, " ".join(filter(None, parts)), model, way, talk, chance.random())


class Crowd:
    """Says everything, through a server that may go away in the middle.

    Whoever gets no answer says it again under the same key, so that each chat is one execution.
    """

    def __init__(self, server: Chatter, person: Person, chats: list[Chat]) -> None:
        self.up = asyncio.Event()
        self.up.set()
        self.half_way = asyncio.Event()
        self.accepted: dict[int, str] = {}
        self.refused: list[str] = []
        self._server, self._person, self._chats = server, person, chats
        self._talks: dict[int, str] = {}
        self._done = 0

    async def talk(self) -> None:
        room = asyncio.Semaphore(AT_ONCE)

        async def one(chat: Chat) -> None:
            async with room:
                await self._until_said(client, chat)
                self._done += 1
                if self._done * 2 >= len(self._chats):
                    self.half_way.set()

        async with browser(self._server, self._person) as client:
            await asyncio.gather(*(one(chat) for chat in self._chats))

    async def _until_said(self, client: httpx2.AsyncClient, chat: Chat) -> None:
        troubles = Counter[str]()
        for _ in range(60):
            await self.up.wait()
            try:
                if await self._said(client, chat):
                    return
                troubles["contended"] += 1
            except httpx2.TransportError as error:
                troubles[repr(error)] += 1
            await asyncio.sleep(0.25)
        raise AssertionError(f"{chat} was never taken: {troubles}")

    async def _said(self, client: httpx2.AsyncClient, chat: Chat) -> bool:
        """Whether it was taken; False: say it again."""
        body = dict(chat.body)
        if chat.talk in self._talks:
            body["conversation"] = self._talks[chat.talk]
        headers = {
            "Idempotency-Key": f"chat-{chat.number}-{'in' if 'conversation' in body else ''}"
        }
        if chat.way == "leave":
            return await self._left(client, chat, body, headers)
        told = await client.post("/api/v1/chat/", json=body, headers=headers)
        if told.status_code == 409 and told.json()["code"] == "start_contended":
            return False
        if told.status_code not in (200, 201, 202):
            self.refused.append(f"{chat}: {told.status_code} {told.text[:300]}")
            return True
        if body["mode"] != "stream":
            self._note(chat, told.json())
        if chat.way == "cancel":
            await asyncio.sleep(chat.patience_s / 2)
            with suppress(httpx2.TransportError):
                execution = self.accepted[chat.number]
                stopped = await client.post(f"/api/v1/executions/{execution}/cancel/")
                if stopped.status_code not in (200, 202, 409):
                    self.refused.append(f"cancel: {stopped.status_code} {stopped.text[:300]}")
        return True

    async def _left(
        self, client: httpx2.AsyncClient, chat: Chat, body: dict[str, Any], headers: dict[str, str]
    ) -> bool:
        """Close the connection before the answer is there."""
        request = client.post("/api/v1/chat/", json=body, headers=headers)
        with suppress(TimeoutError):
            async with asyncio.timeout(0.02 + chat.patience_s / 2):
                await request
        return True

    def _note(self, chat: Chat, told: dict[str, Any]) -> None:
        self.accepted[chat.number] = told["execution"]["id"]
        if chat.talk is not None:
            self._talks.setdefault(chat.talk, told["conversation"]["id"])
