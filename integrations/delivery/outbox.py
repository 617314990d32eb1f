"""What happens at the desk, told to the company's ticket system: in order, once, however long it is away."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from copilot.errors import OutageError
from integrations.delivery.ledger import Delivery, DeliveryLedger, Elsewhere
from integrations.delivery.telling import Telling
from integrations.tickets.port import (
    Applied,
    Conflict,
    Outcome,
    Rejected,
    TicketSystemError,
    TicketSystemUnavailableError,
)
from integrations.tickets.view import DeskChange, TicketView

_BATCH = 200


class Cases(Protocol):
    """The desk, read."""

    async def ticket(self, ticket_id: str) -> TicketView | None: ...

    async def changes(self, since: int, *, limit: int = 200) -> Sequence[DeskChange]: ...


class Counted(Protocol):
    """Counts what became of deliveries, and logs failures without their text."""

    def delivery(self, what: str) -> None: ...

    def failure(self, where: str, error: BaseException) -> None: ...


@dataclass(frozen=True, slots=True)
class Pace:
    """How delivery waits."""

    retry_seconds: float = 2.0
    """The wait after a first failure; it doubles with each further one."""
    most_seconds: float = 300.0
    """The longest wait between two tries. Nothing is ever given up for being away."""


class Outbox:
    """Delivers. One of it may run for a home."""

    def __init__(
        self,
        cases: Cases,
        ledger: DeliveryLedger,
        telling: Telling,
        pace: Pace,
        counted: Counted,
    ) -> None:
        self._cases = cases
        self._ledger = ledger
        self._telling = telling
        self._pace = pace
        self._counted = counted
        self._theirs = f"{telling.system}:"

    async def collect(self) -> None:
        """Note what happened at the desk since; what came from the ticket system is known there."""
        since = await self._ledger.read_up_to()
        while changes := await self._cases.changes(since, limit=_BATCH):
            since = changes[-1].seq
            ours = [change for change in changes if not change.key.startswith(self._theirs)]
            await self._ledger.add(ours, since)

    async def deliver(self, at: datetime) -> int:
        """Deliver what is due; says how many changes got through."""
        delivered, held_up = 0, set[str]()
        while True:
            due = [
                each
                for each in await self._ledger.first_waiting()
                if each.next_at <= at and each.ticket_id not in held_up
            ]
            if not due:
                return delivered
            for delivery in due:
                if await self._deliver(delivery, at):
                    delivered += 1
                else:
                    held_up.add(delivery.ticket_id)

    async def _deliver(self, delivery: Delivery, at: datetime) -> bool:
        try:
            outcome = await self._told(delivery)
        except TicketSystemError as error:
            self._counted.failure("tickets", error)
            after = error.retry_after if isinstance(error, TicketSystemUnavailableError) else None
            await self._ledger.put_off(delivery.seq, self._later(delivery, at, after), str(error))
            return False
        except OutageError as error:
            self._counted.failure("tickets", error)
            return False
        if outcome is None or isinstance(outcome, Applied):
            await self._ledger.settle(delivery.seq, "done")
            self._counted.delivery("done")
            return True
        if isinstance(outcome, Rejected):
            # It will not become right by itself: people see it, and what follows goes on.
            await self._ledger.settle(delivery.seq, "refused", outcome.reason)
            self._counted.delivery("refused")
            return True
        reason = "It was changed meanwhile." if isinstance(outcome, Conflict) else outcome.reason
        self._counted.delivery("unknown")
        await self._ledger.put_off(delivery.seq, self._later(delivery, at, None), reason)
        return False

    def _later(self, delivery: Delivery, at: datetime, after: float | None) -> datetime:
        doubled = self._pace.retry_seconds * 2.0 ** min(delivery.attempts, 20)
        return at + timedelta(seconds=max(after or 0.0, min(doubled, self._pace.most_seconds)))

    async def _told(self, delivery: Delivery) -> Outcome | None:
        """Do at the ticket system what was done at the desk; `None` where there is nothing to do."""
        view = await self._cases.ticket(delivery.ticket_id)
        found = await self._cases.changes(delivery.seq - 1, limit=1)
        if view is None or not found or found[0].seq != delivery.seq:
            return None
        change, there = found[0], await self._ledger.elsewhere(delivery.ticket_id)
        if there is None:
            made = await self._telling.make(view)
            if not isinstance(made, Applied):
                return made
            await self._ledger.made(delivery.ticket_id, made.ticket)
            there = Elsewhere(view.line.id, made.ticket.system, made.ticket.id, made.ticket.url)
        return await self._telling.tell(change, view, there)
