"""The page `docs/benchmarks.md`: the table, the machine, and what each row means."""

# ruff: noqa: E501 - rows of Markdown tables

import os
import platform
import sqlite3
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench.rows import Row, markdown_table

PAGE = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
_PACKAGES = ("django", "daphne", "twisted", "channels", "langgraph", "langchain-core", "psycopg")

_TEXT = """\
# Benchmarks

Written by `make bench`; do not edit. Where a row has a partner to compare with, both are measured in the same
run, in alternation. The model answers without a pause, so what is measured is the cost of Chatter and of its
partner. A round counts only if afterwards the ledger has exactly one settled row per reply, every log is
numbered 1 … N without a gap and has an end, and `manage.py reconcile` and `verify_audit` find nothing wrong.

{table}

Measured {date} on {machine}.
{versions}. The clients run on the same machine{load}.{effort}

## What the rows mean

**The partner** is an async Django view in an ordinary Django project, with the same server software,
Django's own middleware and Chatter's token authentication. It streams the same graph (start, model, end; LangGraph nodes
written by hand and compiled once) as server-sent events, through the same `astream` mode as Chatter's engine, and calls
the same model directly. It writes nothing to any database. The partner that streams each
word requests LangGraph's modes updates, messages and custom, as a chat without Chatter would. The
partner behind Chatter's middleware is the same view served by Chatter itself, whose middleware needs
no threads.

**PostgreSQL** keeps statistics and reuses space as in every installation: where autovacuum is switched off, the benchmark
does its work (`bench/autovacuum.py`).

| row | what is measured |
|---|---|
| runs/s | `POST /api/v1/chat/` over kept-alive connections; the reply is sent after the COMMIT that ends the run. The result is the median over the rounds of Chatter's rate divided by its partner's |
| added CPU | processor time of the server process per run (user and system, all threads), minus the partner's; on PostgreSQL, the database server's own time is not included |
| added wall time | median time of a waiting chat with a single client, minus the partner's; in brackets the 10th and the 90th percentile |
| first event | from sending a chat (`background`) to the first frame of its execution on a conversation socket that was opened before; for the partner, to its first byte |
| start | from starting the process to the first 200 of `/healthz`; the partner is daphne with a Django project of one view and no apps |
| idle memory | proportional set size (PSS); the partner is the same bare server |
| validation | every check of the pipeline on one graph of 100 nodes and 123 edges, the median of 30; the partner is parsing the same JSON |
| a stored definition | processor time only: the engine with a graph read from its row, compared with LangGraph with the same steps compiled once, one run after the other, nothing recorded |
| 20 nodes recorded | time per run of a line of nodes that render a text, in one process without HTTP: from the start to the end with everything committed, until the last event is read; the partner is LangGraph with 20 functions that do the same, in the mode values. Chatter turns a line into one step, LangGraph into twenty |
| deliveries/s | 500 websockets watch all of one user's executions (`ws/v1/`), and events are committed one after the other, as fast as possible, until every client has every event; the partner is a Channels consumer on the same server that sends whatever its group receives, through the in-memory layer, with nothing committed |
| p99 to the client | the same at 20 events/s, from just before an event is committed (or given to the group) until a client has it |
| 100 under way | waiting chats with 100 clients; the partner is the same with 10, in alternation |
| events/s, words/s of a core | what a server commits and sends to a websocket, from 20 or 100 executions at a time, started in the background on the same server: an event of the log, or a word in one, counts once, when the client that watches them all (`ws/v1/`) has it and every event before it. The count is divided by the processor time of the server process (all threads, its HTTP and the model included; not that of PostgreSQL or the client) and, in brackets, by the time that passed. A line of 100 nodes that render a text produces some 200 events. A model gives each word by itself; words within 50 ms at most are recorded and sent as one event. An answer given at once (2,000 words, no pause) is therefore nearly one event, and an answer of 50 words a second is one event for every two or three words |
| enqueue to first event | a web server that only accepts executions, one worker (`manage.py work`), Redis between them; one chat at a time. From the time in an execution's first event, which is made just before its commit on the web server, until a websocket of that server has `execution.started`, which the worker commits |
| two workers | waiting chats of 12 clients on such a web server, with two workers and, as the partner, with one, in alternation; each worker runs 4 at a time. Slow answers have 50 words, 20 ms apart, so only the number of places limits them. Runs bound by the processor give four answers of 5,000 words each, without a pause: 0.42 s of a worker's core, and 0.05 s of the web server, PostgreSQL and Redis. All of these processes, and the clients, share the cores named above |
| bare LangGraph | the partner's graph, run again and again in one process without a server, compared with the partner at 50 clients |
"""


def write(rows: list[Row], load: float, *, quick: bool) -> None:
    PAGE.write_text(
        _TEXT.format(
            table=markdown_table(rows),
            date=datetime.now(UTC).strftime("%d %B %Y"),
            machine=machine(),
            versions=_versions(),
            effort=" The run was a quick one (`--quick`): few rounds, wide margins."
            if quick
            else "",
            load=f"; its load average was {load:.1f} before the start" if load > 0.5 else "",
        )
    )


def machine() -> str:
    processor = "an unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            processor = line.partition(":")[2].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores of {processor}, {memory:.0f} GiB of memory, "
        f"{platform.system()} {platform.release().partition('-')[0]}"
    )


def _versions() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {packages}"
