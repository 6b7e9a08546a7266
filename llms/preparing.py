"""What all attempts of one call share, worked out once."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from core import clock
from core.models import new_id
from llms.bounding import Lengths, Most, bounded, most_of, worth_asking_for
from llms.clients import chat_model
from llms.errors import ProviderError
from llms.estimate import measured_input, most_output
from llms.fitting import fitted
from llms.ledger import CallRecord
from llms.messages import ChatMessage, sendable, to_langchain
from llms.offering import described_tools, tool_options
from llms.parameters import (
    CALLER_PARAMETERS,
    LIMITS,
    TAKE_MAX_TOKENS,
    accepted_parameters,
    ledger_parameters,
    limit_option,
    merged_parameters,
    not_for_profiles,
    not_whole,
)
from llms.pricing import Rates, in_force
from llms.profiles import ProfileSpec
from llms.request import CallRequest

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import BaseMessage

# Who must be told a longest answer: LangChain says 4,096 tokens of a model it does not know.
_ALWAYS_TOLD = frozenset({"anthropic"})
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)


@dataclass(slots=True)
class Prepared:
    """A request that can be sent as often as it takes."""

    request: CallRequest
    model: "BaseChatModel"
    messages: "list[BaseMessage]"
    options: dict[str, Any]
    parameters: Mapping[str, Any]
    request_hash: str
    estimated_input: int
    most: Most
    tiers: tuple[Rates, ...] = ()

    @property
    def longest_answer(self) -> int | None:
        """What is asked for now, thoughts included; None: nobody knows."""
        asked = (self.parameters.get(name) for name in LIMITS)
        return most_output(*asked, self.most.answer)

    def open_call(self, attempt: int) -> CallRecord:
        """The row of one attempt. It is priced by the price that is in force now."""
        request, profile, now = self.request, self.request.profile, clock.now()
        self.tiers = in_force(profile.prices, now)
        return CallRecord(
            id=new_id(),
            created_at=now,
            origin=request.origin,
            user_id=request.user_id,
            provider=profile.provider,
            provider_kind=profile.provider_kind,
            model=profile.model,
            node=request.node,
            visit=request.visit,
            call_index=request.call_index,
            attempt=attempt,
            purpose=request.purpose,
            parameters={**ledger_parameters(self.parameters), **_tool_choice(request)},
            request_hash=self.request_hash,
            streamed=not self.parameters.get("disable_streaming"),
            started_at=now,
            request_id=request.request_id,
            upper_bound_tokens=self.most.tokens,
            upper_bound_nano_usd=self.most.nano_usd(self.tiers),
        )

    def lengths(self) -> Lengths | None:
        """The shorter answers of the attempt that was opened last; None: none can be asked for."""
        names = [name for name in LIMITS if self.parameters.get(name)]
        if not names and self.request.profile.provider_kind not in TAKE_MAX_TOKENS:
            return None
        answers = worth_asking_for(self.most, self.parameters)
        return Lengths(self.most, self.tiers, names or LIMITS[:1], answers)

    async def shortened(self, lengths: Lengths, answer: int) -> "Prepared":
        """The same with an answer of so many tokens at most. Raises ProviderError."""
        parameters = {**self.parameters, **dict.fromkeys(lengths.names, answer)}
        if self.options.keys() & set(LIMITS) or not self.parameters.keys() & set(LIMITS):
            options = {**self.options, **limit_option(self.request.profile.provider_kind, answer)}
            return replace(self, parameters=parameters, options=options)
        model = await chat_model(self.request.profile, parameters)
        options = {**self.options, **tool_options(model, self.request)}
        return replace(self, parameters=parameters, model=model, options=options)


async def prepare(request: CallRequest) -> Prepared:
    """Raises ProviderError when the request cannot be sent at all; there is no row then."""
    profile = request.profile
    unknown = sorted(request.parameters.keys() - CALLER_PARAMETERS)
    unknown = unknown or not_for_profiles(profile.provider_kind, profile.parameters)
    if unknown := unknown or not_whole(profile.parameters):
        raise ProviderError("invalid_parameters", reason=": " + ", ".join(unknown), unbilled=True)
    wanted = merged_parameters(
        profile, accepted_parameters(profile.provider_kind, request.parameters)
    )
    parameters = bounded(profile, wanted, request.tokens_left)
    window, tools = profile.context_window, described_tools(request)
    limit = most_output(*(parameters.get(name) for name in LIMITS))
    whole = fitted(request.messages, request.optional, tools, window, limit, request.with_room)
    model = await chat_model(profile, parameters)
    said = sendable(whole.messages)
    bound = {} if limit else _bound(profile, whole.left)
    parameters = {**parameters, **bound}
    guess, most = measured_input(said, tools)
    return Prepared(
        request=request,
        model=model,
        messages=to_langchain(said),
        options={**tool_options(model, request), **bound},
        parameters=parameters,
        request_hash=_hash(request, said, wanted),
        estimated_input=guess,
        most=most_of(profile, parameters, most),
    )


def _bound(profile: ProfileSpec, left: int | None) -> dict[str, int]:
    """What is left of the context as an option of one request, where it is less than the model's
    own limit: so no client is made for each number of tokens. Others have the window for a bound.
    """
    kind, own = profile.provider_kind, profile.max_output_tokens
    if left is not None and kind in TAKE_MAX_TOKENS and (own is None or left < own):
        return limit_option(kind, left)
    return limit_option(kind, own) if own is not None and kind in _ALWAYS_TOLD else {}


def _tool_choice(request: CallRequest) -> dict[str, str]:
    """What tells a question with tools that may not be called from one with tools."""
    return {"tool_choice": "none"} if request.tools and not request.may_call_tools else {}


def _hash(request: CallRequest, said: Sequence[ChatMessage], parameters: Mapping[str, Any]) -> str:
    """One text for one request: the model, what it is asked, and how, however much room."""
    content = {
        "model": [request.profile.provider_kind, request.profile.model],
        "parameters": parameters,
        "messages": [message.as_json() for message in said],
        "tools": request.tools,
        **_tool_choice(request),
    }
    return sha256(_ENCODER.encode(content).encode("utf-8", "surrogatepass")).hexdigest()
