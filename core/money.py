"""Money is kept as whole nano-dollars: billionths of a dollar, so that every sum is exact."""

from decimal import Decimal
from typing import overload

DIGITS = 9


def dollars(nano_usd: int) -> Decimal:
    """Exact dollars."""
    return Decimal(nano_usd).scaleb(-DIGITS)


@overload
def dollars_text(nano_usd: int) -> str: ...
@overload
def dollars_text(nano_usd: None) -> None: ...
@overload
def dollars_text(nano_usd: int | None) -> str | None: ...
def dollars_text(nano_usd: int | None) -> str | None:
    """Dollars as interfaces show them: "0.000852", without trailing zeros; None stays None."""
    if nano_usd is None:
        return None
    text = f"{dollars(nano_usd):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def nano_dollars(amount: Decimal) -> Decimal:
    """Dollars as nano-dollars, with the parts of one that are left."""
    return amount.scaleb(DIGITS)
