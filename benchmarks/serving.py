"""A process that only serves: `python -m benchmarks.serving HOME`.

It reads an inquiry a line (`text`, `user`) from standard input, asks the copilot, and writes a line
with the processor time of the turn, threads and all, and the peak memory so far.
"""

import asyncio
import json
import resource
import sys
import time
from datetime import UTC, datetime
from datetime import time as time_of_day
from pathlib import Path
from uuid import uuid4

from copilot.conversation import Inquiry
from integrations.home import Home
from integrations.logs import configure
from integrations.settings import Settings
from integrations.wiring import App, open_app
from knowledge.versions import read_pointer

_UNNEEDED = ("torch", "sentence_transformers", "sklearn", "dbos")


async def serve(home: Path) -> None:
    """Answer the lines of standard input until it ends."""
    started = time.process_time()
    with Home.at(home).owned():
        app = await open_app(Settings(home=home))
        try:
            _say({"ready": True, "start_cpu_s": time.process_time() - started})
            for line in sys.stdin:
                _say(await _turn(app, json.loads(line)))
        finally:
            await app.close()


async def _turn(app: App, asked: dict[str, str]) -> dict[str, object]:
    today = app.profile.demo_clock
    assert today is not None
    inquiry = Inquiry(
        id=uuid4().hex,
        text=asked["text"],
        user=asked["user"],
        channel="benchmark",
        at=datetime.combine(today, time_of_day(12), UTC),
    )
    wall, cpu = time.perf_counter(), time.process_time()
    reply = await app.copilot.ask(inquiry)
    return {
        "cpu_ms": (time.process_time() - cpu) * 1000,
        "wall_ms": (time.perf_counter() - wall) * 1000,
        "disposition": reply.disposition,
        "peak_mib": peak_mib(),
        "unneeded": [name for name in _UNNEEDED if name in sys.modules],
    }


def peak_mib() -> float:
    """Peak resident memory of this process."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def _say(answer: dict[str, object]) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    assert read_pointer(folder / "index"), f"{folder} has no index; run benchmarks.turn"
    configure(sys.stderr)
    asyncio.run(serve(folder))
