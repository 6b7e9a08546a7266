"""Asks for no longer an answer than there are tokens left (pure)."""

from collections.abc import Mapping
from typing import Any

from llms.estimate import most_output
from llms.profiles import ProfileSpec

# How parameters name the longest answer.
LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens", "num_predict")


def bounded(
    profile: ProfileSpec, parameters: Mapping[str, Any], left: int | None
) -> Mapping[str, Any]:
    """The parameters of a call whose answer may have `left` tokens at most; None: any number.

    A model of which nobody knows how long its answers are is asked as it is: a number it does not
    take would fail the call.
    """
    asked = {**profile.parameters, **parameters}
    own = most_output(*(asked.get(name) for name in LIMITS), profile.max_output_tokens)
    if left is None or own is None or own <= left:
        return parameters
    names = [name for name in LIMITS if asked.get(name)] or LIMITS[:1]
    return {**parameters, **dict.fromkeys(names, max(left, 1))}
