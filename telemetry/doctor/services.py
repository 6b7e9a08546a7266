"""Do those answer that it works with?"""

import os
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

from django.conf import settings

from llms.clients import is_installed, package_of
from llms.models import ModelProfile, Provider
from security.services.mailing import recipients
from telemetry import parts
from telemetry.doctor.finding import Finding, broken, warning

_WITH_A_KEY = {"openai", "anthropic", "azure_openai", "google_genai", "mistralai", "groq", "xai"}
_CONNECT_S = 2.0
_SPOKEN = "http/protobuf"
_SMTP = "django.core.mail.backends.smtp.EmailBackend"


def redis() -> Iterator[Finding]:
    """Whether Redis answers and takes what it is given, where it is set."""
    if problem := parts.redis_problem():
        yield broken(
            f"Redis cannot be used: {problem}.",
            "See that it runs, has room and is no replica, and that REDIS_URL names it; or unset"
            " REDIS_URL on all machines.",
        )


def trace_collector() -> Iterator[Finding]:
    """Whether somebody listens where traces are sent."""
    address = os.environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or os.environ.get(
        "OTEL_EXPORTER_OTLP_ENDPOINT", ""
    )
    if not settings.TRACES or not address:
        return
    for name in ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        if (spoken := os.environ.get(name) or _SPOKEN) != _SPOKEN:
            yield warning(
                f"Traces are sent over HTTP in protobuf, not as '{spoken}'.",
                f"Unset {name}, and give the collector's port for HTTP (4318).",
            )
    host, port = _host_and_port(address)
    if not host:
        yield broken(
            "No trace is sent: the collector's address is none.",
            "Write OTEL_EXPORTER_OTLP_ENDPOINT in full, such as http://collector:4318.",
        )
        return
    if problem := _problem_at(host, port):
        yield warning(
            f"Nobody takes traces at {host}:{port}: {problem}.",
            "Start the collector, or mend OTEL_EXPORTER_OTLP_ENDPOINT (OTLP over HTTP, port 4318).",
        )


def mail_server() -> Iterator[Finding]:
    """Whether alerts that are to be mailed can be."""
    if settings.SECURITY_EMAILS and not recipients():
        yield broken(
            "SECURITY_EMAILS says who is told of alerts, and no mail server is named.",
            "Set EMAIL_URL, such as smtp+tls://user:password@mail.example:587.",
        )
    host, port = settings.EMAIL_HOST, settings.EMAIL_PORT
    if recipients() and settings.EMAIL_BACKEND == _SMTP and (problem := _problem_at(host, port)):
        yield warning(
            f"Nobody takes mail at {host}:{port}: {problem}.",
            "Start the mail server, or mend EMAIL_URL: an alert is mailed once, and not again.",
        )


def _problem_at(host: str, port: int) -> str:
    """Why nobody can be reached there; empty where somebody listens."""
    try:
        socket.create_connection((host, port), _CONNECT_S).close()
    except OSError as error:
        return str(error)
    return ""


def _host_and_port(address: str) -> tuple[str, int]:
    """No host: nothing can be sent there."""
    usual = {"http": 80, "https": 443}
    try:
        parsed = urlsplit(address)
        if parsed.scheme in usual:
            return parsed.hostname or "", parsed.port or usual[parsed.scheme]
    except ValueError:  # a port that is no number
        pass
    return "", 0


def providers() -> Iterator[Finding]:
    """Whether the providers that are enabled can be asked."""
    for provider in Provider.objects.filter(enabled=True).defer("api_key"):
        if not is_installed(provider.kind):
            yield broken(
                f"Provider '{provider.name}' needs a package that is not installed.",
                f"pip install {package_of(provider.kind)}, or disable it in the back office.",
            )
    lacking = Provider.objects.filter(enabled=True, kind__in=_WITH_A_KEY, api_key="", base_url="")
    for name in lacking.values_list("name", flat=True):
        yield broken(
            f"Provider '{name}' has no key.",
            "Give it one in the back office or in the environment, or disable it there.",
        )


def default_model() -> Iterator[Finding]:
    """What answers where no model is named."""
    found = ModelProfile.objects.usable().filter(is_default=True)
    kind = found.values_list("provider__kind", flat=True).first()
    if kind is None:
        yield broken(
            "No model that can be used is the default.",
            "Choose one in the back office, or run manage.py prepare.",
        )
    elif kind == "demo":
        yield warning(
            "The built-in demo model answers, which understands nothing.",
            "Set OPENAI_API_KEY or ANTHROPIC_API_KEY, or add a provider in the back office.",
        )
