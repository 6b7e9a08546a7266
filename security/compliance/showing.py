"""The report for people: on the page, and as a file that stands for itself."""

import json
from typing import Any

from django.template.loader import render_to_string

from security.compliance.check import Status

TEMPLATE = "security/compliance.html"
# Each status as a word, the most urgent first, and as the kind of mark that stands beside it.
_WORDS = {
    Status.FAIL: ("failed", "failed"),
    Status.WARN: ("warned", "waiting"),
    Status.NOT_CHECKED: ("not checked", "cancelled"),
    Status.PASS: ("passed", "completed"),
}
_PAGE, _FILE = "base.html", "security/file.html"


def on_page(report: dict[str, Any]) -> dict[str, Any]:
    """What the template shows within the site."""
    return {"frame": _PAGE, "report": _shown(report)}


def as_file(report: dict[str, Any]) -> bytes:
    """A document that needs no server: all evidence is open in it, and can be printed."""
    context = {"frame": _FILE, "report": _shown(report), "open": True}
    return render_to_string(TEMPLATE, context).encode()


def _shown(report: dict[str, Any]) -> dict[str, Any]:
    counts = [(report["counts"].get(one, 0), word) for one, (word, _) in _WORDS.items()]
    return {
        **report,
        "counted": ", ".join(f"{count} {word}" for count, word in counts if count),
        "checks": [_check(one) for one in report["checks"]],
    }


def _check(check: dict[str, Any]) -> dict[str, Any]:
    word, mark = _WORDS[check["status"]]
    evidence = json.dumps(check["evidence"], indent=2)
    return {**check, "word": word, "mark": mark, "shown": evidence}
