"""The text of an expression, read without running it: its names, its loops, how it may grow.

The library tells neither which keys of a name are used nor how loops nest, and its maps have
another order in every process; so a loop is written to go over what `in_order_` gives.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

MAX_CHARACTERS = 1_000
LOOPS = {"map", "filter", "all", "exists", "exists_one"}
_COPYING = {"map", "filter"}  # they copy their list once for each item they add
WORDS = frozenset({"true", "false", "null", "in"})  # which name nothing, also behind a dot
_OF_A_TEXT = {"contains", "startsWith", "endsWith"}  # the library finds out when it calls them
_OF_NOTHING = {"int", "double"}
_OURS = {"size": "size_", "string": "string_"}
_TAKES = dict.fromkeys((*_OF_NOTHING, *_OURS), 1) | dict.fromkeys(_OF_A_TEXT, 2)
_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
      | (?P<text>[rR](?:"[^"\r\n]*"|'[^'\r\n]*')
               | "(?:\\.|[^"\\\r\n])*" | '(?:\\.|[^'\\\r\n])*')
      | (?P<number>0[xX][0-9a-fA-F]+ | (?:\d+\.\d+|\.\d+|\d+)(?:[eE][+-]?\d+)?)
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<sign><=|>=|==|!=|&&|\|\||.)""",
    re.VERBOSE | re.DOTALL,
)
_OPENS, _CLOSES = "([{", ")]}"
_INDEX, _WORKED_OUT = "index", "an index that is worked out"
_CURLY = "“”„‘’‚«»"
_CHOOSING = {"&&", "||", "?", *LOOPS}


class Unreadable(ValueError):
    """The text cannot be an expression; it says why."""


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    text: str


@dataclass(slots=True)
class Loop:
    """`uses` counts its variable; `looks_out` says that its body names anything else."""

    variable: str
    copies: bool
    uses: int = 0
    looks_out: bool = False

    def growth(self, longest: int) -> int:
        """By how much it may multiply the work on lists of at most this length."""
        factor = max(1, self.uses)
        return factor * (longest if self.copies else 1) * (longest if self.looks_out else 1)


@dataclass(slots=True)
class Reading:
    """`names` are dotted, one for each time they stand there; `patterns` are literals."""

    source: str = ""
    in_decimals: str = ""
    names: list[str] = field(default_factory=list)
    loops: list[Loop] = field(default_factory=list)
    patterns: list[str] = field(default_factory=list)
    literals: int = 0
    pluses: int = 0

    @property
    def atoms(self) -> int:
        """How many values stand in it: a list written out is no longer than that."""
        return self.literals + len(self.names) + sum(loop.uses for loop in self.loops)


def read(text: str) -> Reading:
    """What the text names and does, and the source to run. Raises Unreadable."""
    if len(text) > MAX_CHARACTERS:
        raise Unreadable(f"it has more than {MAX_CHARACTERS} characters")
    reading = _Reader(list(tokens_of(text))).read()
    if not reading.source:
        raise Unreadable("nothing stands there")
    return reading


@lru_cache(maxsize=1024)
def names_of(text: str) -> tuple[str, ...]:
    """The dotted names an expression uses; none if it cannot be one."""
    try:
        return tuple(dict.fromkeys(read(text).names))
    except Unreadable:
        return ()


@lru_cache(maxsize=1024)
def needed_parts(text: str) -> tuple[str, ...]:
    """What an expression joins by `&&`, without all of which `||`, `?` or a loop may do."""
    parts: list[list[str]] = [[]]
    depth = 0
    for token in tokens_of(text):
        depth += (token.text in _OPENS) - (token.text in _CLOSES)
        if not depth and token.text in ("||", "?"):
            return ()
        if not depth and token.text == "&&":
            parts.append([])
        else:  # a comment names nothing
            parts[-1].append(" " if token.kind == "space" else token.text)
    return tuple("".join(part) for part in parts if not _CHOOSING.intersection(part))


def braces_close(text: str, start: int) -> int | None:
    """Where the `}}` stands that ends the expression from `start` on, if it ends.

    One that is too long does not: quotes that nothing closes are looked at to the end, each anew.
    """
    depth = 0
    for match in _TOKEN.finditer(text, start, start + MAX_CHARACTERS + len("}}")):
        if match[0] == "{":
            depth += 1
        elif match[0] == "}" and depth:
            depth -= 1
        elif match[0] == "}" and text.startswith("}}", match.start()):
            return match.start()
    return None


def tokens_of(text: str) -> Iterator[Token]:
    for match in _TOKEN.finditer(text):
        yield Token(match.lastgroup or "", match[0])


class _Reader:
    """Goes through the tokens once; `_open` holds the brackets around the place it is at."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = [token for token in tokens if token.kind != "space"]
        self._open: list[Loop | str] = []
        self._next_opens: Loop | None = None
        self._found = Reading()

    def read(self) -> Reading:
        source, in_decimals = [], []
        for at, token in enumerate(self._tokens):
            around = self._open[-1] if self._open else ""
            written = self._written(at, token)
            source.append(written)
            in_decimals.append(self._decimal(at, written, around))
        self._found.source = " ".join(source)
        self._found.in_decimals = " ".join(in_decimals)
        return self._found

    def _written(self, at: int, token: Token) -> str:
        if token.kind == "sign":
            self._sign(at, token.text)
        elif token.kind == "name":
            return self._name(at, token.text)
        else:
            self._found.literals += 1
        return token.text

    def _sign(self, at: int, sign: str) -> None:
        if sign in "\"'\\`" or (sign == "." and not self._is_value(at - 1)):
            raise Unreadable(f"'{sign}' is out of place")
        if sign in _CURLY:
            raise Unreadable("texts stand in straight quotes")
        if sign == "=":
            raise Unreadable("write == where two values are compared")
        if sign == "{" and self._text(at - 1) == "{":  # the keys of an object are texts
            raise Unreadable("it stands here without {{ and }}")
        self._found.pluses += sign == "+"
        if sign in _OPENS:
            self._open.append(self._next_opens or self._bracket(at, sign))
            self._next_opens = None
        elif sign in _CLOSES and self._open:
            self._open.pop()

    def _bracket(self, at: int, sign: str) -> str:
        if sign != "[" or not self._is_value(at - 1):
            return sign
        return _INDEX if self._text(at + 2) == "]" and self._is_literal(at + 1) else _WORKED_OUT

    def _is_literal(self, at: int) -> bool:
        return self._tokens[at].kind in ("text", "number")

    def _decimal(self, at: int, written: str, around: Loop | str) -> str:
        """How it is written where all numbers are decimal but for those that are an index."""
        if written.isdecimal() and around != _INDEX:
            return f"{written}.0"
        if written == "[" and self._open[-1] == _WORKED_OUT:
            return "[ index_ ("
        if written == "]" and around == _WORKED_OUT:
            return ") ]"
        return "int_" if written == "int" and self._text(at + 1) == "(" else written

    def _name(self, at: int, name: str) -> str:
        is_called = self._text(at + 1) == "("
        if is_called and self._text(at - 1) == "." and name in LOOPS:
            return self._loop(at, name)
        if is_called:
            self._called(at, name)
            return _OURS.get(name, name)
        is_key = self._text(at - 1) == "."
        if is_key and name in WORDS:
            raise Unreadable(f"the key '{name}' is written ['{name}'], without a dot")
        if not is_key and name not in WORDS:
            self._used(at, name)
        return name

    def _loop(self, at: int, name: str) -> str:
        variable = self._tokens[at + 2] if at + 2 < len(self._tokens) else Token("", "")
        if variable.kind != "name" or self._text(at + 3) != ",":
            raise Unreadable(f"write .{name}(item, …)")
        if self._tokens[at - 2].kind != "name":  # what it goes over is made anew each time
            self._look_out(self._open)
        self._next_opens = Loop(variable.text, name in _COPYING, uses=-1)  # it stands here once
        self._found.loops.append(self._next_opens)
        return f"in_order_().{name}"

    def _called(self, at: int, name: str) -> None:
        is_of_a_value = self._text(at - 1) == "."
        if name in _OF_A_TEXT and not is_of_a_value:
            raise Unreadable(f"write it behind its text: text.{name}(…)")
        if name in _OF_NOTHING and is_of_a_value:
            raise Unreadable(f"write {name}(…) around the value")
        if name in _TAKES and self._given(at + 1) + is_of_a_value != _TAKES[name]:
            raise Unreadable(f"{name} takes one value")
        if name == "matches":
            self._matches(at)

    def _matches(self, at: int) -> None:
        if any(isinstance(around, Loop) for around in self._open):
            raise Unreadable("matches cannot stand in a loop")
        pattern = self._tokens[at + 2] if at + 2 < len(self._tokens) else Token("", "")
        if pattern.kind != "text" or self._text(at + 3) != ")":
            raise Unreadable('write .matches("pattern"), with the pattern as it is')
        self._found.patterns.append(pattern.text)

    def _given(self, at: int) -> int:
        """How many values stand in the brackets that open here."""
        depth = commas = 0
        for token in self._tokens[at:]:
            depth += (token.text in _OPENS) - (token.text in _CLOSES)
            commas += depth == 1 and token.text == ","
            if not depth:
                break
        return commas + (self._text(at + 1) != ")")

    def _used(self, at: int, name: str) -> None:
        for around in reversed(self._open):
            if isinstance(around, Loop):
                if around.variable == name:
                    around.uses += 1
                    return
                around.looks_out = True
        self._found.names.append(".".join([name, *self._keys(at)]))

    @staticmethod
    def _look_out(brackets: Iterable[Loop | str]) -> None:
        for around in brackets:
            if isinstance(around, Loop):
                around.looks_out = True

    def _is_value(self, at: int) -> bool:
        """Whether a value ends here, so that a key of it may follow."""
        if at < 0 or self._text(at) == "in":
            return False
        return self._tokens[at].kind != "sign" or self._text(at) in _CLOSES

    def _keys(self, at: int) -> Iterator[str]:
        """The keys that follow a name, up to an index or a call."""
        while self._text(at + 1) == "." and self._text(at + 3) != "(":
            at += 2
            if at < len(self._tokens) and self._tokens[at].kind == "name":
                yield self._tokens[at].text

    def _text(self, at: int) -> str:
        return self._tokens[at].text if 0 <= at < len(self._tokens) else ""
