"""Where the calls that count in a budget are listed: over the API."""

from datetime import datetime
from urllib.parse import urlencode
from uuid import UUID

from budgets.periods import Span

_API = "/api/v1"


def rows_of(budget: UUID, span: Span) -> str:
    """All of one period, also when it is no longer the present one."""
    address = f"{_API}/budgets/{budget}/calls/"
    return address if span.ends_at is None else f"{address}?{_query(at=_text(span.begins_at))}"


def _query(**asked: str) -> str:
    return urlencode(asked, safe=":")


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
