"""`manage.py serve`, where whatever a user exports breaks off after its first piece."""

from collections.abc import Callable, Iterator
from typing import Any

import django
from django.core.management import call_command


def main() -> None:
    django.setup()
    from privacy.api import people  # noqa: PLC0415 - models exist only now

    people.export_user = _breaking(people.export_user)  # type: ignore[assignment]
    call_command("serve")


def _breaking(export: Callable[..., Iterator[bytes]]) -> Callable[..., Iterator[bytes]]:
    def breaking(*of: Any, **how: Any) -> Iterator[bytes]:
        return _first(export(*of, **how))

    return breaking


def _first(pieces: Iterator[bytes]) -> Iterator[bytes]:
    yield next(pieces)
    raise RuntimeError("The rest cannot be read.")


if __name__ == "__main__":
    main()
