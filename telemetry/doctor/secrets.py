"""Can what is kept secret be read, and does anybody hold the keys?"""

from collections.abc import Iterator

from django.apps import apps
from django.db import models
from django.template.defaultfilters import pluralize

from accounts.services import administrators as services
from core.secrets import EncryptedTextField
from telemetry.doctor.finding import Finding, broken, warning


def stored_secrets() -> Iterator[Finding]:
    """Whether the secret key opens what was encrypted with it."""
    for model in apps.get_models():
        for field in model._meta.local_fields:
            if isinstance(field, EncryptedTextField) and (count := _unreadable(model, field.name)):
                yield broken(
                    f"{count} value{pluralize(count)} of {model._meta.label}.{field.name} cannot be"
                    f" read: {pluralize(count, 'it was,they were')} encrypted with another secret"
                    " key.",
                    "Put that key into CHATTER_SECRET_KEY_FALLBACKS, or enter anew what is lost.",
                )


def administrators() -> Iterator[Finding]:
    """Whether somebody may enter the back office."""
    if not services.administrators().exists():
        yield warning("There is no administrator.", "manage.py createsuperuser")


def _unreadable(model: type[models.Model], name: str) -> int:
    values = model._base_manager.order_by("pk").values_list(name, flat=True)
    return sum(bool(value) and not value.is_readable for value in values.iterator())
