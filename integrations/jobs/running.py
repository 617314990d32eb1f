"""One job from its first attempt to done or given up."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from copilot.errors import StoreUnavailableError
from integrations.jobs.ledger import Ledger
from integrations.jobs.port import (
    JSON,
    Job,
    JobFailedError,
    OnFailed,
    Pace,
    Report,
    Work,
)

T = TypeVar("T")


class Remembered:
    """The steps of one job: those of earlier attempts and lives are known from the start."""

    def __init__(self, ledger: Ledger, job: str, results: dict[str, JSON]) -> None:
        self._ledger = ledger
        self._job = job
        self._results = results

    async def once(self, key: str, work: Callable[[], Awaitable[JSON]]) -> JSON:
        if key not in self._results:
            self._results[key] = await self._ledger.keep(self._job, key, await work())
        return self._results[key]


class Runner:
    """Runs jobs by kind: each is tried again with growing waits, then given up and reported."""

    def __init__(
        self,
        ledger: Ledger,
        work: Mapping[str, Work],
        *,
        on_failed: OnFailed,
        pace: Pace,
        report: Report,
    ) -> None:
        self._ledger = ledger
        self._work = work
        self._on_failed = on_failed
        self._pace = pace
        self._report = report

    async def run(self, job: Job) -> None:
        """Do the job. Raises `JobFailedError` once it is given up and people were told."""
        past = await self._patiently(lambda: self._ledger.begin(job.id))
        if past.deaths > self._pace.deaths:
            error: Exception = JobFailedError(f"The process died {past.deaths} times in this job.")
        else:
            steps = Remembered(self._ledger, job.id, past.results)
            failed = await self._attempts(job, steps, past.failures)
            if failed is None:
                return
            error = failed
        await self._give_up(job, error)
        # The type alone: the text may quote the job, and the library stores and logs it.
        raise JobFailedError(f"Given up after {type(error).__name__}.") from None

    async def _attempts(self, job: Job, steps: Remembered, failures: int) -> Exception | None:
        """What was raised last, or None when the job is done."""
        error: Exception | None = None
        while failures < self._pace.attempts:
            error = await self._attempt(job, steps)
            if error is None:
                return None
            self._report(f"jobs.{job.kind}", error)
            failures = await self._patiently(lambda: self._ledger.failed(job.id))
            if failures < self._pace.attempts:
                await asyncio.sleep(self._pace.wait_after(failures))
        return error or JobFailedError("The process died while the job was being given up.")

    async def _attempt(self, job: Job, steps: Remembered) -> Exception | None:
        try:
            await self._work[job.kind](job, steps)
        except Exception as error:  # noqa: BLE001  # the edge of a job: whatever it raises is counted and reported
            return error
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            # Something inside the work was cancelled, not the job: nobody would begin it again.
            return JobFailedError("A part of the work was cancelled.")
        return None

    async def _give_up(self, job: Job, error: Exception) -> None:
        for failures in range(1, self._pace.attempts + 1):
            try:
                return await self._on_failed(job, error)
            except Exception as unsaid:  # noqa: BLE001  # telling people is tried again as the work was
                self._report("jobs.on_failed", unsaid)
            if failures < self._pace.attempts:
                await asyncio.sleep(self._pace.wait_after(failures))
        return None

    async def _patiently(self, write: Callable[[], Awaitable[T]]) -> T:
        """Our own book-keeping waits for its database: without it no attempt may be made."""
        while True:
            try:
                return await write()
            except StoreUnavailableError as error:
                self._report("jobs.ledger", error)
                await asyncio.sleep(self._pace.retry_seconds)
