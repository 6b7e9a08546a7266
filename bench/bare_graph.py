"""The same graph without a server: `python -m bench.bare_graph SECONDS` prints JSON."""

import asyncio
import json
import sys
import time

from bench.graph import ENGINE_MODES, GRAPH
from bench.requests import MESSAGE


async def _run() -> None:
    async for _ in GRAPH.astream({"text": MESSAGE}, stream_mode=ENGINE_MODES):
        pass


async def _measured(seconds: float) -> dict[str, float]:
    for _ in range(50):
        await _run()
    runs, began, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - began < seconds:
        await _run()
        runs += 1
    took, used = time.perf_counter() - began, time.process_time() - cpu
    return {"runs_per_s": runs / took, "cpu_ms": used / runs * 1000}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_measured(float(sys.argv[1])))))
