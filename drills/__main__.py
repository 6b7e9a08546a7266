"""`python -m drills`: break things under load, look at what is left, write docs/drills.md."""

import argparse
import logging
import signal
import sys
import traceback
from collections.abc import Iterator

from drills import report
from drills.drill import Drilled, drill
from drills.faults import CALM, FAULTS
from drills.services import Missing
from drills.site import PROFILES
from drills.verdict import Left, Wrong


def main() -> None:
    arguments = _arguments()
    logging.getLogger("websockets").setLevel(logging.CRITICAL)  # sockets are cut all the time
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is stopped
    drilled: list[Drilled] = []
    for profile in [arguments.profile] if arguments.profile else PROFILES:
        for one in _drills(profile, arguments.only):
            print(report.line(one), flush=True)
            drilled.append(one)
    if not arguments.only and not arguments.profile:
        report.write(drilled)
    sys.exit(any(one.problems for one in drilled))


def _drills(profile: str, only: list[str] | None) -> Iterator[Drilled]:
    calm: Left | None = None
    for fault in FAULTS:
        if profile not in fault.profiles or (only and fault.name not in [*only, CALM]):
            continue
        try:
            done, left = drill(fault, profile, calm)
        except Missing as missing:
            yield Drilled(fault, profile, missing=str(missing))
        except Exception as error:  # the others are drilled all the same
            traceback.print_exc()
            yield Drilled(fault, profile, [Wrong("over", f"the drill broke off: {error!r}")])
        else:
            calm = calm or left
            yield done


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="drills", description=__doc__)
    parser.add_argument("--profile", choices=PROFILES, help="only this one")
    names = [fault.name for fault in FAULTS]
    parser.add_argument("--only", action="append", choices=names, help="this, beside the calm one")
    return parser.parse_args()


if __name__ == "__main__":
    main()
