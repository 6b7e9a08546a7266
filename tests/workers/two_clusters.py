"""Cut the first of two clusters, and say which are gone: `python -m tests.workers.two_clusters`."""

import sys
import time

import django
import orjson

django.setup()

from core.clusters import ClusterProcess  # noqa: E402

PATIENCE_S = 30.0


def main() -> None:
    first, second = ClusterProcess("pumps", 1), ClusterProcess("chatter", 1)
    first.cut()
    deadline = time.monotonic() + PATIENCE_S
    while not first.gone and time.monotonic() < deadline:
        time.sleep(0.1)
    told = {"first": first.gone, "second": second.gone}
    for one in (first, second):
        one.kill()
    sys.stdout.write(orjson.dumps(told).decode() + "\n")


if __name__ == "__main__":
    main()
