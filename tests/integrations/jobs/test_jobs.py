"""Jobs are done once, in order, later, again, or given up and told; on both databases."""

import asyncio
import logging
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from integrations.clock import wall_clock
from integrations.jobs.inbox import DbosInbox
from integrations.jobs.port import Job, JobFailedError, JobState, Pace
from integrations.jobs.worker import DbosWorker
from tests.integrations.jobs.killing import until

FAST = Pace(poll_seconds=0.05, retry_seconds=0.05, backoff=2.0, reap_seconds=0.4)


class Outside:
    """What the world saw of the jobs."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.calls: list[str] = []
        self.failed: list[tuple[str, str]] = []
        self.reported: list[tuple[str, str]] = []
        self.most = 0

    async def on_failed(self, job, error):
        self.failed.append((job.id, type(error).__name__))

    def report(self, where, error):
        self.reported.append((where, type(error).__name__))

    async def work(self, job, steps):
        self.begun.append(job.id)
        self.most = max(self.most, len(self.begun) - len(self.ended))
        await asyncio.sleep(job.payload.get("seconds", 0))
        self.ended.append(job.id)


@pytest.fixture
def outside():
    return Outside()


@pytest.fixture
async def inbox(store_url):
    inbox = await DbosInbox.open(store_url)
    yield inbox
    await inbox.close()


@pytest.fixture
async def start(store_url, outside):
    """Starts a worker, one at a time; the last is stopped when the test ends."""
    workers: list[DbosWorker] = []

    async def start(work=None, *, pace=FAST, on_failed=outside.on_failed, clock=wall_clock):
        worker = DbosWorker(
            store_url,
            {"k": work or outside.work},
            executor_id="one",
            on_failed=on_failed,
            pace=pace,
            report=outside.report,
            clock=clock,
        )
        workers[:] = [worker]
        await worker.start()
        return worker

    yield start
    for worker in workers:
        await worker.stop()


async def settled(inbox: DbosInbox, **counts: int) -> None:
    """Wait until the jobs stand as told."""
    wanted = {**dict.fromkeys(JobState, 0), **{JobState[k.upper()]: n for k, n in counts.items()}}
    async with asyncio.timeout(20):
        while (await inbox.census()).counts != wanted:  # noqa: ASYNC110  # asked of a database
            await asyncio.sleep(0.02)


def has_begun(outside: Outside, jobs: int) -> bool:
    return len(outside.begun) >= jobs


async def test_put_twice_is_one_run(inbox, start, outside):
    assert await inbox.put(Job("a", "k", {"text": "x"}), lane="l")
    assert not await inbox.put(Job("a", "k", {"text": "other"}), lane="other")
    await start()
    await settled(inbox, done=1)
    assert not await inbox.put(Job("a", "k", {}), lane="l")
    assert outside.begun == ["a"]


async def test_puts_of_one_id_at_the_same_time_are_one_job(inbox, start, outside):
    puts = [inbox.put(Job("a", "k", {}), lane=f"l{n}") for n in range(20)]
    assert sorted(await asyncio.gather(*puts)) == [False] * 19 + [True]
    await start()
    await settled(inbox, done=1)
    assert outside.begun == ["a"]


async def test_a_lane_keeps_its_order_and_lanes_run_side_by_side(inbox, start, outside):
    ids = [f"{9 - n}-{lane}" for n in range(4) for lane in "abc"]
    for name in ids:
        await inbox.put(Job(name, "k", {"seconds": 0.1}), lane=name[-1])
    await start()
    await settled(inbox, done=12)
    for lane in "abc":
        assert [n for n in outside.begun if n[-1] == lane] == [n for n in ids if n[-1] == lane]
        assert [n for n in outside.ended if n[-1] == lane] == [n for n in ids if n[-1] == lane]
    assert outside.most == 3


async def test_one_lane_is_never_in_two_jobs_at_once(inbox, start, outside):
    for number in range(5):
        await inbox.put(Job(f"j{number}", "k", {"seconds": 0.1}), lane="l")
    await start()
    await settled(inbox, done=5)
    assert outside.most == 1


async def test_a_job_that_raises_is_tried_again_without_repeating_its_steps(inbox, start, outside):
    async def work(job, steps):
        async def step():
            outside.calls.append("step")
            return {"found": [1, None, "x"]}

        assert await steps.once("step", step) == {"found": [1, None, "x"]}
        outside.begun.append(job.id)
        if len(outside.begun) < 3:
            raise ValueError("a secret")

    await inbox.put(Job("a", "k", {}), lane="l")
    await start(work)
    await settled(inbox, done=1)
    assert outside.calls == ["step"]
    assert outside.begun == ["a"] * 3
    assert outside.reported == [("jobs.k", "ValueError")] * 2
    assert outside.failed == []


async def test_a_job_that_goes_on_raising_is_given_up_and_told_and_holds_nobody_up(
    inbox, start, outside
):
    async def work(job, steps):
        outside.begun.append(job.id)
        if job.id == "bad":
            raise ValueError("a secret")

    await inbox.put(Job("bad", "k", {}), lane="l")
    await inbox.put(Job("good", "k", {}), lane="l")
    await start(work)
    await settled(inbox, done=1, failed=1)
    assert outside.begun == ["bad"] * 3 + ["good"]
    assert outside.failed == [("bad", "ValueError")]


async def test_telling_people_is_tried_again_too(inbox, start, outside):
    async def on_failed(job, error):
        outside.failed.append((job.id, type(error).__name__))
        if len(outside.failed) == 1:
            raise OSError("away")

    async def work(job, steps):
        raise ValueError

    await inbox.put(Job("a", "k", {}), lane="l")
    await start(work, on_failed=on_failed)
    await settled(inbox, failed=1)
    assert outside.failed == [("a", "ValueError")] * 2
    assert outside.reported[-1] == ("jobs.on_failed", "OSError")


async def test_a_kind_that_nobody_knows_is_given_up_and_told(inbox, start, outside):
    await inbox.put(Job("a", "unknown", {}), lane="l")
    await start()
    await settled(inbox, failed=1)
    assert outside.failed == [("a", "KeyError")]


async def test_work_that_cancels_itself_counts_as_failed(inbox, start, outside):
    async def work(job, steps):
        raise asyncio.CancelledError

    await inbox.put(Job("a", "k", {}), lane="l")
    await start(work)
    await settled(inbox, failed=1)
    assert outside.failed == [("a", JobFailedError.__name__)]


async def test_a_stopped_job_is_resumed_by_the_next_life_from_its_steps(inbox, start, outside):
    blocked = asyncio.Event()

    async def work(job, steps):
        async def step():
            outside.calls.append("step")
            return 7

        outside.begun.append(str(await steps.once("step", step)))
        await blocked.wait()

    await inbox.put(Job("a", "k", {}), lane="l")
    worker = await start(work)
    await until(partial(has_begun, outside, 1))
    await worker.stop()
    assert (await inbox.census()).counts[JobState.RUNNING] == 1
    blocked.set()
    await start(work)
    await settled(inbox, done=1)
    assert outside.calls == ["step"]
    assert outside.begun == ["7", "7"]


async def test_a_job_that_ends_its_process_again_and_again_is_given_up(inbox, start, outside):
    async def work(job, steps):
        outside.begun.append(job.id)
        await asyncio.Event().wait()

    await inbox.put(Job("a", "k", {}), lane="l")
    for life in range(2):
        worker = await start(work, pace=Pace(poll_seconds=0.05, deaths=1))
        await until(partial(has_begun, outside, life + 1))
        await worker.stop()
    await start(work, pace=Pace(poll_seconds=0.05, deaths=1))
    await settled(inbox, failed=1)
    assert outside.failed == [("a", JobFailedError.__name__)]


async def test_draining_ends_what_runs_and_begins_nothing(inbox, start, outside):
    for number in range(2):
        await inbox.put(Job(f"j{number}", "k", {"seconds": 0.4}), lane="l")
    worker = await start()
    await until(partial(has_begun, outside, 1))
    await worker.drain(5)
    assert outside.ended == ["j0"]
    await settled(inbox, done=1, waiting=1)
    await start()
    await settled(inbox, done=2)


async def test_a_job_for_later_is_not_begun_before(inbox, start, outside):
    begun_at = []

    async def work(job, steps):
        begun_at.append(wall_clock())

    at = wall_clock() + timedelta(seconds=1.5)
    assert await inbox.put_at(Job("a", "k", {}), at, lane="l")
    assert not await inbox.put_at(Job("a", "k", {}), at, lane="l")
    await start(work)
    census = await inbox.census()
    assert census.counts[JobState.LATER] == 1
    assert census.oldest_waiting_seconds == 0
    await settled(inbox, done=1)
    assert at <= begun_at[0] <= at + timedelta(seconds=3)


async def test_a_time_that_has_passed_is_now(inbox, start, outside):
    await inbox.put_at(Job("a", "k", {}), wall_clock() - timedelta(days=1), lane="l")
    await start()
    await settled(inbox, done=1)


async def test_the_oldest_waiting_job_is_told(store_url, inbox):
    await inbox.put(Job("a", "k", {}), lane="l")
    later = await DbosInbox.open(store_url, clock=lambda: wall_clock() + timedelta(seconds=100))
    census = await later.census()
    assert 98 <= census.oldest_waiting_seconds <= 105
    assert census.counts[JobState.WAITING] == 1
    await later.close()


async def test_finished_jobs_are_deleted_in_time_and_others_kept(inbox, start, outside):
    async def work(job, steps):
        async def step():
            return 1

        await steps.once("step", step)
        if job.id == "bad":
            raise ValueError

    worker = await start(work)
    for name in ("good", "bad"):
        await inbox.put(Job(name, "k", {}), lane=name)
    await inbox.put_at(Job("later", "k", {}), wall_clock() + timedelta(days=7), lane="l")
    await settled(inbox, done=1, failed=1, later=1)
    await worker.stop()
    worker = await start(work, clock=lambda: wall_clock() + timedelta(days=29))
    await asyncio.sleep(0.5)
    await settled(inbox, done=1, failed=1, later=1)
    await worker.stop()
    await start(work, clock=lambda: wall_clock() + timedelta(days=31))
    await settled(inbox, later=1)
    assert await inbox.put(Job("good", "k", {}), lane="l")
    await settled(inbox, done=1, later=1)


async def test_no_text_is_logged_and_no_file_is_left(
    inbox, start, outside, tmp_path, monkeypatch, capfd, caplog
):
    folder = tmp_path / "cwd"
    folder.mkdir()
    monkeypatch.chdir(folder)

    async def work(job, steps):
        raise ValueError(job.payload["text"])

    await inbox.put(Job("a", "k", {"text": "PASSWORD"}), lane="l")
    worker = await start(work)
    await settled(inbox, failed=1)
    await worker.stop()
    said = capfd.readouterr()
    assert "PASSWORD" not in said.out + said.err + caplog.text
    assert "dbos" not in (said.out + said.err).lower().replace("_dbos.py", "")
    assert list(folder.iterdir()) == []
    assert [type(h).__name__ for h in logging.getLogger("dbos").handlers] == ["QuietLog"]


async def test_what_was_typed_is_dropped_once_a_job_is_done(inbox, start, outside, store_url):
    typed = {"text": "what somebody typed"}
    await inbox.put(Job("done", "k", typed), lane="a")
    await start()
    await until(lambda: outside.ended == ["done"])
    await until(lambda: not _stored(store_url, "what somebody typed"))
    if store_url.startswith("sqlite"):
        file = Path(store_url.removeprefix("sqlite:///"))
        await until(lambda: b"what somebody typed" not in _bytes(file))
    assert not await inbox.put(Job("done", "k", typed), lane="a"), "its id is still known"


def _bytes(file: Path) -> bytes:
    """The database as it lies on the disk, with its log."""
    return b"".join(part.read_bytes() for part in file.parent.glob(f"{file.name}*"))


def _stored(url: str, words: str) -> bool:
    """Whether the queue holds words."""
    with create_engine(url.replace("postgresql:", "postgresql+psycopg:")).connect() as db:
        schema = "" if url.startswith("sqlite") else "dbos."
        rows = db.execute(text(f"select inputs from {schema}workflow_input")).scalars()
        return any(words in (row or "") for row in rows)
