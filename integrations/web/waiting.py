"""Turns that were started from a page and are awaited by its event stream."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from copilot.conversation import Inquiry, Reply
from integrations.api.runtime import Verbs

_KEPT = 500
"""Finished turns whose result is kept here for a page that connects again."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn under way or done; `task` gives its reply or raises its error."""

    user: str
    task: asyncio.Task[Reply]


class Waiting:
    """A page that goes away does not stop its turn."""

    def __init__(self, copilot: Verbs) -> None:
        self._copilot = copilot
        self._turns: OrderedDict[str, Turn] = OrderedDict()

    async def start(self, inquiry: Inquiry) -> Inquiry:
        """Ask in the background; gives the message as it is kept, or raises why it is not.

        A repeated id is left to the copilot, which knows it.
        """
        kept: asyncio.Future[Inquiry] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._copilot.ask(inquiry, kept=kept.set_result))
        task.add_done_callback(_look)
        self._turns[inquiry.id] = Turn(inquiry.user, task)
        self._forget()
        either: set[asyncio.Future[Any]] = {task, kept}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not kept.done():
            task.result()
        return await kept

    def turn(self, inquiry_id: str, user: str) -> Turn | None:
        """The user's own turn of that id, if it was started here."""
        found = self._turns.get(inquiry_id)
        return found if found is not None and found.user == user else None

    async def finish(self, seconds: float) -> None:
        """Let turns under way end, for a limited time; what is left is finished at the next start."""
        running = [turn.task for turn in self._turns.values() if not turn.task.done()]
        if running:
            await asyncio.wait(running, timeout=seconds)

    def _forget(self) -> None:
        for name in [n for n, turn in self._turns.items() if turn.task.done()][:-_KEPT]:
            del self._turns[name]


def _look(task: asyncio.Task[Reply]) -> None:
    """Mark the error as seen: whoever waits for the turn shows it."""
    if not task.cancelled():
        task.exception()
