"""What of a conversation fits into a model's context, and what is left for the answer (pure)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llms.errors import ProviderError
from llms.estimate import measured_input
from llms.messages import ChatMessage

_LEAST_ANSWER = 256  # tokens; of a small context a quarter
_MARGIN = 1.1  # an estimate may be short by a tenth


@dataclass(frozen=True, slots=True)
class Fitted:
    """The messages that are sent, and how many tokens are left for the answer (None: unknown)."""

    messages: Sequence[ChatMessage]
    left: int | None = None


def fitted(  # noqa: PLR0913, PLR0917 - what a request has, and a model
    messages: Sequence[ChatMessage],
    optional: Sequence[int],
    tools: Sequence[Mapping[str, Any]],
    window: int | None,
    wanted: int | None,
    with_room: bool = False,
) -> Fitted:
    """Leave out the first of the `optional` messages, as few as it takes to have room.

    `wanted` are the tokens that the answer is to have; without, a few. Raises ProviderError
    (`context_too_small`) when what may not be left out is more than the model can read, or, if it
    is to be `with_room`, leaves not even those few.
    """
    if window is None:
        return Fitted(messages)
    few = min(_LEAST_ANSWER, window // 4)
    room = window - (wanted or few)
    guess, gone = measured_input(messages, tools)[0], set[int]()
    for at in optional:
        # an answer does not stay without its question
        if guess * _MARGIN <= room and not (gone and messages[at].role == "assistant"):
            break
        gone.add(at)
        guess -= measured_input([messages[at]], ())[0]
    kept = [message for at, message in enumerate(messages) if at not in gone]
    left = window - math.ceil(guess * _MARGIN)
    if guess >= window or (with_room and left < few):
        raise ProviderError("context_too_small", reason=f" ({window:,} tokens)", unbilled=True)
    return Fitted(kept, max(left, 1))
