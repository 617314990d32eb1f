"""The contract of ticket desks on the embedded desk."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from integrations.store.database import Database
from integrations.tickets.desk import EmbeddedDesk
from integrations.tickets.port import RemoteStatus, Visibility
from integrations.tickets.systems.embedded import EmbeddedTickets
from integrations.tickets.view import TicketStatus
from tests.integrations.tickets.bench import Bench, an_escalation, done
from tests.integrations.tickets.contract import TicketDeskContract

START = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
STATUSES: dict[RemoteStatus, TicketStatus] = {
    "open": "in_progress",
    "pending_user": "waiting",
    "resolved": "resolved",
    "closed": "closed",
}


class Ticking:
    """A clock that goes on by a second each time it is looked at."""

    def __init__(self) -> None:
        self._now = START

    def __call__(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now


class EmbeddedAgent:
    """Tier 2 on the case pages."""

    name = "omar.haddad"

    def __init__(self, desk: EmbeddedDesk, clock: Ticking) -> None:
        self._desk = desk
        self._clock = clock

    async def opens(self, queue: str, title: str) -> str:
        pytest.skip("every ticket of the embedded desk is the copilot's")

    async def replies(self, ticket_id: str, text: str, visibility: Visibility = "public") -> None:
        await self._desk.note(ticket_id, text, key=uuid4().hex, by=self.name, at=self._clock())

    async def sets_status(self, ticket_id: str, status: RemoteStatus) -> None:
        await self._desk.set_status(
            ticket_id, STATUSES[status], key=uuid4().hex, by=self.name, at=self._clock()
        )

    async def moves(self, ticket_id: str, queue: str) -> None:
        await self._desk.move(ticket_id, queue, key=uuid4().hex, by=self.name, at=self._clock())

    async def sees(self, ticket_id: str) -> str:
        view = await self._desk.ticket(ticket_id)
        assert view is not None
        known = view.handoff.model_dump_json(exclude_none=True)
        unknown = view.handoff.environment.model_dump(exclude_none=True) or "missing"
        return "\n".join([known, str(unknown), *(step.note or "" for step in view.history)])

    async def counts(self, correlation_id: str) -> int:
        return sum(line.thread_id == correlation_id for line in await self._desk.list(limit=1000))


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    database = await Database.open(f"sqlite:///{tmp_path / 'records.sqlite'}")
    clock, queues = Ticking(), ("network", "print")
    desk = EmbeddedDesk(database, queues=queues, promises={}, base_url="http://localhost:8000")

    def make_desk(**options: object) -> EmbeddedTickets:
        return EmbeddedTickets(desk, database, queues=queues, clock=clock)

    yield Bench(
        desk=make_desk(),
        make_desk=make_desk,
        agent=EmbeddedAgent(desk, clock),
        queues=queues,
        read_as={"pending_vendor": "pending_user"},
    )
    await database.close()


class TestEmbedded(TicketDeskContract):
    async def test_an_escalation_made_twice_is_one_ticket(self, bench: Bench) -> None:
        ticket = an_escalation(queue="print")
        first = done(await bench.desk.create(ticket))
        second = done(await bench.desk.create(ticket))
        assert first.id == second.id
        assert await bench.agent.counts(ticket.correlation_id) == 1
