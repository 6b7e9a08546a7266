"""The most that a call may use, and asking for no more than there is left (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from llms.estimate import most_output
from llms.parameters import LIMITS, limit_of
from llms.pricing import Rates, highest_cost_nano_usd
from llms.profiles import ProfileSpec

_LEAST_ANSWER = 256  # tokens; a shorter one is cut rather than said


@dataclass(frozen=True, slots=True)
class Most:
    """The longest question and the longest answer of a call, in tokens; None: nobody knows."""

    question: int | None
    answer: int | None

    @property
    def tokens(self) -> int | None:
        if self.question is None or self.answer is None:
            return None
        return self.question + self.answer

    def nano_usd(self, tiers: Sequence[Rates]) -> int | None:
        """At these prices, whichever of them it comes to."""
        if self.question is None or self.answer is None:
            return None
        return highest_cost_nano_usd(tiers, self.question, self.answer)


@dataclass(frozen=True, slots=True)
class Lengths:
    """The answers shorter than the longest that may be asked for, and what a call uses with them.

    `names` are the parameters that say how long.
    """

    most: Most
    tiers: Sequence[Rates]
    names: Sequence[str]
    answers: range

    def use_with(self, answer: int) -> tuple[int | None, int | None]:
        """Tokens and nano-dollars at most."""
        shorter = replace(self.most, answer=answer)
        return shorter.tokens, shorter.nano_usd(self.tiers)

    def columns_with(self, call_parameters: Mapping[str, Any], answer: int) -> dict[str, Any]:
        """What the row of the call says."""
        tokens, nano_usd = self.use_with(answer)
        parameters = {**call_parameters, **dict.fromkeys(self.names, answer)}
        return {
            "parameters": parameters,
            "upper_bound_tokens": tokens,
            "upper_bound_nano_usd": nano_usd,
        }


def worth_asking_for(most: Most, parameters: Mapping[str, Any]) -> range:
    """The answers that are shorter than the longest, and would do."""
    thinking = parameters.get("thinking")
    thoughts = thinking.get("budget_tokens") or 0 if isinstance(thinking, Mapping) else 0
    return range(max(_LEAST_ANSWER, thoughts + 1), most.answer or 0)


def most_of(
    profile: ProfileSpec, parameters: Mapping[str, Any], question: int | None = None
) -> Most:
    """Of one attempt with these parameters, those of the profile among them.

    `question` bounds what is asked; None: it is not known yet, so it may fill the context.
    """
    window = profile.context_window
    known = [limit for limit in (question, window or None) if limit is not None]
    limits = (parameters.get(name) for name in LIMITS)
    return Most(
        question=min(known, default=None),
        answer=most_output(*limits, profile.max_output_tokens, window),
    )


def bounded(
    profile: ProfileSpec, parameters: Mapping[str, Any], left: int | None
) -> Mapping[str, Any]:
    """The same parameters, the profile's among them, of an answer of `left` tokens; None: any.

    No longer an answer is asked for than the model's longest, for that is what is reserved.
    A model of which nobody knows how long its answers are is asked as it is: a number it does not
    take would fail the call.
    """
    names = [name for name in LIMITS if parameters.get(name)]
    asked = most_output(*(parameters[name] for name in names))
    own = most_output(asked, profile.max_output_tokens)
    if own is None:
        return parameters
    most = own if left is None else min(own, max(left, 1))
    if most == (asked if names else own):
        return parameters
    return {**parameters, **dict.fromkeys(names or [limit_of(profile.provider_kind)], most)}
