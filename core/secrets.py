"""Secrets at rest: a text column that only this installation can read."""

import base64
import hashlib
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.db.models.query_utils import DeferredAttribute


def _cipher() -> MultiFernet:
    """Today's key first; keys of `SECRET_KEY_FALLBACKS` still decrypt."""
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(_derived(key)) for key in keys])


def _derived(secret: str) -> bytes:
    digest = hashlib.sha256(b"chatter.secrets.v1:" + secret.encode()).digest()
    return base64.urlsafe_b64encode(digest)


class Sealed(str):
    """A text as its column holds it."""

    __slots__ = ()

    def opened(self) -> str:
        """Raises ImproperlyConfigured where no known key opens it."""
        try:
            return _cipher().decrypt(self.encode()).decode()
        except InvalidToken as error:
            message = (
                "A stored secret was encrypted with another SECRET_KEY; see SECRET_KEY_FALLBACKS."
            )
            raise ImproperlyConfigured(message) from error

    @property
    def is_readable(self) -> bool:
        try:
            self.opened()
        except ImproperlyConfigured:
            return False
        return True


class _OpenedWhereRead(DeferredAttribute):
    """Whoever does not need the text may have the row, change what else it holds, and delete it."""

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        value = super().__get__(instance, cls)
        return value.opened() if isinstance(value, Sealed) else value

    def __set__(self, instance: Any, value: Any) -> None:
        vars(instance)[self.field.attname] = value


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """Text encrypted with a key derived from `SECRET_KEY`; empty text stays empty.

    Reading it from a row raises ImproperlyConfigured where no known key opens it; `values_list`
    gives it as `Sealed`.
    """

    descriptor_class = _OpenedWhereRead

    def get_prep_value(self, value: Any) -> Any:
        if not value or isinstance(value, Sealed):
            return value and str(value)
        return _cipher().encrypt(value.encode()).decode()

    def from_db_value(self, value: str | None, *_: Any) -> str | None:
        return Sealed(value) if value else value

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """What nobody has replaced is kept as it is."""
        kept = vars(model_instance).get(self.attname)
        return kept if isinstance(kept, Sealed) else super().pre_save(model_instance, add)


def is_kept(row: models.Model, name: str) -> bool:
    """Whether the field of this name holds a secret, be it one that no known key opens."""
    return bool(vars(row)[name])
