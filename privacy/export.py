"""Everything that is kept of a person, as a ZIP of JSON lines, made while it is sent."""

from collections import Counter
from collections.abc import Iterator
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import orjson

from accounts.models import User
from core import clock
from core.pipe import Pipe
from privacy.graphs import graph_lines
from privacy.table import Table
from privacy.tables import NOBODYS, TABLES
from privacy.trail import trail_lines

_PIECE = 64 * 1024
_FORMAT = 1


def exported(user: User) -> Iterator[bytes]:
    """The ZIP in pieces: a file for each table, the audit trail, and `manifest.json` at the end.

    Rows are read some hundreds at a time, each page by a query of its own, so that no connection is
    held between them. Memory does not grow with what there is.
    """
    pipe, counts = Pipe(), {}
    with ZipFile(pipe, "w", ZIP_DEFLATED) as archive:
        for name, lines in _parts(user):
            counts[name] = 0
            with archive.open(_info(name), "w", force_zip64=True) as file:
                for line in lines:
                    counts[name] += 1
                    file.write(line)
                    if pipe.size >= _PIECE:
                        yield pipe.taken()
        archive.writestr(_info("manifest.json"), orjson.dumps(_manifest(user, counts)))
    yield pipe.taken()


def _parts(user: User) -> Iterator[tuple[str, Iterator[bytes]]]:
    for name, table in _files():
        yield name, table.lines(user)
    yield "workflows.WorkflowVersion.jsonl", graph_lines(user)
    yield "audit.AuditEntry.jsonl", trail_lines(user)


def _files() -> Iterator[tuple[str, Table]]:
    numbers: Counter[str] = Counter()
    for table in TABLES:
        numbers[table.model] += 1
        number = numbers[table.model]
        yield f"{table.model}.jsonl" if number == 1 else f"{table.model}.{number}.jsonl", table


def _info(name: str) -> ZipInfo:
    info = ZipInfo(name, clock.now().timetuple()[:6])
    info.compress_type = ZIP_DEFLATED
    return info


def _manifest(user: User, counts: dict[str, int]) -> dict[str, Any]:
    return {
        "format": _FORMAT,
        "user": user.pk,
        "exported_at": clock.now(),
        "rows": counts,
        "left_out": {name: table.hidden for name, table in _files() if table.hidden},
        "not_personal": NOBODYS,
    }
