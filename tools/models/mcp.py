"""MCP servers that administrators registered, and the tools they offer."""

import json
from collections.abc import Mapping

import httpx
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

from core import clock
from core.models import EditableRecord
from core.secrets import EncryptedTextField
from tools.mcp.endpoint import SSE, STDIO, STREAMABLE_HTTP, Endpoint
from tools.mcp.naming import MAX_SERVER_NAME, SERVER_NAME
from tools.querysets import ServerQuerySet

_NAME = RegexValidator(
    SERVER_NAME, "Use lower-case letters and digits, with single '_' between them."
)


def is_endpoint(url: str) -> None:
    """Names without dots are as good as others here: a server is often a container beside us."""
    try:
        parsed = httpx.URL(url)
        fits = parsed.scheme in ("http", "https") and parsed.host and not parsed.userinfo
    except (httpx.InvalidURL, UnicodeError):
        fits = False
    if not fits:
        message = "Give an http or https address without a user name or password in it."
        raise ValidationError(message, code="egress_bad_address")


class Transport(models.TextChoices):
    STREAMABLE_HTTP = STREAMABLE_HTTP, "streamable HTTP"
    SSE = SSE, "server-sent events (the older way)"
    STDIO = STDIO, "a command of CHATTER_MCP_COMMANDS"


class McpServer(EditableRecord):
    """Where it is, and how it was when it was last asked. `name` begins its tools' keys.

    `headers` is JSON, and a secret. `ok` is None until somebody asks.
    """

    name = models.CharField(
        max_length=MAX_SERVER_NAME,
        unique=True,
        validators=[_NAME],
        help_text="The keys of its tools begin with it; it does not change.",
    )
    transport = models.CharField(
        max_length=16, choices=Transport, default=Transport.STREAMABLE_HTTP
    )
    url = models.CharField(max_length=2_000, blank=True, validators=[is_endpoint])
    command = models.CharField(
        max_length=64, blank=True, help_text="A name in CHATTER_MCP_COMMANDS, for stdio."
    )
    headers = EncryptedTextField(blank=True)
    enabled = models.BooleanField(default=True, help_text="Off: nobody can use its tools.")
    timeout_s = models.PositiveSmallIntegerField(default=30)
    checked_at = models.DateTimeField(null=True, editable=False)
    refreshed_at = models.DateTimeField(null=True, editable=False)
    ok = models.BooleanField(null=True, editable=False)
    error_code = models.CharField(max_length=64, blank=True, editable=False)
    error_message = models.TextField(blank=True, editable=False)
    latency_ms = models.PositiveIntegerField(null=True, editable=False)
    protocol_version = models.CharField(max_length=200, blank=True, editable=False)
    server_name = models.CharField(max_length=200, blank=True, editable=False)
    server_version = models.CharField(max_length=200, blank=True, editable=False)

    objects = ServerQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = "MCP server"
        constraints = [
            models.CheckConstraint(
                condition=(Q(transport="stdio", url="") & ~Q(command=""))
                | (~Q(transport="stdio") & Q(command="") & ~Q(url="")),
                name="tools_mcp_url_or_command",
                violation_error_message="Give a URL, or for stdio a command, not both.",
            ),
            models.CheckConstraint(
                condition=Q(timeout_s__gte=1, timeout_s__lte=300),
                name="tools_mcp_timeout_in_bounds",
                violation_error_message="Give it between 1 and 300 seconds.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def address(self) -> str:
        """Where it is, without the path and what follows it, which may hold a key."""
        url = httpx.URL(self.url)
        return f"{url.scheme}://{url.netloc.decode()}" if self.url else self.command

    @property
    def header_values(self) -> Mapping[str, str]:
        values: dict[str, str] = json.loads(self.headers or "{}")
        return values

    @property
    def header_names(self) -> list[str]:
        """None where no known key opens them."""
        try:
            return sorted(self.header_values)
        except ImproperlyConfigured:
            return []

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(
            server=self.name,
            transport=self.transport,
            url=self.url,
            command=self.command,
            headers=self.header_values,
            timeout_s=float(self.timeout_s),
        )


class McpTool(EditableRecord):
    """A tool of a server, as somebody approved it; before that, as it was first seen.

    `key` is its name here; whether it is on, and open to all, is in its ToolSetting. `offered` is
    what the server says now, when that is something else: `{title, description, schema, hash}`.
    Nobody may call it then, and no model is told the new text, until it is approved.
    """

    server = models.ForeignKey(McpServer, models.CASCADE, related_name="tools")
    name = models.CharField(max_length=200)
    key = models.CharField(max_length=64, unique=True)
    title = models.CharField(max_length=200, blank=True)
    description = models.TextField()
    input_schema = models.JSONField()
    content_hash = models.CharField(max_length=64)
    offered = models.JSONField(null=True)
    approved_at = models.DateTimeField(null=True)
    present = models.BooleanField(default=True, help_text="The server still offers it.")
    first_seen_at = models.DateTimeField(default=clock.now)
    last_seen_at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ["key"]
        verbose_name = "MCP tool"
        default_permissions = ("view", "change")
        constraints = [
            models.UniqueConstraint(fields=["server", "name"], name="tools_mcp_tool_once"),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def is_approved(self) -> bool:
        """Somebody looked at what the server offers now."""
        return self.approved_at is not None and self.offered is None

    @property
    def is_callable(self) -> bool:
        """Apart from its setting; the server must be loaded."""
        return self.is_approved and self.present and self.server.enabled

    @property
    def offered_hash(self) -> str:
        """Of what the server says now."""
        return str(self.offered["hash"]) if self.offered else self.content_hash
