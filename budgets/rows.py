"""Where the calls that count in a budget are listed: over the API, and on the page of that name."""

from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from budgets.periods import Span
from core import clock
from core.list_addresses import instant_text, list_address, page_at


class Pages(NamedTuple):
    """The page as each figure asks for it: the calls that are over, those that are not, and all."""

    spent: str
    under_way: str
    left: str


def rows_of(budget: UUID, span: Span) -> str:
    """All of one period, also when it is no longer the present one."""
    asked = {} if span.ends_at is None else {"at": instant_text(span.begins_at)}
    return list_address(f"budgets/{budget}/calls", asked)


def pages_of(rows: str) -> Pages:
    """The same, of everyone whose calls one may see; what is over now, and not what will be."""
    path, _, query = page_at(rows).partition("?")
    asked = {**dict(parse_qsl(query)), "of": "all"}
    return Pages(
        spent=f"{path}?{_query(**asked, settled_before=instant_text(clock.now()))}",
        under_way=f"{path}?{_query(**asked, status='open')}",
        left=f"{path}?{_query(**asked)}",
    )


def _query(**asked: str) -> str:
    return urlencode(asked, safe=":")
