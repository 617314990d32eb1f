"""What people do in the ticket system, taken over to the desk: each change once, whatever told of it.

A report of a change (webhook) is only a hint to look: what happened is always read from the system's own
history, from a cursor. So a forged or repeated report changes nothing, and a missed one is made up for.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol

from integrations.delivery.ledger import DeliveryLedger
from integrations.tickets.port import DONE, TicketChange, TicketDesk
from integrations.tickets.view import Claim, NoteKind, TicketStatus, TicketView

_CURSOR = "history"
_STATUSES: dict[str, TicketStatus] = {
    "new": "open",
    "open": "in_progress",
    "pending_user": "waiting",
    "pending_vendor": "waiting",
    "resolved": "resolved",
    "closed": "closed",
}


class Desk(Protocol):
    """The desk, as people work at it. Every change carries a key: repeating it changes nothing."""

    async def ticket(self, ticket_id: str) -> TicketView | None: ...

    async def set_status(
        self,
        ticket_id: str,
        status: TicketStatus,
        *,
        key: str,
        by: str,
        at: datetime,
        note: str | None = None,
    ) -> object: ...

    async def note(
        self,
        ticket_id: str,
        text: str,
        *,
        key: str,
        by: str,
        at: datetime,
        kind: NoteKind = "note",
    ) -> object: ...

    async def move(
        self, ticket_id: str, queue: str, *, key: str, by: str, at: datetime
    ) -> object: ...

    async def claim(self, ticket_id: str, agent: str, *, key: str, at: datetime) -> Claim: ...

    async def release(self, ticket_id: str, *, key: str, by: str, at: datetime) -> object: ...


class Sync:
    """Reads one ticket system. May raise `TicketSystemError` or `OutageError`; then it is read again from where it was."""

    def __init__(
        self,
        desk: Desk,
        ledger: DeliveryLedger,
        remote: TicketDesk,
        *,
        redacted: Callable[[str], Awaitable[str]],
        queues: frozenset[str],
        page: int = 100,
    ) -> None:
        self._desk = desk
        self._ledger = ledger
        self._remote = remote
        self._redacted = redacted
        self._queues = queues
        self._page = page

    async def poll(self) -> int:
        """Take over everything since the last time; says how many changes of people that was."""
        taken, name = 0, f"{_CURSOR}:{self._remote.system}"
        while True:
            since = await self._ledger.cursor(name)
            page = await self._remote.history(since, limit=self._page)
            for change in page.changes:
                taken += await self._take(change)
            if page.cursor != since:
                await self._ledger.keep_cursor(name, page.cursor)
            if page.is_last:
                return taken

    async def _take(self, change: TicketChange) -> bool:
        ours = await self._ledger.ours(change.ticket_id)
        if ours is None or change.actor_is_us:
            return False
        case, key = ours.ticket_id, f"{self._remote.system}:{change.event_id}"
        by = change.actor or self._remote.system
        if change.kind == "status" and change.new in _STATUSES:
            await self._status(case, change, key, by)
        elif change.kind == "comment" and change.text:
            await self._comment(case, change, key, by)
        elif change.kind == "moved" and change.new in self._queues:
            await self._desk.move(case, change.new, key=key, by=by, at=change.at)
        else:
            return False
        return True

    async def _status(self, case: str, change: TicketChange, key: str, by: str) -> None:
        status = _STATUSES[str(change.new)]
        if change.old in DONE and change.new not in DONE:
            await self._desk.release(case, key=key, by=by, at=change.at)
        else:
            await self._desk.set_status(case, status, key=key, by=by, at=change.at)

    async def _comment(self, case: str, change: TicketChange, key: str, by: str) -> None:
        text = await self._redacted(change.text or "")
        if change.visibility == "public" and not change.actor_is_system:
            # Who writes to the employee talks with them from now on; the copilot is silent.
            await self._desk.claim(case, by, key=f"{key}:claim", at=change.at)
            await self._desk.note(case, text, key=key, by=by, at=change.at, kind="asked")
        else:
            await self._desk.note(case, text, key=key, by=by, at=change.at)
