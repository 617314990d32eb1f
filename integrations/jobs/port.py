"""Durable jobs: what a door needs to hand work over, and what the work of one job gets.

A job that was put is done once per id, whatever dies in between; its effects are done at least
once. Work therefore keeps what it did under a key (`Steps.once`), and gives every effect outside
the database a key of its own.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeAlias

from copilot.errors import OutageError

JSON: TypeAlias = "str | int | float | bool | list[JSON] | dict[str, JSON] | None"


class JobsUnavailableError(OutageError):
    """A job can't be stored: its sender must hear of it, for nobody will do it."""


class JobFailedError(Exception):
    """A job is given up: its attempts are used up, or its process died too often."""


@dataclass(frozen=True, slots=True)
class Job:
    """Work that somebody was promised."""

    id: str
    """The idempotency key: of all jobs put under one id only the first is kept."""
    kind: str
    """Which `Work` does it."""
    payload: Mapping[str, JSON]


class JobState(StrEnum):
    """Where a job stands."""

    LATER = "later"
    """Its time has not come."""
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Census:
    """How many jobs stand where; what is done or failed counts until it is deleted."""

    counts: Mapping[JobState, int]
    oldest_waiting_seconds: float
    """How long the oldest job has been due without having been begun; 0 where none waits."""


class Inbox(Protocol):
    """Where doors put jobs."""

    async def put(self, job: Job, *, lane: str) -> bool:
        """Store the job; True where it is new, False where its id is known.

        It is on disk when this returns. Jobs of one lane run one after another in the order in
        which they were put. Raises `JobsUnavailableError`.
        """
        ...

    async def put_at(self, job: Job, at: datetime, *, lane: str) -> bool:
        """Store the job as `put` does, to be begun not before `at`."""
        ...


class Steps(Protocol):
    """What one job has done so far; it survives the process."""

    async def once(self, key: str, work: Callable[[], Awaitable[JSON]]) -> JSON:
        """The result of `work`, which is called only where none is stored under this key.

        After a crash in the middle of `work`, or before its result was stored, it is called again.
        """
        ...


Work = Callable[[Job, Steps], Awaitable[None]]
"""Does one job. What it raises is tried again, then reported to `OnFailed`."""

OnFailed = Callable[[Job, Exception], Awaitable[None]]
"""Tells people that a job is given up; may be called again after a crash."""

Report = Callable[[str, BaseException], None]
"""Counts and logs a failure: where, and what was raised. Must not use the exception's text."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The figures a worker goes by."""

    concurrency: int = 8
    """How many jobs run at once; the worker started last sets it for all on one database."""
    poll_seconds: float = 0.2
    """How often new jobs are looked for; a lane begins at most one job each time."""
    attempts: int = 3
    """How often work may raise before its job is given up."""
    retry_seconds: float = 2.0
    """How long to wait after the first failure."""
    backoff: float = 4.0
    """By how much each further wait is longer."""
    deaths: int = 20
    """How often the process may end in the middle of one job before that job is given up."""
    reap_seconds: float = 60.0
    """How long a worker may be silent before others take its jobs over."""
    keep_days: float = 30.0
    """How long a finished job, and with it the memory of its id, is kept."""
    tidy_seconds: float = 3600.0
    """How often old jobs are deleted."""

    def wait_after(self, failures: int) -> float:
        """Seconds to wait after this many failures."""
        return self.retry_seconds * self.backoff ** (failures - 1)
