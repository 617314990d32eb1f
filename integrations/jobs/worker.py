"""The working side: takes jobs from the database and runs them on its owner's event loop.

The library runs each job in a thread of its own, which waits for our coroutine. Its asynchronous
mode would put its thread pool in the place of the loop's and adopt the loop until it is destroyed.
"""

import asyncio
import concurrent.futures
import contextlib
import time
import uuid
from collections.abc import Mapping
from datetime import timedelta

import structlog

from copilot.errors import StoreUnavailableError
from integrations.clock import Clock, wall_clock
from integrations.jobs import library
from integrations.jobs.ledger import FINISHED, Ledger
from integrations.jobs.port import JSON, Job, OnFailed, Pace, Report, Work
from integrations.jobs.running import Runner

_BATCH = 500
_BEATS_PER_REAP = 4
_GRACE = 5
"""Seconds the library gets to see that its jobs have ended."""


class InterruptedJob(BaseException):
    """The process stops in the middle of a job, which stays begun and is resumed.

    No `Exception`: the library would store that as the job's end.
    """


def log_failure(where: str, error: BaseException) -> None:
    """Log a failure without its text."""
    structlog.get_logger("jobs").error("jobs.failure", where=where, kind=type(error).__name__)


class DbosWorker:
    """Runs jobs. The library allows one in a process.

    `executor_id` must be stable and the process's own: by it a restarted worker finds what it had
    begun, and two that share one would each resume what the other is doing.
    """

    def __init__(
        self,
        url: str,
        work: Mapping[str, Work],
        *,
        executor_id: str,
        on_failed: OnFailed,
        pace: Pace | None = None,
        report: Report = log_failure,
        clock: Clock = wall_clock,
    ) -> None:
        self._url = url
        self._work = work
        self._id = executor_id
        self._life = uuid.uuid4().hex
        self._on_failed = on_failed
        self._pace = pace or Pace()
        self._report = report
        self._clock = clock
        self._running: dict[str, concurrent.futures.Future[None]] = {}
        self._strays: set[str] = set()
        self._stopping = False

    async def start(self) -> None:
        """Resume what an earlier life of this id left, then take jobs.

        Raises `JobsUnavailableError`.
        """
        self._loop = asyncio.get_running_loop()
        self._ledger = await Ledger.open(self._url, busy_seconds=5.0)
        self._runner = Runner(
            self._ledger,
            self._work,
            on_failed=self._on_failed,
            pace=self._pace,
            report=self._report,
        )
        await self._ledger.arrive(self._id, self._life, self._now())
        # In a thread without a loop, for the library adopts the one it finds.
        await asyncio.to_thread(self._launch)
        self._keeping = asyncio.create_task(self._keep())

    async def drain(self, seconds: float) -> None:
        """Take no further jobs, let those begun end for at most so long, then stop."""
        await self._end(seconds)

    async def stop(self) -> None:
        """Stop at once. Jobs in progress are resumed by the next life of this id, or by others."""
        await self._end(0.0)

    def _launch(self) -> None:
        from dbos import DBOS

        library.hush()
        DBOS(config=library.configuration(self._url, self._id))

        @DBOS.workflow(name=library.WORK, max_recovery_attempts=None)
        def perform(kind: str, payload: dict[str, JSON]) -> None:
            self._perform(Job(str(DBOS.workflow_id), kind, payload))

        DBOS.launch()
        DBOS.register_queue(
            library.QUEUE,
            worker_concurrency=self._pace.concurrency,
            # A lane is a partition: one job at a time, over all workers.
            partition_concurrency=1,
            polling_interval_sec=self._pace.poll_seconds,
            on_conflict="always_update",
        )

    def _perform(self, job: Job) -> None:
        """Wait in the library's thread for the job to run on the owner's loop."""
        if self._stopping:
            raise InterruptedJob
        running = asyncio.run_coroutine_threadsafe(self._runner.run(job), self._loop)
        self._running[job.id] = running
        try:
            if self._stopping:
                running.cancel()
            running.result()
        except concurrent.futures.CancelledError:
            raise InterruptedJob from None
        finally:
            self._running.pop(job.id, None)

    async def _end(self, seconds: float) -> None:
        from dbos import DBOS

        self._keeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._keeping
        self._stopping = True
        beating = asyncio.create_task(self._beat_on())
        ending = asyncio.create_task(
            asyncio.to_thread(
                DBOS.destroy,
                destroy_registry=True,
                workflow_completion_timeout_sec=int(seconds) + _GRACE if self._running else 0,
            )
        )
        begun = list(self._running.values())
        await asyncio.to_thread(concurrent.futures.wait, begun, timeout=seconds)
        for running in list(self._running.values()):
            running.cancel()
        await ending
        beating.cancel()
        await self._leave()

    async def _leave(self) -> None:
        # As one long silent: what is left begun is the next one's without any wait.
        with contextlib.suppress(StoreUnavailableError):
            await self._ledger.blank()
            await self._ledger.beat(self._id, self._life, 0.0)
        await self._ledger.close()

    async def _keep(self) -> None:
        """Beat, take over from the dead, drop what was typed and tidy up, until cancelled."""
        tidied = 0.0
        while True:
            try:
                await self._beat()
                await self._reap()
                await self._ledger.blank()
                if not tidied or time.monotonic() - tidied >= self._pace.tidy_seconds:
                    tidied = time.monotonic()
                    await self._tidy()
            except Exception as error:  # noqa: BLE001  # a beat that fails must not be the last one
                self._report("jobs.keeping", error)
            await asyncio.sleep(self._pace.reap_seconds / _BEATS_PER_REAP)

    async def _beat_on(self) -> None:
        while True:
            with contextlib.suppress(StoreUnavailableError):
                await self._beat()
            await asyncio.sleep(self._pace.reap_seconds / _BEATS_PER_REAP)

    async def _beat(self) -> None:
        if not await self._ledger.beat(self._id, self._life, self._now()):
            structlog.get_logger("jobs").error("jobs.id_used_twice")

    async def _reap(self) -> None:
        """Resume what dead workers had begun, and what this one lost on the way to its thread."""
        now = self._now()
        since = now - self._pace.reap_seconds
        dead = await self._ledger.inherit(self._id, self._life, since=since, at=now)
        if dead:
            await asyncio.to_thread(_resume, await asyncio.to_thread(_begun_by, dead))
            await self._ledger.bury(dead, self._life)
        lost = set(await asyncio.to_thread(_begun_by, [self._id])) - set(self._running)
        # Twice in a row: a job just taken, or just done, is not lost.
        await asyncio.to_thread(_resume, sorted(lost & self._strays))
        self._strays = lost

    async def _tidy(self) -> None:
        before = self._clock() - timedelta(days=self._pace.keep_days)
        while old := await asyncio.to_thread(_finished_before, before.isoformat()):
            await self._ledger.forget(old)
            await asyncio.to_thread(_delete, old)

    def _now(self) -> float:
        return self._clock().timestamp()


def _begun_by(workers: list[str]) -> list[str]:
    from dbos import DBOS

    begun = DBOS.list_workflows(
        status="PENDING", executor_id=workers, load_input=False, load_output=False
    )
    return [job.workflow_id for job in begun]


def _resume(jobs: list[str]) -> None:
    from dbos import DBOS

    if jobs:
        DBOS.resume_workflows(jobs, queue_name=library.QUEUE)


def _finished_before(time_stamp: str) -> list[str]:
    from dbos import DBOS

    old = DBOS.list_workflows(
        status=list(FINISHED),
        completed_before=time_stamp,
        limit=_BATCH,
        load_input=False,
        load_output=False,
    )
    return [job.workflow_id for job in old]


def _delete(jobs: list[str]) -> None:
    from dbos import DBOS

    DBOS.delete_workflows(jobs)
