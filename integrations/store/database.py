"""One database behind async code: every transaction runs whole in a worker thread.

A thread hop per transaction costs a quarter of the processor time of an async driver's hop per
statement, and a cancelled task can't tear a transaction apart.
"""

import asyncio
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from copilot.errors import StoreUnavailableError
from integrations.store.failures import unavailable
from integrations.store.migrate import migrate

T = TypeVar("T")
Work = Callable[[Connection], T]
Insert = postgresql.Insert | sqlite.Insert

_DRIVERS = {"sqlite": "sqlite+pysqlite", "postgresql": "postgresql+psycopg"}
_ATTEMPTS = 5
_SERVER_THREADS = 4


class RacedError(Exception):
    """Another process wrote the same row first: the transaction starts again."""


class Database:
    """Transactions on SQLite (one kept connection) or PostgreSQL (a small pool)."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._embedded = engine.dialect.name == "sqlite"
        self._kept: Connection | None = None
        self._workers = ThreadPoolExecutor(
            1 if self._embedded else _SERVER_THREADS, thread_name_prefix="store"
        )
        self.where = _where(engine.url)

    @classmethod
    async def open(cls, url: str, *, busy_seconds: float = 5.0) -> "Database":
        """Connect and bring the schema up to date.

        Raises `StoreUnavailableError` when the database can't be used. `busy_seconds` is how long
        SQLite waits for another process's write.
        """
        database = cls(engine_of(url, busy_seconds))
        try:
            await database._in_worker(database._migrate)
        except StoreUnavailableError:
            await database.close()
            raise
        return database

    async def write(self, work: Work[T]) -> T:
        """Run `work` in one transaction that may write; what it raises rolls everything back."""
        return await self._in_worker(lambda: self._attempt(work, "BEGIN IMMEDIATE"))

    async def read(self, work: Work[T]) -> T:
        """Run `work` in one transaction that only reads."""
        return await self._in_worker(lambda: self._attempt(work, "BEGIN"))

    def insert(self, table: Table) -> Insert:
        """An INSERT of this dialect, which can carry an ON CONFLICT and tells its row count."""
        insert = sqlite.insert(table) if self._embedded else postgresql.insert(table)
        # Whether a row was written is the answer; without the option some drivers forget it.
        return insert.inline().execution_options(preserve_rowcount=True)

    async def close(self) -> None:
        """Let running transactions end, then let go of the database."""
        await asyncio.to_thread(self._workers.shutdown)
        self._drop()
        self._engine.dispose()

    async def _in_worker(self, job: Callable[[], T]) -> T:
        try:
            running = asyncio.get_running_loop().run_in_executor(self._workers, job)
        except RuntimeError as error:
            raise StoreUnavailableError(
                f"The record store {self.where} is closed. Open it again before using it."
            ) from error
        return await running

    def _migrate(self) -> None:
        self._guarded(lambda: migrate(self._transact))

    def _attempt(self, work: Work[T], begin: str) -> T:
        return self._guarded(lambda: self._repeat(work, begin))

    def _repeat(self, work: Work[T], begin: str) -> T:
        for _ in range(_ATTEMPTS):
            try:
                return self._transact(work, begin)
            except RacedError:
                continue
        raise StoreUnavailableError(
            f"The record store {self.where} is changed by others too fast. Try again in a moment."
        )

    def _guarded(self, job: Callable[[], T]) -> T:
        try:
            return job()
        except (SQLAlchemyError, sqlite3.Error, OSError) as error:
            self._drop()
            raise unavailable(error, self.where) from error

    def _transact(self, work: Work[T], begin: str) -> T:
        if not self._embedded:
            with self._engine.begin() as connection:
                return work(connection)
        if self._kept is None:
            self._kept = self._engine.connect()
        self._kept.info["begin"] = begin
        with self._kept.begin():
            return work(self._kept)

    def _drop(self) -> None:
        """Forget the kept connection: after a failure the next transaction starts on a new one."""
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.invalidate()
            kept.close()


def engine_of(address: str, busy_seconds: float) -> Engine:
    """An engine for SQLite or PostgreSQL, set up for `Database`; connects to nothing yet."""
    url = _url(address)
    if url.get_backend_name() != "sqlite":
        return _server_engine(url)
    _make_private(url.database)
    engine = create_engine(url, hide_parameters=True, connect_args={"check_same_thread": False})
    milliseconds = round(busy_seconds * 1000)

    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        # Transactions are begun by `begin` below, never by the driver.
        connection.isolation_level = None
        for pragma in (
            f"busy_timeout={milliseconds}",
            "journal_mode=WAL",
            "synchronous=NORMAL",
            "foreign_keys=ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _server_engine(url: URL) -> Engine:
    try:
        return create_engine(
            url, hide_parameters=True, pool_size=_SERVER_THREADS, max_overflow=0, pool_pre_ping=True
        )
    except ModuleNotFoundError as error:
        raise StoreUnavailableError(
            "The driver for PostgreSQL is not installed. Install this program with its extra 'postgres'."
        ) from error


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.info.get("begin", "BEGIN"))


def _url(address: str) -> URL:
    try:
        url = make_url(address)
    except ArgumentError as error:
        raise StoreUnavailableError(
            "The address of the record store is not a database URL. Use 'sqlite:////path/to/file.db' "
            "or 'postgresql://user:password@host/database'."
        ) from error
    driver = _DRIVERS.get(url.get_backend_name())
    if driver is None:
        raise StoreUnavailableError(
            f"The record store can't use '{url.get_backend_name()}'. Use sqlite or postgresql."
        )
    return url.set(drivername=driver)


def _where(url: URL) -> str:
    if url.get_backend_name() == "sqlite":
        return f"'{url.database or ':memory:'}'"
    return f"'{url.set(drivername=url.get_backend_name()).render_as_string(hide_password=True)}'"


def _make_private(path: str | None) -> None:
    """The record is for the process's user alone; SQLite gives its side files the same rights."""
    if path and path != ":memory:" and Path(path).parent.is_dir() and not Path(path).exists():
        try:
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        except OSError as error:
            raise unavailable(error, f"'{path}'") from error
