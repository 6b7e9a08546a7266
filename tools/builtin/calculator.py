"""Real arithmetic, as models cannot do it."""

from decimal import Context, Decimal
from fractions import Fraction

from pydantic import Field

from tools.base import Tool, ToolArgs, ToolContext, ToolFailed, ToolResult
from tools.builtin.arithmetic import MAX_CHARACTERS, BadExpression, evaluate

_SHOWN = Context(prec=20)
_WHOLE = Context(prec=2_000)
_LONGEST_EXACT = 60
_LONGEST_FRACTION = 40


class CalculatorArgs(ToolArgs):
    expression: str = Field(
        min_length=1,
        max_length=MAX_CHARACTERS,
        description='Such as "(0.1 + 0.2) * 3 ** 2" or "round(sqrt(2), 4)".',
    )


class Calculator(Tool[CalculatorArgs]):
    key = "calculator"
    label = "Calculator"
    description = (
        "Computes an arithmetic expression exactly: + - * / // % **, brackets, pi, e, abs, ceil, "
        "exp, factorial, floor, gcd, lcm, ln, log10, max, min, round, sqrt."
    )
    args = CalculatorArgs

    async def call(self, args: CalculatorArgs, context: ToolContext) -> ToolResult:
        try:
            number = evaluate(args.expression)
        except BadExpression as error:
            raise ToolFailed(reason=f"This cannot be computed. {error}") from error
        exact = _exactly(number.value) if number.exact else None
        decimal = exact or _about(number.value)
        fraction = str(number.value) if number.exact else None
        return ToolResult(
            text=exact or f"about {decimal}{_ratio(fraction)}",
            data={"decimal": decimal, "exact": exact is not None, "fraction": fraction},
        )


def _exactly(value: Fraction) -> str | None:
    """In decimals, if they have an end (1/8 has one, 1/3 has none) and it is not far."""
    places = max(_power_in(value.denominator, 2), _power_in(value.denominator, 5))
    digits = value * 10**places
    if digits.denominator != 1 or (places and len(str(abs(digits))) > _LONGEST_EXACT):
        return None
    return f"{Decimal(digits.numerator).scaleb(-places, _WHOLE):f}"


def _power_in(number: int, prime: int) -> int:
    """How often `prime` divides a number."""
    power = 0
    while number % prime == 0:
        number, power = number // prime, power + 1
    return power


def _about(value: Fraction) -> str:
    rounded = _SHOWN.divide(Decimal(value.numerator), Decimal(value.denominator))
    shown = rounded.normalize(_SHOWN)
    return f"{shown:f}" if abs(shown.adjusted()) < _SHOWN.prec else str(shown)


def _ratio(fraction: str | None) -> str:
    return f" (exactly {fraction})" if fraction and len(fraction) <= _LONGEST_FRACTION else ""
