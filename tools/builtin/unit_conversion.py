"""From one unit into another, by Pint's tables."""

import asyncio
import math
import re
from decimal import Context, Decimal, DecimalException
from functools import cache
from importlib import import_module
from tokenize import TokenError
from typing import Any

from pydantic import Field

from tools.base import Tool, ToolArgs, ToolContext, ToolFailed, ToolResult

# Letters, products, quotients and small whole powers: nothing that takes long to work out.
_UNIT = re.compile(r"[A-Za-zµμ°Ω%Å_][A-Za-zµμ°Ω%Å_0-9 */^().²³-]*")
_LONG_NUMBER = re.compile(r"\d{2,}|\^\s*\(")
_WRITTEN = str.maketrans({"²": "**2", "³": "**3", "^": "**", "°": "deg", "μ": "µ"})
_SHOWN = Context(prec=15)
_UNPARSED = (
    AssertionError,
    AttributeError,
    KeyError,
    SyntaxError,
    TokenError,
    TypeError,
    ValueError,
)
_OF_LOGARITHMS = (AssertionError, TypeError)  # as dB is one; Pint takes those of floats alone


class UnitConversionArgs(ToolArgs):
    value: float = Field(allow_inf_nan=False, description="How many of the first unit.")
    from_unit: str = Field(max_length=60, description="Such as km/h, lb, degC, MB.")
    to_unit: str = Field(max_length=60, description="Such as m/s, kg, degF, GiB.")


class UnitConversion(Tool[UnitConversionArgs]):
    key = "unit_conversion"
    label = "Unit conversion"
    description = (
        "Converts a value between units of length, mass, time, temperature, area, volume, speed, "
        "energy, power, pressure, data and others."
    )
    args = UnitConversionArgs

    async def call(self, args: UnitConversionArgs, context: ToolContext) -> ToolResult:
        registry = await asyncio.to_thread(_registry)
        source, target = _unit(registry, args.from_unit), _unit(registry, args.to_unit)
        value = Decimal(repr(args.value))
        try:
            quantity = registry.Quantity(value, source).to(target)
        except (_pint().PintError, DecimalException, OverflowError, *_OF_LOGARITHMS) as error:
            raise ToolFailed(
                reason=f"'{args.from_unit}' cannot be converted into '{args.to_unit}'."
            ) from error
        shown = _plain(quantity.magnitude)
        if not math.isfinite(float(shown)):
            raise ToolFailed(reason="The result is too large.")
        return ToolResult(
            text=f"{_plain(value)} {args.from_unit} = {shown} {args.to_unit}",
            data={"value": float(shown), "unit": args.to_unit},
        )


@cache
def _pint() -> Any:
    """Takes a quarter of a second to load, and its tables half a second: not at every start."""
    return import_module("pint")


@cache
def _registry() -> Any:
    return _pint().UnitRegistry(non_int_type=Decimal)


def _unit(registry: Any, name: str) -> Any:
    written = name.strip().translate(_WRITTEN)
    if not _UNIT.fullmatch(name.strip()) or _LONG_NUMBER.search(written):
        raise ToolFailed(reason=f"'{name}' is not a unit.")
    try:
        return registry.parse_units(written)
    except (*_UNPARSED, _pint().PintError, DecimalException) as error:
        raise ToolFailed(reason=f"There is no unit '{name}'.") from error


def _plain(magnitude: Any) -> str:
    number = _SHOWN.create_decimal(magnitude).normalize(_SHOWN) + 0  # no -0
    return f"{number:f}" if abs(number.adjusted()) <= _SHOWN.prec else str(number)
