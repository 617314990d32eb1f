"""The embedded desk on SQLite and on PostgreSQL: one contract."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from copilot.conversation import Priority, TicketRef
from copilot.errors import DeskUnavailableError
from integrations.tickets.desk import EmbeddedDesk
from integrations.tickets.promise import Promise, Promises
from tests.integrations.store_values import AT, a_handoff

PROMISES: Promises = {"P1": Promise.parse("15 minutes"), "P3": Promise.parse("8 hours")}


@pytest.fixture
def desk(database):
    return EmbeddedDesk(
        database, queues=["network", "print"], promises=PROMISES, base_url="http://localhost:8000/"
    )


async def opened(
    desk: EmbeddedDesk,
    key: str = "k",
    at: datetime = AT,
    *,
    queue: str = "network",
    priority: Priority = "P3",
) -> TicketRef:
    handoff = a_handoff(queue=queue, priority=priority)
    return await desk.open(handoff, key=key, thread_id="t-1", opened_by="dana.reed", at=at)


async def test_a_handoff_becomes_a_ticket_with_everything_in_it(desk):
    ticket = await opened(desk)
    assert ticket.model_dump() == {
        "system": "desk",
        "id": "T-2026-000001",
        "url": "http://localhost:8000/cases/T-2026-000001",
        "queue": "network",
        "status": "open",
    }
    view = await desk.ticket(ticket.id)
    assert view.handoff == a_handoff()
    assert view.line.due_at == AT + timedelta(hours=8)
    assert (view.line.thread_id, view.line.opened_by) == ("t-1", "dana.reed")
    assert [(step.kind, step.handoff) for step in view.history] == [("opened", a_handoff())]


async def test_the_same_key_never_makes_a_second_ticket(desk):
    tickets = await asyncio.gather(*(opened(desk) for _ in range(10)))
    assert {ticket.id for ticket in tickets} == {"T-2026-000001"}
    assert (await opened(desk, "k2")).id == "T-2026-000002"


async def test_numbers_start_anew_each_year(desk):
    assert (await opened(desk, "a", datetime(2027, 1, 1, tzinfo=UTC))).id == "T-2027-000001"
    assert (await opened(desk, "b")).id == "T-2026-000001"
    assert (await opened(desk, "c", datetime(2027, 1, 2, tzinfo=UTC))).id == "T-2027-000002"


async def test_an_unknown_queue_is_refused_with_the_ones_there_are(desk):
    with pytest.raises(
        DeskUnavailableError, match=r"no queue 'nowhere'\. Use one of: network, print\."
    ):
        await opened(desk, queue="nowhere")
    assert await desk.list() == []


async def test_an_update_carries_the_new_handoff_to_the_same_ticket(desk):
    ticket = await opened(desk)
    later = AT + timedelta(hours=1)
    urgent = a_handoff("worse now", queue="print", priority="P1")
    updated = await desk.update(ticket.id, urgent, key="u", at=later)
    assert (updated.id, updated.queue) == (ticket.id, "print")
    view = await desk.ticket(ticket.id)
    assert (view.handoff, view.line.priority) == (urgent, "P1")
    assert view.line.due_at == later + timedelta(minutes=15)
    assert [step.kind for step in view.history] == ["opened", "updated"]


async def test_a_repeated_update_changes_nothing(desk):
    ticket = await opened(desk)
    await desk.update(ticket.id, a_handoff("second"), key="u", at=AT)
    await desk.update(ticket.id, a_handoff("third"), key="u", at=AT)
    view = await desk.ticket(ticket.id)
    assert (view.line.summary, len(view.history)) == ("second", 2)


async def test_an_update_never_makes_a_ticket_less_urgent(desk):
    ticket = await opened(desk, priority="P1")
    await desk.update(ticket.id, a_handoff(priority="P3"), key="u", at=AT + timedelta(hours=2))
    line = (await desk.ticket(ticket.id)).line
    assert (line.priority, line.due_at) == ("P1", AT + timedelta(minutes=15))


async def test_an_update_opens_a_resolved_ticket_again_with_a_new_promise(desk):
    ticket = await opened(desk)
    await desk.set_status(ticket.id, "resolved", key="s", by="lena.vos", at=AT, note="Done.")
    later = AT + timedelta(days=3)
    assert (await desk.update(ticket.id, a_handoff(), key="u", at=later)).status == "open"
    view = await desk.ticket(ticket.id)
    assert view.line.due_at == later + timedelta(hours=8)
    assert [(step.status, step.by) for step in view.history] == [
        ("open", None),
        ("resolved", "lena.vos"),
        ("open", None),
    ]


async def test_a_status_is_set_once_per_key(desk):
    ticket = await opened(desk)
    for status in ("in_progress", "closed"):
        await desk.set_status(ticket.id, status, key="s", by="lena.vos", at=AT)
    view = await desk.ticket(ticket.id)
    assert (view.line.status, len(view.history)) == ("in_progress", 2)


async def test_a_ticket_that_does_not_exist(desk):
    assert await desk.ticket("T-2026-000404") is None
    with pytest.raises(DeskUnavailableError, match="The desk has no ticket 'T-2026-000404'"):
        await desk.update("T-2026-000404", a_handoff(), key="u", at=AT)
    with pytest.raises(DeskUnavailableError):
        await desk.set_status("T-2026-000404", "closed", key="s", by="lena.vos", at=AT)


async def test_the_list_shows_what_is_due_first(desk):
    await opened(desk, "slow")
    fast = await opened(desk, "fast", priority="P1", queue="print")
    await desk.set_status(fast.id, "waiting", key="s", by="lena.vos", at=AT)
    assert [line.priority for line in await desk.list()] == ["P1", "P3"]
    assert [line.queue for line in await desk.list("network")] == ["network"]
    assert [line.id for line in await desk.list(status="waiting")] == [fast.id]
    assert len(await desk.list(limit=1)) == 1


async def test_a_priority_without_a_promise_is_due_at_once(desk):
    ticket = await opened(desk, priority="P4")
    assert (await desk.ticket(ticket.id)).line.due_at == AT


async def test_the_text_of_a_ticket_is_what_it_says_now(desk):
    first, second = await opened(desk, "a"), await opened(desk, "b")
    await desk.update(first.id, a_handoff("VPN stops at noon"), key="u", at=AT)
    await desk.set_status(
        first.id, "waiting", key="s", by="lena.vos", at=AT, note="Asked for the log."
    )
    texts = await desk.texts([second.id, first.id, "T-2026-000404"])
    assert list(texts.items()) == [
        (second.id, "VPN stops"),
        (first.id, "VPN stops at noon\nAsked for the log."),
    ]
    assert await desk.texts([]) == {}
