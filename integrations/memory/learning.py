"""Takes confirmed resolutions into the memory that search asks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Protocol

import structlog

from copilot.errors import StoreUnavailableError
from integrations.memory.resolutions import Resolutions
from knowledge.index import BuildError
from knowledge.remembering import (
    Changes,
    DamagedMemoryError,
    Limits,
    ProblemEmbedder,
    cursor_of,
    take_in,
)
from knowledge.versions import IndexUnavailableError

_FAILURES = (BuildError, DamagedMemoryError, IndexUnavailableError, OSError, StoreUnavailableError)


class ConfirmedResolutions(Protocol):
    """Where confirmed resolutions come from: our own table, or a company's ticket system."""

    async def since(self, cursor: int) -> Changes: ...


class TicketMemory:
    """What search remembers of resolved tickets; `resolutions` is where agents' words go."""

    def __init__(
        self,
        resolutions: Resolutions,
        index_dir: Path,
        embedder: ProblemEmbedder,
        limits: Limits,
        *,
        source: ConfirmedResolutions | None = None,
    ) -> None:
        self.resolutions = resolutions
        self._source = source or resolutions
        self._index_dir = index_dir
        self._embedder = embedder
        self._limits = limits
        self._turn = asyncio.Lock()

    async def sync(self) -> bool:
        """Take in what was confirmed since the last time. A failure is logged, and search goes on as it was."""
        try:
            await self.take_in()
        except _FAILURES as error:
            structlog.get_logger("copilot").error("memory.failure", kind=type(error).__name__)
            return False
        return True

    async def take_in(self) -> str | None:
        """The same, but a failure is raised; gives the memory in its newest version."""
        async with self._turn:
            try:
                return await self._taken_in()
            except DamagedMemoryError:
                return await self._taken_in()

    async def forget(self, person: str, *, at: datetime) -> int:
        """Erase a person's problem texts and their vectors; how many tickets they were of."""
        count = await self.resolutions.forget(person, at=at)
        await self.take_in()
        return count

    @asynccontextmanager
    async def followed(self, seconds: float) -> AsyncIterator[None]:
        """Take in what agents confirm for as long as the block runs, every so many seconds."""
        task = asyncio.create_task(self._follow(seconds))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _follow(self, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            await self.sync()

    async def _taken_in(self) -> str | None:
        cursor = cursor_of(self._index_dir, self._embedder.fingerprint, self._limits)
        changes = await self._source.since(cursor)
        return await asyncio.to_thread(
            take_in, self._index_dir, changes, self._embedder, self._limits
        )
