"""The report for people: on the page, and as a file that stands for itself."""

import json
from typing import Any

from django.template.loader import render_to_string

TEMPLATE = "security/compliance.html"
_PAGE, _FILE = "base.html", "security/file.html"


def on_page(report: dict[str, Any]) -> dict[str, Any]:
    """What the template shows within the site."""
    return {"frame": _PAGE, "report": _shown(report)}


def as_file(report: dict[str, Any]) -> bytes:
    """A document that needs no server: all evidence is open in it, and can be printed."""
    context = {"frame": _FILE, "report": _shown(report), "open": True}
    return render_to_string(TEMPLATE, context).encode()


def _shown(report: dict[str, Any]) -> dict[str, Any]:
    checks = [{**one, "shown": json.dumps(one["evidence"], indent=2)} for one in report["checks"]]
    return {**report, "checks": checks}
