"""For commands of Django's that ask somebody: nobody's write waits while they think."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from django.db import transaction
from django.db.models.signals import post_save, pre_save

from accounts.models import User


@contextmanager
def each_user_saved_with(tell: Callable[[User], None]) -> Iterator[None]:
    """Commit each user that is saved meanwhile together with what `tell` writes of it, or neither.

    A transaction around all of a command would keep SQLite's only one who may write.
    """
    with ExitStack() as saving:

        def begin(**_: Any) -> None:
            saving.enter_context(transaction.atomic())

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
