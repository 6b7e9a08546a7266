"""Users and the tokens that act for them."""

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models

from accounts.limits import validate_limits
from accounts.querysets import ApiTokenQuerySet
from core.models import Record, new_id


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
