"""Tells watchers at once that an account, or what it may see, has changed."""

from functools import partial
from typing import Any

from django.db import transaction

from core.events import bell


def account_group(user_id: Any) -> str:
    """The bell's group for changes of one account."""
    return f"account.{user_id}"


def tell_changed(user_id: Any) -> None:
    """Ring after the commit; the bell may be lost, so watchers also ask now and then."""
    transaction.on_commit(partial(bell.ring, {account_group(user_id): ()}))
