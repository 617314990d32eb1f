"""Worker processes that are killed, and what is left afterwards."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from integrations.jobs.inbox import DbosInbox
from integrations.jobs.port import Job, JobState
from tests.integrations.jobs.working import Effects

ROOT = Path(__file__).parents[3]


def worker(url: str, effects: Path, name: str, reap: float = 60.0) -> subprocess.Popen[str]:
    """A worker process that has started."""
    program = [sys.executable, "-m", "tests.integrations.jobs.working"]
    process = subprocess.Popen(
        [*program, url, str(effects), name, str(reap)],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def end(process: subprocess.Popen[str], sign: signal.Signals = signal.SIGTERM) -> int:
    process.send_signal(sign)
    process.communicate(timeout=30)
    return process.returncode


def a_job(number: int, lanes: int = 10, **payload: float) -> tuple[Job, str]:
    lane = f"lane-{number % lanes}"
    return Job(f"job-{number:04d}", "count", {"number": number, "lane": lane, **payload}), lane


async def until(true: Callable[[], object], seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110  # other processes and threads make it true
            await asyncio.sleep(0.02)


async def until_done(inbox: DbosInbox, jobs: int, seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while (await inbox.census()).counts[JobState.DONE] < jobs:  # noqa: ASYNC110  # asked of a database
            await asyncio.sleep(0.05)


def has_seen(effects: Effects, count: int) -> bool:
    return len(effects.rows("select key from effects")) >= count


async def kill_twice(url: str, path: Path, jobs: int) -> None:
    """Put jobs, kill the worker twice in the middle, and put them all again each time."""
    effects = Effects(path, "test")
    inbox = await DbosInbox.open(url)
    assert [await inbox.put(job, lane=lane) for job, lane in map(a_job, range(jobs))] == [
        True
    ] * jobs
    for share in (0.4, 1.0):
        process = worker(url, path, "host-0")
        await until(partial(has_seen, effects, int(jobs * share)))
        assert end(process, signal.SIGKILL) == -signal.SIGKILL
        again = [await inbox.put(job, lane=lane) for job, lane in map(a_job, range(jobs))]
        assert again == [False] * jobs
    process = worker(url, path, "host-0")
    await until_done(inbox, jobs)
    assert end(process) == 0
    census = await inbox.census()
    assert census.counts == {**dict.fromkeys(JobState, 0), JobState.DONE: jobs}
    done = effects.rows("select key from effects order by key")
    assert done == [(f"{a_job(n)[0].id}:{s}",) for n in range(jobs) for s in ("first", "second")]
    # A step is called again only where the process died in it: at most one for each slot and kill.
    calls = len(effects.rows("select key from calls"))
    assert jobs * 2 <= calls <= jobs * 2 + 2 * 4
    await inbox.close()
