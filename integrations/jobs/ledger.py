"""Our own tables beside the library's: what each job has done, and which workers live."""

import asyncio
import contextlib
import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import (
    Column,
    Connection,
    Double,
    Engine,
    Integer,
    MetaData,
    Table,
    Text,
    column,
    delete,
    event,
    func,
    select,
    table,
    text,
    update,
)

from copilot.errors import StoreUnavailableError
from integrations.jobs import library
from integrations.jobs.port import JSON, Census, JobState, JobsUnavailableError
from integrations.store.database import Database, engine_of
from integrations.store.failures import unavailable

_META = MetaData()
STEPS = Table(
    "job_steps",
    _META,
    Column("job", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("result", Text, nullable=False),
)
TRIES = Table(
    "job_tries",
    _META,
    Column("job", Text, primary_key=True),
    Column("begun", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
)
WORKERS = Table(
    "job_workers",
    _META,
    Column("id", Text, primary_key=True),
    Column("life", Text, nullable=False),
    Column("beat", Double, nullable=False),
)
ORDER = Table(
    "job_order",
    _META,
    Column("name", Text, primary_key=True),
    Column("last", Integer, nullable=False),
)
_STATES = {
    "DELAYED": JobState.LATER,
    "ENQUEUED": JobState.WAITING,
    "PENDING": JobState.RUNNING,
    "SUCCESS": JobState.DONE,
}
FINISHED = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")
"""The library's states of a job that nobody works on any more."""
BLANK = '{"namedArgs":{},"positionalArgs":["",{}]}'
_LOCK = 7_265_231_005
"""Any number that nobody else locks by in the same PostgreSQL database."""


class Past(NamedTuple):
    """What earlier lives did of a job."""

    deaths: int
    failures: int
    results: dict[str, JSON]


class Ledger:
    """The jobs' database, spoken to in short transactions of our own."""

    def __init__(self, database: Database, *, file: str | None) -> None:
        """`file` is where an SQLite database lies, `None` that of a server."""
        self.database = database
        self._file = file
        self._jobs = table(
            "workflow_status",
            column("workflow_uuid"),
            column("status"),
            column("created_at"),
            column("delay_until_epoch_ms"),
            schema="dbos" if file is None else None,
        )
        self._inputs = table(
            "workflow_input",
            column("workflow_uuid"),
            column("inputs"),
            schema="dbos" if file is None else None,
        )

    @classmethod
    async def open(cls, url: str, *, busy_seconds: float) -> "Ledger":
        """Connect and create what is missing. Raises `JobsUnavailableError`."""
        try:
            engine = engine_of(url, busy_seconds)
            ledger = cls(Database(engine), file=_made_durable(engine))
        except StoreUnavailableError as error:
            raise unreachable(error) from error
        try:
            await ledger.database.write(_create)
            await asyncio.to_thread(library.prepare, url)
        except StoreUnavailableError as error:
            await ledger.close()
            raise unreachable(error) from error
        except Exception as error:  # the library wraps what its driver says in kinds of its own
            await ledger.close()
            raise unreachable(unavailable(error, ledger.database.where)) from error
        return ledger

    async def close(self) -> None:
        await self.database.close()

    def take_number(self, connection: Connection) -> int:
        """The place of a job among all that were ever put, in the transaction that puts it."""
        first = self.database.insert(ORDER).values(name="put", last=1)
        next_one = first.on_conflict_do_update(
            index_elements=["name"], set_={"last": ORDER.c.last + 1}
        ).returning(ORDER.c.last)
        number: int = connection.execute(next_one).scalar_one()
        return number

    async def begin(self, job: str) -> Past:
        """Note that a process begins the job, and tell what was done before."""
        insert = self.database.insert(TRIES).values(job=job, begun=1, failures=0)
        begun = insert.on_conflict_do_update(
            index_elements=["job"], set_={"begun": TRIES.c.begun + 1}
        ).returning(TRIES.c.begun, TRIES.c.failures)

        def work(connection: Connection) -> Past:
            times, failures = connection.execute(begun).one()
            rows = connection.execute(select(STEPS.c.key, STEPS.c.result).where(STEPS.c.job == job))
            return Past(times - 1, failures, {key: json.loads(result) for key, result in rows})

        return await self.database.write(work)

    async def keep(self, job: str, key: str, result: JSON) -> JSON:
        """Store a step's result. The first one stays, where two processes were at the same job."""
        insert = self.database.insert(STEPS).values(job=job, key=key, result=json.dumps(result))
        first = insert.on_conflict_do_nothing()
        stored = select(STEPS.c.result).where(STEPS.c.job == job, STEPS.c.key == key)

        def work(connection: Connection) -> JSON:
            connection.execute(first)
            kept: JSON = json.loads(connection.execute(stored).scalar_one())
            return kept

        return await self.database.write(work)

    async def failed(self, job: str) -> int:
        """Note that the job's work raised; how often it has."""
        more = (
            update(TRIES)
            .where(TRIES.c.job == job)
            .values(failures=TRIES.c.failures + 1)
            .returning(TRIES.c.failures)
        )
        return await self.database.write(lambda connection: connection.execute(more).scalar_one())

    async def forget(self, jobs: Sequence[str]) -> None:
        """Delete what these jobs did."""

        def work(connection: Connection) -> None:
            for kept in (STEPS, TRIES):
                connection.execute(delete(kept).where(kept.c.job.in_(jobs)))

        await self.database.write(work)

    async def blank(self) -> int:
        """Drop the payloads of finished jobs, which may hold what people typed; says how many.

        The library keeps them as long as it remembers the job.
        """
        jobs, inputs = self._jobs, self._inputs
        finished = select(jobs.c.workflow_uuid).where(jobs.c.status.in_(FINISHED))
        blanked = (
            update(inputs)
            .where(inputs.c.inputs != BLANK, inputs.c.workflow_uuid.in_(finished))
            .values(inputs=BLANK)
        )
        count = await self.database.write(lambda connection: connection.execute(blanked).rowcount)
        if count and self._file is not None:
            await asyncio.to_thread(_empty_log, self._file)
        return count

    async def beat(self, worker: str, life: str, at: float) -> bool:
        """Say that this worker lives; False where another life goes by its id by now."""
        mine = (
            self.database.insert(WORKERS)
            .values(id=worker, life=life, beat=at)
            .on_conflict_do_update(
                index_elements=["id"], set_={"beat": at}, where=WORKERS.c.life == life
            )
        )
        return await self.database.write(lambda connection: connection.execute(mine).rowcount == 1)

    async def arrive(self, worker: str, life: str, at: float) -> None:
        """Take an id over from whoever used it before."""
        mine = (
            self.database.insert(WORKERS)
            .values(id=worker, life=life, beat=at)
            .on_conflict_do_update(index_elements=["id"], set_={"beat": at, "life": life})
        )
        await self.database.write(lambda connection: connection.execute(mine))

    async def inherit(self, worker: str, life: str, *, since: float, at: float) -> list[str]:
        """The workers silent since then, each given to one asker only.

        They are silent anew from `at` on, so that the next asker gets them if this one dies too.
        """
        dead = (
            update(WORKERS)
            .where(WORKERS.c.beat < since, WORKERS.c.id != worker)
            .values(beat=at, life=life)
            .returning(WORKERS.c.id)
        )
        return await self.database.write(
            lambda connection: list(connection.execute(dead).scalars())
        )

    async def bury(self, workers: Iterable[str], life: str) -> None:
        """Forget workers that this life inherited from, or itself."""
        gone = delete(WORKERS).where(WORKERS.c.id.in_(list(workers)), WORKERS.c.life == life)
        await self.database.write(lambda connection: connection.execute(gone))

    async def unfinished(self, jobs: Sequence[str]) -> frozenset[str]:
        """Which of these jobs are neither done nor given up."""
        known = self._jobs
        query = select(known.c.workflow_uuid).where(
            known.c.workflow_uuid.in_(jobs), known.c.status.in_(("ENQUEUED", "PENDING", "DELAYED"))
        )
        rows = await self.database.read(
            lambda connection: connection.execute(query).scalars().all()
        )
        return frozenset(rows)

    async def census(self, now: float) -> Census:
        """How many jobs stand where, and how long the oldest has been due."""
        jobs = self._jobs
        # A job for later is due from its time on, not from when it was put.
        due = func.min(func.coalesce(jobs.c.delay_until_epoch_ms, jobs.c.created_at))
        query = select(jobs.c.status, func.count(), due).group_by(jobs.c.status)
        rows = await self.database.read(lambda connection: connection.execute(query).all())
        counts = dict.fromkeys(JobState, 0)
        oldest = 0.0
        for status, count, since in rows:
            counts[_STATES.get(status, JobState.FAILED)] += count
            if status == "ENQUEUED":
                oldest = max(0.0, now - since / 1000)
        return Census(counts, oldest)


def unreachable(error: StoreUnavailableError) -> JobsUnavailableError:
    """What the sender of a job is told: the operator's sentence, and that nothing was stored."""
    return JobsUnavailableError(f"The job queue is not available. {error}")


def _made_durable(engine: Engine) -> str | None:
    """The file of an SQLite database, which then waits for the disk at each commit.

    Who puts a job is told that it is safe and forgets it, so it must outlive a power cut.
    """
    if engine.dialect.name != "sqlite":
        return None

    def wait_for_the_disk(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA synchronous=FULL")
        # What is dropped is overwritten, too.
        connection.execute("PRAGMA secure_delete=ON")

    event.listen(engine, "connect", wait_for_the_disk)
    return engine.url.database


def _empty_log(file: str) -> None:
    """What was overwritten still stands in the write-ahead log, until that is begun anew."""
    with contextlib.closing(sqlite3.connect(file, timeout=1.0)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _create(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    _META.create_all(connection)
