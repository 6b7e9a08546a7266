"""How settings are read: one that is empty was not given, one that cannot be read is named.

No number is less than 0.
"""

import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from smtplib import SMTP_PORT, SMTP_SSL_PORT
from typing import Any, TypeVar
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

N = TypeVar("N", int, float)
OFF = "off"
_ENGINES = {"django.db.backends.postgresql", "django.db.backends.sqlite3"}
_REDIS = {"redis", "rediss", "unix"}
_WEB = {"http", "https"}


class BadSetting(ImproperlyConfigured):
    """A setting that cannot be read as what it should be, in one line."""


class Environment(environ.Env):
    """The environment and `.env`. All of it raises BadSetting, which tells no secret."""

    def get_value(
        self, var: str, cast: Any = None, default: Any = "", parse_default: bool = False
    ) -> Any:
        given = self.ENVIRON.get(var, "")
        if not given.strip():
            return default
        kind, read = _KINDS[cast or str]
        try:
            found = read(given)
        except ValueError as error:
            raise BadSetting(f"{var} is {given!r}, which is not {kind}.") from error
        if cast in (int, float) and found < 0:
            raise BadSetting(f"{var} is {found:g}, which is less than 0.")
        return found

    def json(self, var: str, default: Any = "") -> Any:
        """Of a JSON object, which may hold secrets."""
        try:
            return _object(given) if (given := self.get_value(var)) else default
        except ValueError as error:
            raise BadSetting(f"{var} is not a JSON object on one line.") from error

    def above_zero(self, var: str, default: N) -> N:
        """A number of the kind of its default; at 0 nothing would run, or nothing would rest."""
        given: N = self.get_value(var, type(default), default)
        if given <= 0:
            raise BadSetting(f"{var} is {given:g}, which is not above 0.")
        return given

    def limit(
        self,
        var: str,
        default: float | None,
        read: Callable[[str], float] = int,
        least: float = 0,
    ) -> Any:
        """How much at most; None: switched off."""
        given = self._unless_off(var, default, "a number", read)
        if given is not None and given < least:
            raise BadSetting(f"{var} is {given:g}, which is less than {least:g}; {OFF}: no limit.")
        return given

    def rate(self, var: str, default: str = "") -> str:
        """How often, as `accounts.windows.rate_of` reads it; empty: switched off."""
        return self._unless_off(var, default, "a rate, such as 120/min,", _rate) or ""

    def rates(self, var: str) -> dict[str, str]:
        """Such rates by what they are of, written "this=10/min, that=5/hour"."""
        found = {}
        for item in _items(self.get_value(var)):
            name, _, rate = (part.strip() for part in item.rpartition("="))
            try:
                found[name] = _rate(rate if name else "")
            except ValueError as error:
                raise BadSetting(f"{var} has {item!r}, which is not such as x=10/min.") from error
        return found

    def threshold(self, var: str, default: tuple[int, int]) -> tuple[int, int] | None:
        """How many in how many seconds, written "10/600"; None: switched off."""
        found: tuple[int, int] | None = self._unless_off(var, default, "such as 10/600", _threshold)
        return found

    def days(self, var: str, default: float) -> float | None:
        """How long something is kept; None, which is written 0: for good."""
        return self.float(var, default=default) or None

    def choice(self, var: str, *among: str, default: str) -> str:
        given: str = self(var, default=default)
        if given not in among:
            raise BadSetting(f"{var} is {given!r}, which is none of {', '.join(among)}.")
        return given

    def db_url(self, var: str, default: str) -> dict[str, Any]:
        try:
            found: dict[str, Any] = self.db_url_config(self(var, default=default))
        except ValueError as error:
            raise BadSetting(f"{var} is no address of a database.") from error
        if found.get("ENGINE") not in _ENGINES:
            raise BadSetting(f"{var} does not begin with postgres:// or sqlite://.")
        return found

    def redis_url(self, var: str) -> str:
        """An address as redis-py takes it; empty: there is none."""
        given: str = self(var, default="")
        try:
            address = urlsplit(given)
            known = address.scheme in _REDIS and address.port != 0
            if known and address.scheme != "unix":
                int(address.path.strip("/") or 0)  # for another word redis-py takes number 0
        except ValueError:  # of a port or a number that is none
            known = False
        if given and not known:
            raise BadSetting(f"{var} is no address of Redis, such as redis://host:6379/0.")
        return given

    def web_url(self, var: str) -> str:
        """An address of HTTP; empty: there is none."""
        given: str = self(var, default="")
        try:
            address = urlsplit(given)
            known = address.scheme in _WEB and address.hostname and address.port != 0
        except ValueError:  # of a port that is none
            known = False
        if given and not known:
            raise BadSetting(f"{var} is no address, such as http://127.0.0.1:8080/v1.")
        return given

    def email_url(self, var: str, default: str) -> dict[str, Any]:
        try:
            found: dict[str, Any] = self.email_url_config(self(var, default=default))
        except (ImproperlyConfigured, ValueError) as error:
            raise BadSetting(f"{var} is no address of a mail server.") from error
        usual = SMTP_SSL_PORT if found.get("EMAIL_USE_SSL") else SMTP_PORT  # as smtplib has it
        return found | {"EMAIL_PORT": found.get("EMAIL_PORT") or usual}

    def _unless_off(self, var: str, default: Any, kind: str, read: Callable[[str], Any]) -> Any:
        given = self.get_value(var).strip()
        if not given:
            return default
        try:
            return None if given.lower() == OFF else read(given)
        except ValueError as error:
            raise BadSetting(f"{var} is {given!r}, which is neither {kind} nor {OFF}.") from error


def env_file(base: Path) -> Path:
    """What is read beside the environment, which takes precedence."""
    return Path(os.environ.get("CHATTER_ENV_FILE", "").strip() or base / ".env")


def _truth(text: str) -> bool:
    word = text.strip().lower()
    if word in ("true", "on", "yes", "y", "1"):
        return True
    if word in ("false", "off", "no", "n", "0"):
        return False
    raise ValueError(word)


def number(text: str) -> float:
    """Raises ValueError, of "nan" too."""
    found = float(text)
    if not math.isfinite(found):
        raise ValueError(text)
    return found


def _items(text: str) -> list[str]:
    return [item for part in text.split(",") if (item := part.strip())]


def _object(text: str) -> dict[str, Any]:
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError(type(found))
    return found


def _rate(text: str) -> str:
    number, _, window = text.partition("/")
    if int(number) < 1 or window[:1] not in tuple("smhd"):
        raise ValueError(text)
    return text


def _threshold(text: str) -> tuple[int, int]:
    count, _, seconds = text.partition("/")
    if min(found := (int(count), int(seconds))) < 1:
        raise ValueError(text)
    return found


_KINDS: dict[Any, tuple[str, Callable[[str], Any]]] = {
    str: ("a text", str),
    bool: ("true or false", _truth),
    int: ("a whole number", int),
    float: ("a number", number),
    list: ("a list", _items),
}
