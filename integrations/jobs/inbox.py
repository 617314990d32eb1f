"""The door's side: puts jobs into the database and runs none."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from copilot.errors import StoreUnavailableError
from integrations.clock import Clock, wall_clock
from integrations.jobs import library
from integrations.jobs.ledger import Ledger, unreachable
from integrations.jobs.port import Census, Job

if TYPE_CHECKING:
    from dbos import DBOSClient, EnqueueOptions

_TICK = 0.001
"""What the library drops of a time is below this."""


class DbosInbox:
    """An `Inbox` that never launches the library: no threads, no polling, no queue in memory.

    Jobs go through a connection of ours. The library's own would wait without end for a database
    that is locked or away, and the door has seconds to answer.
    """

    def __init__(self, ledger: Ledger, client: "DBOSClient", clock: Clock) -> None:
        self._ledger = ledger
        self._client = client
        self._clock = clock

    @classmethod
    async def open(
        cls, url: str, *, busy_seconds: float = 2.0, clock: Clock = wall_clock
    ) -> "DbosInbox":
        """Connect, and create what is missing. Raises `JobsUnavailableError`."""
        ledger = await Ledger.open(url, busy_seconds=busy_seconds)
        return cls(ledger, _client(url), clock)

    async def put(self, job: Job, *, lane: str) -> bool:
        return await self._store(job, _options(job, lane))

    async def put_at(self, job: Job, at: datetime, *, lane: str) -> bool:
        options = _options(job, lane)
        options["delay_seconds"] = max(0.0, (at - self._clock()).total_seconds()) + _TICK
        return await self._store(job, options)

    async def census(self) -> Census:
        """How the queue stands. Raises `JobsUnavailableError`."""
        try:
            return await self._ledger.census(self._clock().timestamp())
        except StoreUnavailableError as error:
            raise unreachable(error) from error

    async def unfinished(self, jobs: Sequence[str]) -> frozenset[str]:
        """Which of these jobs are neither done nor given up. Raises `JobsUnavailableError`."""
        try:
            return await self._ledger.unfinished(jobs)
        except StoreUnavailableError as error:
            raise unreachable(error) from error

    async def close(self) -> None:
        await asyncio.to_thread(self._client.destroy)
        await self._ledger.close()

    async def _store(self, job: Job, options: "EnqueueOptions") -> bool:
        try:
            return await self._ledger.database.write(self._enqueueing(job, options))
        except StoreUnavailableError as error:
            raise unreachable(error) from error

    def _enqueueing(self, job: Job, options: "EnqueueOptions") -> Callable[[Connection], bool]:
        from dbos import error as refusals

        def work(connection: Connection) -> bool:
            # The library's own order is by the second on some versions of Python.
            options["priority"] = self._ledger.take_number(connection)
            try:
                self._client.enqueue_in_transaction(
                    connection, options, job.kind, dict(job.payload)
                )
            except refusals.DBOSWorkflowIDInUseError:
                return False
            return True

        return work


def _client(url: str) -> "DBOSClient":
    from dbos import DBOSClient, DBOSPortableJSONSerializer

    return DBOSClient(
        system_database_url=library.address(url),
        serializer=DBOSPortableJSONSerializer(),
        application_name=library.APPLICATION,
        lazy=True,
    )


def _options(job: Job, lane: str) -> "EnqueueOptions":
    return {
        "workflow_name": library.WORK,
        "queue_name": library.QUEUE,
        "workflow_id": job.id,
        "workflow_id_reuse_policy": "reject",
        "app_version": library.VERSION,
        "queue_partition_key": lane,
    }
