"""Arithmetic over fractions: exact where numbers are, bounded always; no `eval`.

An expression is parsed by Python's own parser and walked; only what stands in the tables below
means anything.
"""

import ast
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, DecimalException
from fractions import Fraction

MAX_CHARACTERS = 1_000
_MAX_BITS = 4_000
_MAX_EXPONENT = 1_000
_MAX_FACTORIAL = 400
_MAX_PLACES = 50
# What cannot be exact has 50 digits, of which the last may be wrong.
_CONTEXT = Context(prec=50, Emax=_MAX_EXPONENT, Emin=-_MAX_EXPONENT)
_WRONG = Fraction(1, 10**45)  # of a number, after many steps
_SIGNS = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "^": "**", "\n": " "})
# Python's parser warns of `1if`; here no digit is followed by a letter but for an exponent.
_RUN_ON = re.compile(r"\d(?![eE][+-]?\d)[A-Za-z]")
_TOO_LARGE = "A number in it becomes too large."
_NOT_UNDERSTOOD = "Only numbers, + - * / // % **, brackets, pi, e and these functions: {names}."


class BadExpression(ValueError):
    """Its text says why, to whoever wrote the expression."""


@dataclass(frozen=True, slots=True)
class Number:
    """A value, and whether it is exactly that."""

    value: Fraction
    exact: bool = True


def evaluate(expression: str) -> Number:
    """The value of an expression such as "(0.1 + 0.2) * 3 ** 2". Raises BadExpression."""
    source = expression.translate(_SIGNS).strip()
    if len(source) > MAX_CHARACTERS:
        raise BadExpression(f"It is longer than {MAX_CHARACTERS} characters.")
    if not source.isascii() or _RUN_ON.search(source):
        raise BadExpression(_understood())
    try:
        return _value(ast.parse(source, mode="eval").body, source)
    except ZeroDivisionError as error:
        raise BadExpression("It divides by zero.") from error
    except DecimalException as error:
        raise BadExpression(_TOO_LARGE) from error
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise BadExpression("It is not a complete expression, or nested too deep.") from error


def _value(node: ast.expr, source: str) -> Number:
    chain = []  # a + b + c + … nests to the left, so it is walked without recursion
    while isinstance(node, ast.BinOp):
        chain.append(node)
        node = node.left
    result = _leaf(node, source)
    for step in reversed(chain):
        operation = _OPERATIONS.get(type(step.op))
        if operation is None:
            raise BadExpression(_understood())
        result = _bounded(operation(result, _value(step.right, source)))
    return result


def _leaf(node: ast.expr, source: str) -> Number:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return _literal(source[node.col_offset : node.end_col_offset])
    if isinstance(node, ast.Name) and node.id in _CONSTANTS:
        return _CONSTANTS[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        operand = _value(node.operand, source)
        return operand if isinstance(node.op, ast.UAdd) else Number(-operand.value, operand.exact)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        return _called(node.func.id, [_value(one, source) for one in node.args])
    raise BadExpression(_understood())


def _literal(text: str) -> Number:
    number = Decimal(text)
    if number and abs(number.adjusted()) > _MAX_EXPONENT:
        raise BadExpression(_TOO_LARGE)
    return _bounded(Number(Fraction(number)))


def _called(name: str, arguments: Sequence[Number]) -> Number:
    if name not in _FUNCTIONS:
        raise BadExpression(_understood())
    function, least, most = _FUNCTIONS[name]
    if not least <= len(arguments) <= most:
        raise BadExpression(f"{name} takes another number of arguments.")
    return _bounded(function(*arguments))


def _bounded(number: Number) -> Number:
    value = number.value
    if not number.exact:
        return _rounded(_decimal(value))
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > _MAX_BITS:
        raise BadExpression(_TOO_LARGE)
    return number


def _decimal(value: Fraction) -> Decimal:
    return _CONTEXT.divide(Decimal(value.numerator), Decimal(value.denominator))


def _rounded(value: Decimal) -> Number:
    return Number(Fraction(value), exact=False)


def _both(operation: Callable[[Fraction, Fraction], Fraction]) -> Callable[..., Number]:
    def apply(left: Number, right: Number) -> Number:
        value = operation(left.value, right.value)
        return Number(value, left.exact and right.exact)

    return apply


def _settled(number: Number) -> Fraction:
    """The value; or the whole number that it misses by no more than digits that may be wrong.

    What is taken down or up to the next whole number would else be one less, or one more.
    """
    value, whole = number.value, round(number.value)
    near = not number.exact and abs(value - whole) <= _WRONG * abs(whole)
    return Fraction(whole) if near else value


def _divided_down(left: Number, right: Number) -> Number:
    return _FLOOR(_DIVIDED(left, right))


def _rest(left: Number, right: Number) -> Number:
    times = _DIVIDED(left, right)
    return Number((_settled(times) - _FLOOR(times).value) * right.value, times.exact)


def _power(base: Number, exponent: Number) -> Number:
    value, power = base.value, exponent.value
    if base.exact and exponent.exact and power.denominator == 1:
        bits = max(value.numerator.bit_length(), value.denominator.bit_length())
        if bits * abs(power.numerator) <= _MAX_BITS:
            return Number(Fraction(value**power.numerator))
    if value < 0 and power.denominator != 1:
        raise BadExpression("A root of a negative number is not a real one.")
    return _rounded(_CONTEXT.power(_decimal(value), _decimal(power)))


def _sqrt(number: Number) -> Number:
    value = number.value
    if value < 0:
        raise BadExpression("A root of a negative number is not a real one.")
    root = Fraction(math.isqrt(value.numerator), math.isqrt(value.denominator))
    if root * root == value:
        return Number(root, number.exact)
    return _rounded(_CONTEXT.sqrt(_decimal(value)))


def _round(number: Number, places: Number | None = None) -> Number:
    """Half away from zero, as people round."""
    digits = 0 if places is None else _whole(places)
    if abs(digits) > _MAX_PLACES:
        raise BadExpression(f"Round to {_MAX_PLACES} places at most.")
    scale = Fraction(10) ** digits
    halves = _settled(Number(abs(number.value) * scale * 2, number.exact))
    steps = math.floor((halves + 1) / 2)
    return Number(Fraction(steps if number.value >= 0 else -steps) / scale, number.exact)


def _logarithm(take: Callable[[Decimal], Decimal]) -> Callable[[Number], Number]:
    def apply(number: Number) -> Number:
        if number.value <= 0:
            raise BadExpression("Only a positive number has a logarithm.")
        return _rounded(take(_decimal(number.value)))

    return apply


def _factorial(number: Number) -> Number:
    whole = _whole(number)
    if not 0 <= whole <= _MAX_FACTORIAL:
        raise BadExpression(f"Factorials go from 0 to {_MAX_FACTORIAL}.")
    return Number(Fraction(math.factorial(whole)))


def _whole(number: Number) -> int:
    if number.value.denominator != 1:
        raise BadExpression("A whole number is needed there.")
    return number.value.numerator


def _to_whole(operation: Callable[[Fraction], int]) -> Callable[[Number], Number]:
    return lambda number: Number(Fraction(operation(_settled(number))), number.exact)


def _of_whole(operation: Callable[..., int]) -> Callable[..., Number]:
    return lambda *numbers: Number(Fraction(operation(*map(_whole, numbers))))


def _understood() -> str:
    return _NOT_UNDERSTOOD.format(names=", ".join(sorted(_FUNCTIONS)))


_DIVIDED = _both(lambda left, right: left / right)
_FLOOR = _to_whole(math.floor)
_OPERATIONS: dict[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: _both(lambda left, right: left + right),
    ast.Sub: _both(lambda left, right: left - right),
    ast.Mult: _both(lambda left, right: left * right),
    ast.Div: _DIVIDED,
    ast.FloorDiv: _divided_down,
    ast.Mod: _rest,
    ast.Pow: _power,
}
_MANY = 100
_FUNCTIONS: dict[str, tuple[Callable[..., Number], int, int]] = {
    "abs": (lambda number: Number(abs(number.value), number.exact), 1, 1),
    "ceil": (_to_whole(math.ceil), 1, 1),
    "exp": (lambda number: _rounded(_CONTEXT.exp(_decimal(number.value))), 1, 1),
    "factorial": (_factorial, 1, 1),
    "floor": (_FLOOR, 1, 1),
    "gcd": (_of_whole(math.gcd), 2, _MANY),
    "lcm": (_of_whole(math.lcm), 2, _MANY),
    "ln": (_logarithm(_CONTEXT.ln), 1, 1),
    "log10": (_logarithm(_CONTEXT.log10), 1, 1),
    "max": (lambda *numbers: max(numbers, key=lambda number: number.value), 1, _MANY),
    "min": (lambda *numbers: min(numbers, key=lambda number: number.value), 1, _MANY),
    "round": (_round, 1, 2),
    "sqrt": (_sqrt, 1, 1),
}
_CONSTANTS = {
    "pi": _rounded(Decimal("3.14159265358979323846264338327950288419716939937510")),
    "e": _rounded(_CONTEXT.exp(Decimal(1))),
}
