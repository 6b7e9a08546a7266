"""What it takes to check a graph while its author types."""

import json
import sys
import time
from collections.abc import Iterator
from statistics import median
from typing import Any

from bench.processes import answer_of
from bench.rows import Row
from bench.site import Site

GOAL_MS = 30.0
_ROUNDS = 30


def rows(site: Site) -> Iterator[Row]:
    took = answer_of("-m", "bench.validation", environment=site.environment)
    yield Row(
        "validation of a graph of 100 nodes",
        "none",
        f"{took['graph_ms']:.1f} ms",
        f"{took['json_ms']:.1f} ms",
        took["graph_ms"],
        " ms",
        GOAL_MS,
    )


def _ladder() -> dict[str, Any]:
    """Branches that meet again, 24 times, with long texts and references: 100 nodes."""
    nodes: list[dict[str, Any]] = [{"id": "start", "type": "start"}]
    edges: list[dict[str, Any]] = []
    last = "start"
    for step in range(24):
        text = f"Think about {{{{nodes.{last}.text}}}}. " + "Answer as a helper would. " * 40
        condition = f"size(nodes.{last}.text) > {step}"
        nodes += [
            {"id": f"if{step}", "type": "conditional", "config": {"condition": condition}},
            {"id": f"yes{step}", "type": "model", "config": {"system": text}},
            {"id": f"no{step}", "type": "prompt", "config": {"template": text}},
            {"id": f"on{step}", "type": "delay"},
        ]
        ways = [(last, "out", f"if{step}"), (f"if{step}", "true", f"yes{step}")]
        ways += [(f"if{step}", "false", f"no{step}")]
        ways += [(f"yes{step}", "out", f"on{step}"), (f"no{step}", "out", f"on{step}")]
        edges += [dict(zip(("source", "source_port", "target"), way, strict=True)) for way in ways]
        last = f"on{step}"
    for node in ("one", "two", "end"):
        nodes.append({"id": node, "type": "end" if node == "end" else "delay"})
        edges.append({"source": last, "source_port": "out", "target": node})
        last = node
    return {"nodes": nodes, "edges": edges}


def _took_ms(step: Any) -> float:
    times = []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        step()
        times.append((time.perf_counter() - began) * 1000)
    return median(times)


def main() -> None:
    import django  # noqa: PLC0415 - only this process needs it

    django.setup()
    from workflows.validation import errors_in, validate  # noqa: PLC0415 - after the set-up

    document = _ladder()
    if len(document["nodes"]) != 100 or errors_in(validate(document)):  # noqa: PLR2004
        sys.exit("The graph is not what is to be measured.")
    text = json.dumps(document)
    took = {
        "graph_ms": _took_ms(lambda: validate(document)),
        "json_ms": _took_ms(lambda: json.loads(text)),
    }
    print(json.dumps(took))


if __name__ == "__main__":
    main()
