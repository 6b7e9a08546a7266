"""How the installation is set: transport, Django's own advice, libraries with known faults."""

import json
import subprocess  # noqa: S404
import sys
from importlib.metadata import distributions
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks

from security.compliance.check import Finding, Status, judged

_AUDIT_TAKES_S = 120
_REASON_CHARACTERS = 300
_UNREACHED = "pip-audit reached no advisories."
_HERE = frozenset({"", "localhost", "127.0.0.1", "::1"})


def transport(thorough: bool) -> Finding:
    """Over TLS: browsers to here, and here to the database and Redis where these are elsewhere."""
    database, redis = settings.DATABASES["default"], urlsplit(settings.REDIS_URL)
    sslmode = database.get("OPTIONS", {}).get("sslmode", "")
    database_elsewhere = _is_elsewhere(str(database.get("HOST", "")))
    redis_elsewhere = _is_elsewhere(redis.hostname or "")
    to_here = {
        "https": settings.HTTPS,
        "cookies_secure": settings.SESSION_COOKIE_SECURE and settings.CSRF_COOKIE_SECURE,
        "redirects_to_https": settings.SECURE_SSL_REDIRECT,
        "hsts_seconds": settings.SECURE_HSTS_SECONDS,
    }
    evidence = {
        **to_here,
        "database_elsewhere": database_elsewhere,
        "database_sslmode": sslmode if database_elsewhere else None,
        "redis_elsewhere": redis_elsewhere,
        "redis_scheme": redis.scheme if redis_elsewhere else None,
    }
    faults = [name for name, on in to_here.items() if not on]
    if database_elsewhere and sslmode not in {"require", "verify-ca", "verify-full"}:
        faults.append("database_sslmode")
    if redis_elsewhere and redis.scheme != "rediss":
        faults.append("redis_scheme")
    if faults:
        said = "Not everything goes over TLS, as far as the settings say."
        return Finding(Status.WARN, said, {**evidence, "faults": faults})
    return Finding(Status.PASS, "The settings ask for TLS everywhere.", evidence)


def _is_elsewhere(host: str) -> bool:
    """On another machine; a path is a socket of this one."""
    return host not in _HERE and not host.startswith("/")


def deployment(thorough: bool) -> Finding:
    """What `manage.py check --deploy` says."""
    found = checks.run_checks(include_deployment_checks=True)
    told = [{"id": one.id, "said": str(one.msg)[:200]} for one in found if not one.is_silenced()]
    evidence = {"messages": told}
    if any(one.level >= checks.ERROR for one in found):
        return Finding(Status.FAIL, "Django's checks find errors.", evidence)
    if told:
        return Finding(Status.WARN, "Django's checks have advice.", evidence)
    return Finding(Status.PASS, "Django's checks find nothing.", evidence)


def dependencies(thorough: bool) -> Finding:
    """What pip-audit finds, if it reaches its source of advisories."""
    evidence: dict[str, Any] = {"installed": sum(1 for _ in distributions())}
    if not thorough:
        said = "Looked up by manage.py compliance_report."
        return Finding(Status.NOT_CHECKED, said, evidence)
    if find_spec("pip_audit") is None:
        return Finding(Status.NOT_CHECKED, "pip-audit is not installed.", evidence)
    audit = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off"]
    try:
        done = subprocess.run(  # noqa: S603 - words of our own
            audit, capture_output=True, text=True, timeout=_AUDIT_TAKES_S, check=False
        )
    except subprocess.TimeoutExpired:
        evidence["reason"] = f"There was no answer within {_AUDIT_TAKES_S} s."
        return Finding(Status.NOT_CHECKED, _UNREACHED, evidence)
    try:
        told = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        evidence["reason"] = "".join(done.stderr.strip().splitlines()[-1:])[:_REASON_CHARACTERS]
        return Finding(Status.NOT_CHECKED, _UNREACHED, evidence)
    return _judged_libraries(told, evidence)


def _judged_libraries(told: list[dict[str, Any]], evidence: dict[str, Any]) -> Finding:
    """Of what pip-audit tells; a library of which its source knows nothing was not looked up."""
    skipped = {one["name"]: str(one["skip_reason"]) for one in told if one.get("skip_reason")}
    known = [one for one in told if one["name"] not in skipped]
    flawed = {one["name"]: [flaw["id"] for flaw in one["vulns"]] for one in known if one["vulns"]}
    evidence |= {"looked_up": len(known), "flawed": flawed, "not_looked_up": sorted(skipped)}
    if not known:
        evidence["reason"] = next(iter(skipped.values()), "")[:_REASON_CHARACTERS]
        return Finding(Status.NOT_CHECKED, _UNREACHED, evidence)
    good, bad = "No library has a known fault.", "Libraries have known faults."
    if skipped:
        good = f"{good} Of {len(skipped)} nothing is known."
    return judged(flawed, good, bad, evidence)


def backups(thorough: bool) -> Finding:
    """Chatter makes none and knows of none."""
    return Finding(Status.NOT_CHECKED, "Backups are made outside; nothing here knows of them.", {})
