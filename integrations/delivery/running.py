"""Delivery and reading, side by side with the server, for as long as it runs."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from copilot.errors import CopilotError
from integrations.clock import Clock
from integrations.delivery.outbox import Counted, Outbox
from integrations.delivery.sync import Sync
from integrations.tickets.port import TicketSystemError

_SETTLING = 1.25
"""A change that was reported is there for sure after this many times the system's own settling time."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When what is looked at."""

    tick_seconds: float = 1.0
    """How often the desk is looked at for something to deliver."""
    poll_seconds: float = 60.0
    """How often the ticket system is asked what changed."""
    settle_seconds: float = 2.0
    """How long after a report it is asked again."""


class Delivering:
    """Never ends by itself: what fails is counted and tried again."""

    def __init__(
        self, outbox: Outbox, sync: Sync, *, clock: Clock, counted: Counted, rhythm: Rhythm
    ) -> None:
        self._outbox = outbox
        self._sync = sync
        self._clock = clock
        self._counted = counted
        self._rhythm = rhythm
        self._hint = asyncio.Event()

    def hint(self) -> None:
        """The ticket system says that something changed; however often it says so, it is asked once."""
        self._hint.set()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._deliver())
            group.create_task(self._read())

    async def _deliver(self) -> None:
        while True:
            with self._surviving():
                await self._outbox.collect()
                await self._outbox.deliver(self._clock())
            await asyncio.sleep(self._rhythm.tick_seconds)

    async def _read(self) -> None:
        while True:
            hinted = self._hint.is_set()
            self._hint.clear()
            with self._surviving():
                await self._sync.poll()
            if hinted:
                await asyncio.sleep(self._rhythm.settle_seconds * _SETTLING)
                with self._surviving():
                    await self._sync.poll()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._hint.wait(), self._rhythm.poll_seconds)

    def _surviving(self) -> "_Surviving":
        return _Surviving(self._counted)


class _Surviving:
    """A part that is away must not end the loop that waits for it."""

    def __init__(self, counted: Counted) -> None:
        self._counted = counted

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, *_: object
    ) -> bool:
        if isinstance(error, (CopilotError, TicketSystemError)):
            self._counted.failure("tickets", error)
            return True
        if isinstance(error, Exception):
            self._counted.failure("delivery", error)
            return True
        return False
