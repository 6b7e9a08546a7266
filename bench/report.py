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

Written by `make bench`; do not edit. A row that compares has its partner measured in the same run, in
turns with it. The model answers without a pause, so what is left is what Chatter and its partner cost.
A round counts only if afterwards the ledger has exactly one settled row per reply, every log is
numbered 1 … N without a gap and ends, and `manage.py reconcile` and `verify_audit` find nothing.

{table}

Measured {date} on {machine}.
{versions}. The clients run on the same machine{load}.{effort}

## What the rows mean

**The partner** is an async Django view in an ordinary Django project: the same server software,
Django's own middleware, Chatter's token authentication. It streams the same graph (start, model, end; LangGraph nodes written by hand
and compiled once) as server-sent events, through the same `astream` mode as Chatter's engine, with
the same model called directly. It writes nothing to any database. The partner that streams each
word asks LangGraph for the modes updates, messages and custom, as a chat without Chatter would. The
partner behind Chatter's middleware is the same view served by Chatter itself, whose middleware needs
no threads.

| row | is |
|---|---|
| runs/s | `POST /api/v1/chat/` over kept-alive connections; the reply leaves after the COMMIT that ends the run. The result is the median over the rounds of Chatter's rate divided by its partner's |
| added CPU | processor time of the server process per run (user and system, all threads), less the partner's; on PostgreSQL the database server's own time is not in it |
| added wall time | median time of a waiting chat of a lone client, less the partner's; in brackets the 10th and the 90th percentile |
| first event | from sending a chat (`background`) to the first frame of its execution on a conversation socket opened before; the partner's is its first byte |
| start | from starting the process to the first 200 of `/healthz`; the partner is daphne with a Django of one view and no apps |
| idle memory | proportional set size (PSS); the partner is the same bare server |
| validation | every check of the pipeline on one graph of 100 nodes and 123 edges, the median of 30; the partner is parsing the same JSON |
| a stored definition | processor time is all there is: the engine with a graph read from its row, over LangGraph with the same steps compiled once, one run after the other, nothing recorded |
| 20 nodes recorded | time per run of a line of nodes that render a text, in one process without HTTP: started, run, and ended with everything committed, until the last event is read; the partner is LangGraph with 20 functions that do the same, asked for the mode values. Chatter makes one step of a line, LangGraph twenty |
| deliveries/s | 500 websockets that watch all of one user's executions (`ws/v1/`), events committed one after the other as fast as it goes, until every client has every event; the partner is a consumer of Channels on the same server that sends what comes from its group, through the layer in memory, with nothing committed |
| p99 to the client | the same at 20 events/s, from just before an event is committed (or given to the group) until a client has it |
| 100 under way | waiting chats with 100 clients and, in turns, the partner, with 10 |
| events/s, words/s of a core | what a server commits and a websocket is told, of 20 or 100 executions at a time, started in the background on the same server: an event of the log, or a word in one, counts once, when the client that watches them all (`ws/v1/`) has it and every event before it. Divided by the processor time of the server process (all threads, its HTTP and the model included; not that of PostgreSQL or the client); in brackets, by the time it took. A line of 100 nodes that render a text tells some 200 events. A model gives each word by itself; those of 50 ms at most are recorded and told as one event. An answer at once (2,000 words, no pause) is therefore nearly one event, and one of 50 words a second an event for every two or three |
| enqueue to first event | a web server that only takes executions, one worker (`manage.py work`), Redis between them; one chat at a time. From the time that stands in an execution's first event, made just before its commit on the web server, until a websocket of that server has `execution.started`, which the worker commits |
| two workers | waiting chats of 12 clients on such a web server, beside one worker, in turns; each runs 4 at a time. Slow answers are of 50 words, 20 ms apart: what bounds them are the places. Those bound by the processor are of four answers of 5,000 words each, without a pause: 0.42 s of a worker's core, beside 0.05 s of the web server, PostgreSQL and Redis. All of them, and the clients, share the cores named above |
| bare LangGraph | the partner's graph run one after the other in a process without a server, beside the partner at 50 clients |
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
