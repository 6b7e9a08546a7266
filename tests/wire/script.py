"""Rules from outside the message, and the count of attempts that `times=` needs."""

import hashlib
import threading
from collections import Counter
from dataclasses import dataclass
from typing import Any

from .directives import BadDirective, Behaviour, read_directives
from .question import Question


@dataclass(slots=True)
class Rule:
    """A behaviour for some requests: the next few, or each with a chance, or both."""

    behaviour: Behaviour
    next: int | None = None
    probability: float = 1.0
    seed: int = 0
    match: str = ""
    model: str | None = None

    def applies(self, question: Question, attempt: int) -> bool:
        """Decide for one request; the chance does not depend on the order of arrival."""
        if (
            self.next == 0
            or self.match not in question.text
            or self.model not in (None, question.model)
        ):
            return False
        digest = hashlib.sha256(f"{self.seed}:{attempt}:{question.text}".encode()).digest()
        return int.from_bytes(digest[:8]) / 2**64 < self.probability


class Script:
    """The rules in force; safe to change from any thread."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []
        self._attempts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add(
        self,
        directives: str,
        *,
        next: int | None = None,
        probability: float = 1.0,
        seed: int = 0,
        match: str = "",
        model: str | None = None,
    ) -> None:
        """Add a rule after those there are. Raises BadDirective."""
        rest, behaviour = read_directives(directives if "[[" in directives else f"[[{directives}]]")
        if rest or behaviour == Behaviour():
            raise BadDirective(f"not directives: {directives!r}")
        with self._lock:
            self._rules.append(Rule(behaviour, next, probability, seed, match, model))

    def add_json(self, body: Any) -> None:
        """Add the rule of a POST /script. Raises BadDirective."""
        if not isinstance(body, dict) or not isinstance(body.get("directives"), str):
            raise BadDirective("a rule is an object with directives")
        try:
            self.add(body.pop("directives"), **body)
        except TypeError as error:
            raise BadDirective(str(error)) from error

    def clear(self) -> None:
        """Drop all rules and forget all attempts."""
        with self._lock:
            self._rules.clear()
            self._attempts.clear()

    def attempt(self, text: str) -> int:
        """Count one more request with this last user message; from 1."""
        with self._lock:
            self._attempts[text] += 1
            return self._attempts[text]

    def behaviour(self, question: Question, attempt: int) -> Behaviour:
        """Find what the first rule that applies asks for, and use the rule up by one."""
        with self._lock:
            for rule in self._rules:
                if rule.applies(question, attempt):
                    if rule.next is not None:
                        rule.next -= 1
                    return rule.behaviour
        return Behaviour()
