"""Print what came of each fire time, as one line of JSON: `python -m drills.fired`."""

import sys

import django
import orjson

django.setup()

from triggers.models import Schedule  # noqa: E402

_TOLD = ("fire_at", "until", "status", "execution")


def main() -> None:
    found = [
        {"misfire": one.misfire, "firings": list(one.firings.order_by("fire_at").values(*_TOLD))}
        for one in Schedule.objects.all()
    ]
    sys.stdout.write(orjson.dumps(found).decode() + "\n")


if __name__ == "__main__":
    main()
