"""Is it set up as it should be?"""

import re
import stat
from collections import defaultdict
from collections.abc import Iterator
from importlib import metadata
from ipaddress import ip_network

from django.conf import settings
from django.core import checks
from django.template.defaultfilters import pluralize

from core.addresses import AllowList
from telemetry.doctor.finding import Finding, broken, warning

_LOCAL = {"localhost", "127.0.0.1", "[::1]", "::1"}
_PIN = re.compile(r"^([\w.-]+)(?:\[.*?\])?==(\S+)", re.MULTILINE)
_NO_HOST = re.compile(r"[/:*\s]")
_LONG_ENOUGH, _VARIED_ENOUGH, _TOKEN_CHARACTERS = 50, 5, 16
_MAKE_A_KEY = (
    "Set CHATTER_SECRET_KEY to 50 random characters, and the present key as"
    " CHATTER_SECRET_KEY_FALLBACKS, so that what is stored can still be read."
)


def system_checks() -> Iterator[Finding]:
    """Django's own checks of the code and its settings."""
    for message in checks.run_checks():
        if message.level >= checks.ERROR:
            yield broken(f"{message.id}: {message.msg}", message.hint or "See Django's checks.")


def packages() -> Iterator[Finding]:
    """Whether what is installed is what this release goes with."""
    pins = settings.BASE_DIR / "requirements.txt"
    pinned: dict[str, set[str]] = defaultdict(set)
    for name, version in _PIN.findall(pins.read_text() if pins.exists() else ""):
        pinned[name].add(version)
    installed = {name: _installed(name) for name in pinned}
    other = [name for name, found in installed.items() if found and found not in pinned[name]]
    if other:
        yield warning(
            f"{len(other)} package{pluralize(other, ' is,s are')} of another version, as {other[0]}"
            f" {installed[other[0]]}.",
            "pip install --require-hashes -r requirements.txt; then restart all processes.",
        )


def _installed(name: str) -> str:
    """Its version; empty where it is not there, as those of other systems are not."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def secret_key() -> Iterator[Finding]:
    """The key that signs sessions and encrypts what is secret."""
    key = settings.SECRET_KEY
    if len(key) < _LONG_ENOUGH or len(set(key)) < _VARIED_ENOUGH or "insecure" in key:
        yield broken("The secret key can be guessed.", _MAKE_A_KEY)
    path = settings.DATA_DIR / "secret_key"
    if path.exists() and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield broken(f"Others on this machine may read {path}.", f"chmod 600 {path}")


def debug_mode() -> Iterator[Finding]:
    """DEBUG shows settings and source code to whoever meets an error."""
    if settings.DEBUG:
        tell = warning if _is_local() else broken
        yield tell("DEBUG is on.", "Unset DEBUG, but on your own machine.")


def https() -> Iterator[Finding]:
    """Whether what is sent can be read on its way."""
    if settings.HTTPS and not settings.TRUSTED_PROXIES:
        yield broken(
            "HTTPS is on and no proxy is trusted, so every page redirects to itself.",
            "Set TRUSTED_PROXIES to how many proxies stand before the server (usually 1).",
        )
    elif not settings.HTTPS and not _is_local():
        yield warning(
            "Passwords and tokens go over the network in the clear.",
            "Put a proxy with a certificate before it; set HTTPS=true and TRUSTED_PROXIES=1.",
        )


def allowed_hosts() -> Iterator[Finding]:
    """The names under which it answers."""
    names = set(settings.ALLOWED_HOSTS)
    for name in sorted(names - _LOCAL):
        if "/" in name or (":" in name and not name.startswith("[")):
            yield broken(
                f"ALLOWED_HOSTS has '{name}', which is no name: nobody is answered under it.",
                "Write names without https://, without a port and without a path.",
            )
    if "*" in names:
        yield warning(
            "It answers under every name, so links in it can be made to lead elsewhere.",
            "Set ALLOWED_HOSTS to its own names.",
        )
    elif not names - _LOCAL and not _is_local():
        yield broken(
            "It answers under names of this machine alone, and others are to reach it.",
            "Add the name that people use to ALLOWED_HOSTS.",
        )


def egress() -> Iterator[Finding]:
    """What besides the public internet tools and workflows may reach."""
    for one in AllowList.of(settings.CHATTER_EGRESS_ALLOW).hosts:
        if _NO_HOST.search(one):
            yield broken(
                f"CHATTER_EGRESS_ALLOW has '{one}', which is neither a name nor a network: it opens"
                " nothing.",
                "Write names, addresses and networks, as wiki.corp or 10.1.0.0/16: no https://, no"
                " port, no path, no wildcard.",
            )


def metrics_access() -> Iterator[Finding]:
    """Who may read /metrics."""
    for one in settings.METRICS_ALLOW:
        try:
            ip_network(one, strict=False)
        except ValueError:
            yield broken(
                f"METRICS_ALLOW has '{one}', which is no network: nobody is let in by address.",
                "Write addresses and networks, as 127.0.0.1 or 10.0.0.0/8.",
            )
    if 0 < len(settings.METRICS_TOKEN) < _TOKEN_CHARACTERS:
        yield warning("METRICS_TOKEN can be guessed.", "Make it 32 random characters.")


def _is_local() -> bool:
    """Whether only people at this machine use it: a proxy on it lets in others."""
    return settings.CHATTER_HOST in _LOCAL and settings.EMBEDDED and not settings.TRUSTED_PROXIES
