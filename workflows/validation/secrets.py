"""Does a text hold a secret? Told by shape and entropy, never by the words around it (pure).

Every quantifier has an upper bound, so that no text is slow to look at.
"""

import base64
import binascii
import math
import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Shape:
    """How secrets of one kind look; a text without any of the `marks` has none of them."""

    name: str
    marks: tuple[str, ...]
    pattern: re.Pattern[str]


def _shape(name: str, marks: str, pattern: str) -> Shape:
    return Shape(name, tuple(marks.split("|")), re.compile(pattern))


_SHAPES = (
    _shape(
        "a private key",
        "PRIVATE KEY",
        r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----",
    ),
    _shape("a JSON web token", "eyJ", r"\beyJ[\w-]{8,500}\.eyJ[\w-]{8,2000}\.[\w-]{8}"),
    _shape(
        "an API key of a model provider",
        "sk-",
        r"\bsk-(?:(?:proj|ant|or|svcacct|admin|live|test)-[\w-]{10}|[A-Za-z0-9]{20})",
    ),
    _shape(
        "an API key of a model provider",
        "hf_|gsk_|xai-|pplx-|r8_",
        r"\b(?:hf_|gsk_|xai-|pplx-|r8_)[A-Za-z0-9]{30}",
    ),
    _shape("a token of Chatter", "chatter_", r"\bchatter_[0-9a-f]{8}_[\w-]{43}"),
    _shape(
        "a token of GitHub or GitLab",
        "ghp_|gho_|ghu_|ghs_|ghr_|github_pat_|glpat-",
        r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{22}|glpat-[\w-]{20})",
    ),
    _shape("a key of AWS", "AKIA|ASIA", r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    _shape(
        "a key of Google",
        "AIza|ya29.|GOCSPX-",
        r"\b(?:AIza[\w-]{35}|ya29\.[\w-]{20}|GOCSPX-[\w-]{20})",
    ),
    _shape(
        "a token of Slack",
        "xox|hooks.slack.com",
        r"\bxox[abeoprs]-[\w-]{10}|hooks\.slack\.com/services/T\w{1,20}/B\w{1,20}/\w{20}",
    ),
    _shape(
        "a key of Stripe",
        "sk_|rk_|whsec_",
        r"\b(?:[sr]k_(?:live|test)|whsec)_[A-Za-z0-9]{16}",
    ),
    _shape("a key of SendGrid", "SG.", r"\bSG\.[\w-]{16,64}\.[\w-]{16}"),
    _shape(
        "a token of npm, PyPI or DigitalOcean",
        "npm_|pypi-|_v1_",
        r"\b(?:npm_[A-Za-z0-9]{36}|pypi-[\w-]{50}|do[opr]_v1_[0-9a-f]{64})",
    ),
    _shape("a token of Telegram", ":AA", r"\b\d{8,10}:AA[\w-]{33}"),
    _shape(
        "a password in an address",
        "://",
        r"\b[a-zA-Z][a-zA-Z0-9+.-]{1,30}://[^\s:/@?#]{0,100}:(?![{$<%*]|x{3})[^\s/@]{1,200}@",
    ),
    _shape(
        "a bearer token",
        "earer |EARER ",
        r"(?i:\bbearer {1,9})(?=[A-Za-z._~+/-]{0,200}\d)[\w.~+/-]{16}",
    ),
)
_BASIC = re.compile(r"(?i:\bbasic {1,9})([A-Za-z0-9+/]{6,500}={0,2})")
_END_OF_TOKEN = re.compile(r"[\s\"'<>,;)\]}]|\Z")
_END_OF_KEY = re.compile(r"-----END[^-\n]{0,60}-----|\Z")
_LOGIN_MASK, _RANDOM_MASK = "[a password for basic authentication]", "[a random token]"
_SHORTEST, _SHORTEST_RANDOM = 8, 24
_LONG = re.compile(rf"[A-Za-z0-9+/_=-]{{{_SHORTEST_RANDOM},500}}")
_NO_SECRET = re.compile(
    r"\{\{[^{}]{1,500}\}\}"  # a reference
    r"|\bdata:[\w/+.;=-]{0,100},[A-Za-z0-9+/=%]*"
    r"|\bsha(?:256|384|512)[-:][A-Za-z0-9+/=]{1,100}"
    r"|\bhttps?://[^\s?#\"'<>@]{1,2000}"  # an address up to its query
)
_HEXADECIMAL = re.compile(r"[0-9a-f_-]*|[0-9A-F_-]*")
# Words put together (`numberOfItemsInTheCartNow`), however short; 1 in 3,000 random texts of 24 is.
_IN_CAMEL_CASE = re.compile(r"[a-z]*(?:[A-Z](?:[a-z]+|[0-9]))*[0-9]?")
# Set so that of random texts of 32 letters and digits 1 in 200 is missed, and of the names in a
# million lines of code (`getUserByIdV2`, `qwen3-next-80b-a3b-instruct`) none is taken for one.
_LEAST_RUN = 16  # letters and digits without a sign between them
_RUN = re.compile(rf"[A-Za-z0-9]{{{_LEAST_RUN}}}")
_LEAST_ENTROPY = 3.7  # bits a character
_LEAST_CHANGES = 0.22  # of neighbours; that a word begins with a capital does not count


def secret_in(text: str) -> str:
    """What kind of secret stands in the text, by its shape; empty for none."""
    if len(text) < _SHORTEST:
        return ""
    for shape in _SHAPES:
        for mark in shape.marks:
            if mark in text and shape.pattern.search(text):
                return shape.name
    if any(_is_login(match[1]) for match in _BASIC.finditer(text)):
        return "a password for basic authentication"
    return ""


def random_in(text: str) -> str:
    """The first long token that looks drawn by lot; empty for none."""
    if _LONG.search(text) is None:  # it takes a tenth of the time to see that
        return ""
    for match in _LONG.finditer(_NO_SECRET.sub(" ", text)):
        if _is_random(match[0]):
            return match[0]
    return ""


def masked(text: str) -> str:
    """The text with a mark in the place of whatever looks like a secret."""
    if len(text) < _SHORTEST:
        return text
    for shape in _SHAPES:
        if any(mark in text for mark in shape.marks):
            text = _cut_out(shape.pattern, text, f"[{shape.name}]")
    text = _BASIC.sub(lambda match: _LOGIN_MASK if _is_login(match[1]) else match[0], text)
    return _LONG.sub(lambda match: _RANDOM_MASK if _is_random(match[0]) else match[0], text)


def _cut_out(pattern: re.Pattern[str], text: str, mask: str) -> str:
    """A shape may tell only how a secret begins: it ends where the next blank or quote stands.

    A private key ends where it says so, or never.
    """
    kept, at = [], 0
    while found := pattern.search(text, at):
        kept += [text[at : found.start()], mask]
        if "PRIVATE KEY" in found[0]:
            over = _END_OF_KEY.search(text, found.end())
            at = over.end() if over else len(text)
        else:
            over = _END_OF_TOKEN.search(text, found.end())
            at = over.start() if over else len(text)
    return "".join([*kept, text[at:]])


def _is_random(token: str) -> bool:
    """Letters, capitals and digits that take turns without order, each as often as the others."""
    if _HEXADECIMAL.fullmatch(token) or _IN_CAMEL_CASE.fullmatch(token) or not _RUN.search(token):
        return False
    kinds = [_kind(character) for character in token if character.isalnum()]
    changes = sum(one != other and one + other != "Aa" for one, other in pairwise(kinds))
    return changes >= _LEAST_CHANGES * len(kinds) and _entropy(token) >= _LEAST_ENTROPY


def _kind(character: str) -> str:
    return "0" if character.isdigit() else "a" if character.islower() else "A"


def _entropy(token: str) -> float:
    """Shannon's, in bits a character."""
    counts = Counter(token).values()
    return -sum(count / len(token) * math.log2(count / len(token)) for count in counts)


def _is_login(encoded: str) -> bool:
    """Whether it is base64 of `name:password`."""
    try:
        login = base64.b64decode(encoded, validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return False
    return ":" in login and login.isprintable()
