"""One check of the running installation: what was looked at, and what was found."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import structlog

from core import clock

log = structlog.get_logger(__name__)


class Status(StrEnum):
    PASS = "pass"  # noqa: S105
    WARN = "warn"
    FAIL = "fail"
    NOT_CHECKED = "not_checked"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found; `evidence` are JSON values: numbers, ids, names."""

    status: Status
    said: str
    evidence: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Check:
    """`look(thorough)` looks; some look at all there is only when told to."""

    key: str
    title: str
    look: Callable[[bool], Finding]

    def made(self, *, thorough: bool) -> dict[str, Any]:
        """The check as it came out now; one that breaks has not checked, and says so."""
        try:
            found = self.look(thorough)
        except Exception as error:
            log.exception("compliance.check_failed", check=self.key)
            found = Finding(
                Status.NOT_CHECKED, "The check itself failed.", {"error": type(error).__name__}
            )
        return {
            "key": self.key,
            "title": self.title,
            "status": found.status.value,
            "said": found.said,
            "evidence": found.evidence,
            "checked_at": clock.now().isoformat(),
        }


def judged(faults: Any, good: str, bad: str, evidence: dict[str, Any]) -> Finding:
    """Failed if there are any faults."""
    return Finding(Status.FAIL, bad, evidence) if faults else Finding(Status.PASS, good, evidence)
