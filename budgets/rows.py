"""Where the calls that count in a budget are listed: over the API, and on the page of that name."""

from datetime import datetime
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from budgets.periods import Span
from core import clock

_API = "/api/v1"


class Pages(NamedTuple):
    """The page as each figure asks for it: the calls that are over, those that are not, and all."""

    spent: str
    under_way: str
    left: str


def rows_of(budget: UUID, span: Span) -> str:
    """All of one period, also when it is no longer the present one."""
    address = f"{_API}/budgets/{budget}/calls/"
    return address if span.ends_at is None else f"{address}?{_query(at=_text(span.begins_at))}"


def pages_of(rows: str) -> Pages:
    """The same, of everyone whose calls one may see; what is over now, and not what will be."""
    path, _, query = rows.removeprefix(_API).partition("?")
    asked = {**dict(parse_qsl(query)), "of": "all"}
    return Pages(
        spent=f"{path}?{_query(**asked, settled_before=_text(clock.now()))}",
        under_way=f"{path}?{_query(**asked, status='open')}",
        left=f"{path}?{_query(**asked)}",
    )


def _query(**asked: str) -> str:
    return urlencode(asked, safe=":")


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
