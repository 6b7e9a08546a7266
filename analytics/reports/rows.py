"""Where the rows behind a figure are listed: over the API, and on the page of the same name."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from accounts.models import User
from analytics.reports.reading import Wanted
from analytics.reports.report_request import ReportRequest
from core.list_addresses import instant_text, list_address, page_at

_LISTS = {"executions": "executions", "models": "model-calls", "tools": "tool-calls"}


def rows_url(asked: ReportRequest, wanted: Wanted, starts_at: datetime, until: datetime) -> str:
    """What was counted from an instant to before another when it was asked for: what follows is
    not in it.
    """
    name = wanted.subject.key
    if name == "executions":
        rows = {**_between("finished", starts_at, until), "replays": "false"}
    else:
        settled = {"settled_before": instant_text(asked.span.as_of)}
        rows = {**_between("started", starts_at, until), **settled}
    by, key = wanted.by, wanted.key
    if by == "model":
        provider, _, model = key.partition(":")
        group = {"provider": provider, "model": model}
    else:
        group = group_of(by, key)
    return list_address(_LISTS[name], {**rows, **_whose(wanted.whose, asked.reader), **group})


def talk_rows(starts_at: datetime, until: datetime, whose: str, reader: User) -> str:
    """The conversations that began in a time."""
    asked = {**_between("created", starts_at, until), **_whose(whose, reader)}
    return list_address("analytics/conversations/rows", asked)


def message_rows(starts_at: datetime, until: datetime, whose: str, reader: User) -> str:
    """The messages that people sent in a time."""
    asked = {**_between("created", starts_at, until), **_whose(whose, reader)}
    return list_address("analytics/messages", asked)


def rating_rows(
    starts_at: datetime, until: datetime, whose: str, reader: User, by: str = "", key: str = ""
) -> str:
    """What was said of replies in a time: of all, or of those of one group of a report."""
    asked = {**_between("created", starts_at, until), **_whose(whose, reader)}
    return list_address("analytics/ratings", {**asked, **group_of(by, key)})


def template_rows(template: UUID, until: datetime) -> str:
    """All that ended of a template before an instant."""
    ended = {"finished_before": instant_text(until), "replays": "false"}
    return list_address("executions", {"template": template, **ended})


def template_rating_rows(template: UUID) -> str:
    """All that was ever said of the replies of a template."""
    return list_address("analytics/ratings", {"template": template})


def call_rows(definition: str, since: datetime, until: datetime, node: str) -> str:
    """What a node of a definition asked of models in the runs that ended in a time."""
    asked = {**_between("finished", since, until), "within": node}
    return list_address(f"analytics/definitions/{definition}/calls", asked)


def group_of(by: str, key: str) -> dict[str, str]:
    """A group of a report, as a list is asked for it."""
    if by == "version":
        definition, _, version = key.partition(":")
        return {"definition": definition, "version": version}
    return {by: key} if by and key else {}


def page_of(rows: str, whose: str) -> str:
    """The page of a list of the API; of everyone, unless it is somebody's."""
    page = page_at(rows)
    return page if whose or "user=" in page else narrowed(page, {"of": "all"})


def narrowed(rows: str, of: Mapping[str, Any]) -> str:
    """Some of these rows."""
    return f"{rows}&{urlencode(of)}" if of else rows


def _between(name: str, starts_at: datetime, until: datetime) -> dict[str, str]:
    return {f"{name}_after": instant_text(starts_at), f"{name}_before": instant_text(until)}


def _whose(whose: str, reader: User) -> dict[str, str]:
    """Others' are for staff alone; everyone else finds their own."""
    return {"user": whose} if whose and reader.is_staff else {}
