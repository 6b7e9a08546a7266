"""Who runs models: an account at a provider, or a server of our own."""

import re

from django.core.validators import RegexValidator
from django.db import models

from core.models import EditableRecord
from core.secrets import EncryptedTextField
from llms.querysets import ProviderQuerySet

_NAME = RegexValidator(
    r"\A[a-z0-9][a-z0-9_.-]*\Z", "Use lower-case letters, digits, '-', '_' and '.'."
)
# The scheme and the host; a user's name and password, a path and a query are left out.
_WHERE = re.compile(r"\A([a-z]+://)?(?:[^/?#]*@)?([^/?#]*).*", re.DOTALL | re.IGNORECASE)


class Source(models.TextChoices):
    BUILTIN = "builtin", "built in"
    ENVIRONMENT = "environment", "environment"
    ADMIN = "admin", "administrator"


class Provider(EditableRecord):
    """`kind` is a provider name of LangChain's `init_chat_model`, or "demo"."""

    name = models.CharField(
        max_length=64, unique=True, validators=[_NAME], help_text="As in “name:model”."
    )
    kind = models.CharField(
        max_length=64, help_text="openai, anthropic, ollama, google_genai, … or demo."
    )
    base_url = models.URLField(
        blank=True, max_length=500, help_text="Empty: the provider's own address."
    )
    api_key = EncryptedTextField(blank=True)
    enabled = models.BooleanField(default=True)
    source = models.CharField(max_length=16, choices=Source, default=Source.ADMIN, editable=False)

    objects = ProviderQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def address(self) -> str:
        """`base_url` without what may be a key: it alone is fit to be told."""
        return _WHERE.sub(r"\1\2", self.base_url, count=1)

    @property
    def is_demo(self) -> bool:
        return self.kind == "demo"
