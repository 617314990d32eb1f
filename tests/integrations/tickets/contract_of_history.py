"""Changes at the vendor's: each heard of once, in order, with who made it."""

from itertools import pairwise
from uuid import uuid4

from integrations.tickets.port import DONE, RemoteTicket, TicketChange, TicketDesk
from tests.integrations.tickets.bench import Bench, changes_since, done, now, opened


def of(ticket: RemoteTicket, changes: list[TicketChange]) -> list[TicketChange]:
    return [change for change in changes if change.ticket_id == ticket.id]


async def a_lively_ticket(bench: Bench) -> RemoteTicket:
    """Made, commented, answered by a person, waited for, moved, resolved and opened again."""
    ticket = await opened(bench)
    done(await bench.desk.comment(ticket.id, "from us", visibility="public", key=uuid4().hex))
    await bench.agent.replies(ticket.id, "try the other cable")
    await bench.agent.sets_status(ticket.id, "pending_user")
    await bench.agent.moves(ticket.id, bench.queues[1])
    await bench.agent.sets_status(ticket.id, "resolved")
    await bench.agent.sets_status(ticket.id, "open")
    return ticket


class ChangesAreHeardOf:
    async def test_each_change_comes_once_in_order_with_its_actor(self, bench: Bench) -> None:
        start = await now(bench.desk)
        ticket = await a_lively_ticket(bench)
        changes = of(ticket, await changes_since(bench.desk, start))
        assert len({change.event_id for change in changes}) == len(changes)
        assert all(before.at <= after.at for before, after in pairwise(changes))
        assert {change.correlation_id for change in changes} == {ticket.correlation_id}
        assert [c.kind for c in changes if c.actor_is_us][:1] == ["created"]
        by_agent = [c for c in changes if c.actor == bench.agent.name]
        assert [c.text for c in by_agent if c.kind == "comment"] == ["try the other cable"]
        assert [(c.old, c.new) for c in by_agent if c.kind == "moved"] == [bench.queues]
        states = [c.new for c in by_agent if c.kind == "status"]
        assert states[-3:] == ["pending_user", "resolved", "open"]
        assert not any(c.actor_is_us or c.actor_is_system for c in by_agent)

    async def test_a_reopening_is_seen_whoever_calls_it_what(self, bench: Bench) -> None:
        start = await now(bench.desk)
        ticket = await a_lively_ticket(bench)
        states = [
            c for c in of(ticket, await changes_since(bench.desk, start)) if c.kind == "status"
        ]
        reopened = [c for c in states if c.old in DONE and c.new not in DONE]
        assert [(c.old, c.new) for c in reopened] == [("resolved", "open")]

    async def test_small_pages_lose_nothing_and_repeat_nothing(self, bench: Bench) -> None:
        start = await now(bench.desk)
        tickets = [await a_lively_ticket(bench), await opened(bench)]
        ours = {ticket.id for ticket in tickets}
        whole, *others = [
            [c for c in await changes_since(bench.desk, start, limit) if c.ticket_id in ours]
            for limit in (100, 2, 5)
        ]
        assert len(whole) >= 8
        assert all(other == whole for other in others)

    async def test_a_cursor_goes_on_where_it_stood(self, bench: Bench) -> None:
        ticket = await opened(bench)
        cursor = await now(bench.desk)
        assert of(ticket, await changes_since(bench.desk, cursor)) == [], "`None` is from now on"
        await bench.agent.sets_status(ticket.id, "resolved")
        page = await bench.desk.history(cursor)
        assert [c.new for c in of(ticket, list(page.changes)) if c.kind == "status"] == ["resolved"]
        assert of(ticket, await changes_since(bench.make_desk(), page.cursor)) == []

    async def test_tickets_of_others_are_not_told_about(self, bench: Bench) -> None:
        start = await now(bench.desk)
        foreign = await bench.agent.opens(bench.queues[0], "not from the copilot")
        await bench.agent.replies(foreign, "hello")
        ticket = await opened(bench)
        told = {change.ticket_id for change in await changes_since(bench.desk, start, 2)}
        assert ticket.id in told
        assert foreign not in told

    async def test_what_we_do_is_marked_as_ours(self, bench: Bench) -> None:
        ticket = await opened(bench)
        start = await now(bench.desk)
        await self._change_all(bench.desk, ticket.id, bench.queues[1])
        changes = of(ticket, await changes_since(bench.desk, start))
        kinds = {c.kind for c in changes if c.actor_is_us}
        assert {"comment", "status", "moved"} <= kinds
        assert all(c.actor_is_us or c.actor_is_system for c in changes)

    @staticmethod
    async def _change_all(desk: TicketDesk, ticket_id: str, queue: str) -> None:
        done(await desk.comment(ticket_id, "by us", visibility="public", key=uuid4().hex))
        done(await desk.set_status(ticket_id, "pending_user"))
        done(await desk.move(ticket_id, queue))
