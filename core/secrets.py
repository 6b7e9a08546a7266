"""Secrets at rest: a text column that only this installation can read."""

import base64
import hashlib
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models


def _cipher() -> MultiFernet:
    """Today's key first; keys of `SECRET_KEY_FALLBACKS` still decrypt."""
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(_derived(key)) for key in keys])


def _derived(secret: str) -> bytes:
    digest = hashlib.sha256(b"chatter.secrets.v1:" + secret.encode()).digest()
    return base64.urlsafe_b64encode(digest)


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """Text encrypted with a key derived from `SECRET_KEY`; empty text stays empty.

    Raises ImproperlyConfigured on reading a value that no known key opens.
    """

    def get_prep_value(self, value: Any) -> Any:
        return _cipher().encrypt(value.encode()).decode() if value else value

    def from_db_value(self, value: str | None, *_: Any) -> str | None:
        if not value:
            return value
        try:
            return _cipher().decrypt(value.encode()).decode()
        except InvalidToken as error:
            message = (
                "A stored secret was encrypted with another SECRET_KEY; see SECRET_KEY_FALLBACKS."
            )
            raise ImproperlyConfigured(message) from error
