"""For commands of Django's that ask somebody: nobody's write waits while they think."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from django.core.management.base import CommandError
from django.db import transaction
from django.db.models.signals import post_save, pre_save

from accounts.models import User


@contextmanager
def each_user_saved_with(tell: Callable[[User], None]) -> Iterator[None]:
    """Commit each user that is saved meanwhile together with what `tell` writes of it, or neither.

    A transaction around all of a command would keep SQLite's only one who may write. Of a user who
    was there before, the password alone is saved: who was deactivated, or lost a right, while
    somebody thought stays so.
    """
    with ExitStack() as saving:

        def begin(instance: User, **_: Any) -> None:
            saving.enter_context(transaction.atomic())
            if not instance._state.adding:
                _take_over_what_is_new(instance)

        def end(instance: User, **_: Any) -> None:
            tell(instance)
            saving.close()

        pre_save.connect(begin, User)
        post_save.connect(end, User)
        try:
            yield
        finally:
            pre_save.disconnect(begin, User)
            post_save.disconnect(end, User)


def _take_over_what_is_new(user: User) -> None:
    """Into all but the password; in the caller's transaction."""
    others = [one.attname for one in User._meta.concrete_fields if one.attname != "password"]
    try:
        user.refresh_from_db(fields=others, from_queryset=User.objects.select_for_update())
    except User.DoesNotExist as error:
        raise CommandError("This user was deleted meanwhile.") from error
