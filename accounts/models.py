"""Users, the tokens that act for them, and the secrets their workflows send."""

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models

from accounts.limits import validate_limits
from accounts.querysets import ApiTokenQuerySet, SecretQuerySet
from core import clock
from core.models import EditableRecord, Record, new_id
from core.secrets import EncryptedTextField


class User(AbstractUser):
    """A person, or a program with an account of its own.

    `limits` are fields of `core.limits.RunLimits`, lower than the server's.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    limits = models.JSONField(
        default=dict,
        blank=True,
        validators=[validate_limits],
        help_text="What this user's runs may use at most, where that is less than the server "
        'allows, such as {"cost": "0.50", "steps": 100, "concurrent": 2}.',
    )

    class Meta(AbstractUser.Meta):
        ordering = ["username"]

    def clean(self) -> None:
        super().clean()
        self.limits = self.limits or {}  # a form's box that was left empty


class ApiToken(Record):
    """A key to the API. The text itself is shown once and kept nowhere; `digest` is its SHA-256."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens"
    )
    name = models.CharField(max_length=100, blank=True, default="")
    prefix = models.CharField(max_length=8)
    digest = models.CharField(max_length=64, unique=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = "API token"
        indexes = [
            models.Index(fields=["user", "-id"], name="accounts_token_list"),
            models.Index(fields=["prefix"], name="accounts_token_prefix"),
        ]

    def __str__(self) -> str:
        return f"{self.name or 'token'} ({self.prefix}…)"

    @property
    def state(self) -> str:
        if self.revoked_at:
            return "revoked"
        return "expired" if self.expires_at and self.expires_at <= clock.now() else "active"


class Secret(EditableRecord):
    """What a workflow sends to prove who it is; named in it as `{secret:<name>}`, never told again.

    `hosts` are the only ones it is ever sent to, as `core.secret_texts.plain_host` writes them.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="secrets"
    )
    name = models.CharField(max_length=32)
    value = EncryptedTextField()
    hosts = models.JSONField(default=list)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = SecretQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "name"], name="accounts_one_secret_per_name"),
        ]

    def __str__(self) -> str:
        return self.name


class LockoutScope(models.TextChoices):
    USER = "user", "attempts on a name"
    ADDRESS = "address", "attempts from an address"


class Lockout(Record):
    """Attempts on one name, or from one address, that are refused until then.

    `digest` is what the throttle counts under; `user` whom a name belongs to, if anybody; `address`
    where the last attempt came from.
    """

    scope = models.CharField(max_length=10, choices=LockoutScope.choices)
    digest = models.CharField(max_length=64)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="lockouts"
    )
    address = models.CharField(max_length=64, blank=True)
    until = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True)
    lifted_by = models.UUIDField(null=True)

    class Meta:
        ordering = ["-id"]
        default_permissions = ("view", "change")
        indexes = [
            models.Index(fields=["digest", "until"], name="accounts_lockout_lasting"),
            models.Index(fields=["until"], name="accounts_lockout_age"),
        ]

    def __str__(self) -> str:
        return f"{self.get_scope_display()} until {self.until:%Y-%m-%d %H:%M:%S}"
