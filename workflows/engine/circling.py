"""Does a model that calls tools get anywhere? (pure)"""

import json
from collections.abc import Sequence

from llms.messages import ChatMessage

_SAME = 3  # times the same in a row
_TURNS = 2  # times to and fro


def goes_in_circles(said: Sequence[ChatMessage]) -> bool:
    """The same calls, or the same results, three times in a row, or two rounds in turns, twice."""
    rounds, results = _rounds(said)
    if _repeats(rounds, 1, _SAME) or _repeats(results, 1, _SAME):
        return True
    return _repeats(rounds, 2, _TURNS)


def _repeats(rounds: Sequence[str], length: int, times: int) -> bool:
    """Whether the end of the list is its last `length` items, so many times."""
    tail = list(rounds[-length * times :])
    return len(tail) == length * times and tail == tail[-length:] * times


def _rounds(said: Sequence[ChatMessage]) -> tuple[list[str], list[str]]:
    """What was asked for in each round and what came back, each as one text."""
    asked, came = [], []
    for message in said:
        if message.tool_calls:
            calls = [[call["name"], call["args"]] for call in message.tool_calls]
            asked.append(json.dumps(calls, sort_keys=True, default=str))
            came.append("")
        elif message.role == "tool" and came:
            came[-1] += f"\n{message.text}"
    return asked, came
