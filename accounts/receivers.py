"""A user or token that changes is forgotten at once, and who watches with it is asked again.

Model signals, though the rule is a call: a door that forgot to call would let someone in longer.
"""

from typing import Any

from django.db.models.signals import post_delete, post_save

from accounts.changes import tell_changed
from accounts.known_users import known_users

_REMEMBERED = ("accounts.User", "accounts.ApiToken")


def connect() -> None:
    for model in _REMEMBERED:
        for signal in (post_save, post_delete):
            signal.connect(on_account_changed, sender=model, dispatch_uid=f"forget {model}")


def on_account_changed(instance: Any, **_: Any) -> None:
    known_users.forget_all()
    tell_changed(getattr(instance, "user_id", instance.pk))
