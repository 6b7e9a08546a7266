"""Instants that people send, as all that answers tell: of UTC."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime


def _of_utc(given: datetime) -> datetime:
    """Raises ValueError: at the ends of the calendar, not every instant is one of UTC."""
    try:
        return given.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("In UTC, this instant is beyond the calendar.") from error


Instant = Annotated[AwareDatetime, AfterValidator(_of_utc)]
