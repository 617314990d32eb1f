"""Nobody waits in silence: who got no answer in time is told so, whatever the worker does."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

import structlog

from integrations.jobs.port import Job

Tell = Callable[[Mapping[str, object]], Awaitable[bool]]
"""Says in Slack, at the place of a job's payload, that it takes longer; whether it could be said."""


class Pending(Protocol):
    async def unfinished(self, jobs: Sequence[str]) -> frozenset[str]: ...


class Watch:
    """Looks after messages whose answer is late. It runs beside the worker, which may be dead."""

    def __init__(self, inbox: Pending, tell: Tell, *, late_seconds: float) -> None:
        self._inbox = inbox
        self._tell = tell
        self._late = late_seconds
        self._every = min(1.0, late_seconds / 10)
        self._expected: dict[str, tuple[float, Job]] = {}

    def expect(self, job: Job) -> None:
        """An answer to this is waited for from now on."""
        self._expected[job.id] = (time.monotonic(), job)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(self._every)
            try:
                await self._look()
            except Exception as error:  # noqa: BLE001  # the edge: a watch that ends watches nobody
                structlog.get_logger("slack").error("slack.watch_failed", kind=type(error).__name__)

    async def _look(self) -> None:
        due = time.monotonic() - self._late
        late = [job for since, job in self._expected.values() if since <= due]
        if not late:
            return
        waiting = await self._inbox.unfinished([job.id for job in late])
        for job in late:
            if job.id not in waiting:
                self._expected.pop(job.id, None)
            elif await self._tell(job.payload):
                structlog.get_logger("slack").warning("slack.late", kind=job.kind)
                self._expected.pop(job.id, None)
