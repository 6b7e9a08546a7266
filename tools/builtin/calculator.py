"""Real arithmetic, as models cannot do it."""

from decimal import Context, Decimal
from fractions import Fraction

from pydantic import Field

from tools.base import Tool, ToolArgs, ToolContext, ToolFailed, ToolResult
from tools.builtin.arithmetic import MAX_CHARACTERS, BadExpression, evaluate

_SHOWN = Context(prec=20)
_LONGEST_EXACT = 60


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
        decimal, whole = _written(number.value)
        exact = number.exact and whole
        fraction = str(number.value) if number.exact else None
        ratio = f" (exactly {fraction})" if fraction and not whole and len(fraction) < 40 else ""
        return ToolResult(
            text=decimal if exact else f"about {decimal}{ratio}",
            data={"decimal": decimal, "exact": exact, "fraction": fraction},
        )


def _written(value: Fraction) -> tuple[str, bool]:
    """In decimals, and whether they are all of it: 1/8 has an end, 1/3 has none."""
    rest, places = value.denominator, 0
    for prime in (2, 5):
        power = 0
        while rest % prime == 0:
            rest, power = rest // prime, power + 1
        places = max(places, power)
    if rest == 1:
        digits = value.numerator * 10**places // value.denominator
        if len(str(abs(digits))) <= _LONGEST_EXACT or not places:
            return f"{Decimal(digits).scaleb(-places, Context(prec=2_000)):f}", True
    rounded = _SHOWN.divide(Decimal(value.numerator), Decimal(value.denominator))
    return str(rounded), False
