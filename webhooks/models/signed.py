"""What both kinds of webhooks share: whose, for which workflow, and a secret."""

from datetime import datetime

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.utils.crypto import salted_hmac

from core.models import EditableRecord
from core.secrets import EncryptedTextField
from webhooks.querysets import OwnedQuerySet


class Signed(EditableRecord):
    """For `definition` or `template`, or neither.

    Both secrets count until `previous_until`, so that both ends can change over in turn. `once`
    stands for the form that made it: sent again it makes no other.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    name = models.CharField(max_length=100)
    definition = models.ForeignKey(
        "workflows.WorkflowDefinition", models.CASCADE, null=True, blank=True, related_name="+"
    )
    template = models.ForeignKey(
        "workflows.WorkflowTemplate", models.CASCADE, null=True, blank=True, related_name="+"
    )
    enabled = models.BooleanField(default=True)
    secret = EncryptedTextField()
    previous_secret = EncryptedTextField(blank=True, default="")
    previous_until = models.DateTimeField(null=True, blank=True)
    once = models.CharField(max_length=64, blank=True, default="", db_default="", editable=False)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name

    @property
    def workflow(self) -> str:
        """The name of the one workflow it is for, from a row of `for_list()`; empty for all."""
        one = self.definition or self.template
        return one.name if one else ""

    @property
    def secret_mark(self) -> str:
        """Tells its secret from others, and not what it is; one that no key opens is none."""
        try:
            return mark_of(self.secret)
        except ImproperlyConfigured:
            return mark_of("")

    def secrets_at(self, now: datetime) -> list[str]:
        """Those that count now, the newest first."""
        both = self.previous_until is not None and self.previous_until > now
        return [self.secret, self.previous_secret] if both else [self.secret]


def mark_of(secret: str) -> str:
    """The same for the same secret; it cannot be found out from this."""
    return salted_hmac("webhooks.secret", secret, algorithm="sha256").hexdigest()
