"""A worker process for tests: counts what it does in a database of its own.

Arguments: the jobs' URL, the file of effects, the executor's id and the seconds before others
take over from a silent worker.
"""

import asyncio
import contextlib
import signal
import sqlite3
import sys
import time
from pathlib import Path

from integrations.jobs.port import JSON, Job, Pace, Steps, Work
from integrations.jobs.worker import DbosWorker

FIRST = """
create table if not exists effects (key text primary key, worker text);
create table if not exists calls (number integer primary key, key text, worker text, at real);
create table if not exists spans (
  number integer primary key, job text, lane text, worker text, begun real, ended real
);
"""


class Effects:
    """What the outside saw: an effect once by its key, a call each time."""

    def __init__(self, path: Path, worker: str) -> None:
        self._worker = worker
        self.connection = sqlite3.connect(path, isolation_level=None, timeout=30)
        self.connection.execute("pragma journal_mode=wal")
        self.connection.execute("pragma synchronous=off")
        self.connection.executescript(FIRST)

    def do(self, key: str) -> None:
        self.connection.execute(
            "insert into calls (key, worker, at) values (?, ?, ?)",
            (key, self._worker, time.monotonic()),
        )
        self.connection.execute("insert or ignore into effects values (?, ?)", (key, self._worker))

    def span(self, job: Job, begun: float, ended: float) -> None:
        self.connection.execute(
            "insert into spans (job, lane, worker, begun, ended) values (?, ?, ?, ?, ?)",
            (job.id, job.payload["lane"], self._worker, begun, ended),
        )

    def rows(self, query: str) -> list[tuple[str, ...]]:
        return self.connection.execute(query).fetchall()


def working(effects: Effects) -> Work:
    """Two steps, each with an effect, with a little waiting."""

    async def work(job: Job, steps: Steps) -> None:
        clock = asyncio.get_running_loop().time
        begun = clock()

        async def step(name: str) -> JSON:
            effects.do(f"{job.id}:{name}")
            await asyncio.sleep(float(str(job.payload.get("seconds", 0.01))))
            return name

        assert await steps.once("first", lambda: step("first")) == "first"
        assert await steps.once("second", lambda: step("second")) == "second"
        effects.span(job, begun, clock())

    return work


async def unexpected(job: Job, error: Exception) -> None:
    raise AssertionError(job.id) from error


async def main(url: str, path: str, worker_id: str, reap: str) -> None:
    effects = Effects(Path(path), worker_id)
    worker = DbosWorker(
        url,
        {"count": working(effects)},
        executor_id=worker_id,
        on_failed=unexpected,
        pace=Pace(concurrency=4, poll_seconds=0.05, reap_seconds=float(reap)),
    )
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await worker.start()
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
    await ended.wait()
    await worker.drain(5)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
