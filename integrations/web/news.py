"""What happens at the desk, told to the pages that are open: one look for all of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from copilot.errors import OutageError
from integrations.api.runtime import Cases, Metrics
from integrations.tickets.view import DeskChange

_LOOK_SECONDS = 1.0
_BEAT_SECONDS = 15.0
_WAITING = 500
"""Changes that wait for a page that does not read; then it is told to look at everything anew."""

Told = DeskChange | None
"""A change, or `None`: nothing happened, and the connection is still there."""


class News:
    """Listeners and the one task that looks."""

    def __init__(self, desk: Cases, counters: Metrics) -> None:
        self._desk = desk
        self._counters = counters
        self._listeners: set[asyncio.Queue[DeskChange]] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look at the desk while the block runs."""
        looking = asyncio.create_task(self._look())
        try:
            yield
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    async def listen(self) -> AsyncIterator[Told]:
        """Changes from now on, with a sign of life in between."""
        changes: asyncio.Queue[DeskChange] = asyncio.Queue(_WAITING)
        self._listeners.add(changes)
        try:
            while True:
                try:
                    yield await asyncio.wait_for(changes.get(), _BEAT_SECONDS)
                except TimeoutError:
                    yield None
        finally:
            self._listeners.discard(changes)

    async def _look(self) -> None:
        since: int | None = None
        while True:
            try:
                if since is None:
                    since = await self._desk.newest()
                elif self._listeners:
                    since = await self._tell(since)
                else:
                    since = await self._desk.newest()
            except OutageError as error:
                # The pages show what they have; the desk's own doors tell that it is away.
                self._counters.failure("news", error)
            await asyncio.sleep(_LOOK_SECONDS)

    async def _tell(self, since: int) -> int:
        changes = await self._desk.changes(since)
        for change in changes:
            for listener in self._listeners:
                with suppress(asyncio.QueueFull):
                    listener.put_nowait(change)
        return changes[-1].seq if changes else since
