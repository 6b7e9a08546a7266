"""`manage.py serve`, where whatever a user exports breaks off after its first piece."""

from collections.abc import Iterator
from typing import Any

import django
from django.core.management import call_command


def main() -> None:
    django.setup()
    from privacy.api import people  # noqa: PLC0415 - models exist only now

    people.export_user = _broken  # type: ignore[assignment]
    call_command("serve")


def _broken(*_: Any, **__: Any) -> Iterator[bytes]:
    yield b"PK"
    raise RuntimeError("The rest cannot be read.")


if __name__ == "__main__":
    main()
