"""What the three cloud vendors' adapters have in common, beyond the contract of ticket desks."""

import pytest

from integrations.tickets.port import Outcome, Rejected, TicketDesk, TicketSystemRefusedError, Unknown
from tests.faulty_proxy import answered
from tests.integrations.tickets.bench import Bench, an_escalation, now, opened


async def all_changes(desk: TicketDesk, ticket_id: str, queue: str) -> list[Outcome]:
    return [
        await desk.comment(ticket_id, "hello", visibility="public", key="k"),
        await desk.set_status(ticket_id, "pending_user"),
        await desk.move(ticket_id, queue),
        await desk.link(ticket_id, "https://wiki.example/1"),
    ]


def is_write(method: str, path: str) -> bool:
    return method != "GET"


class VendorsAreTakenAtTheirWord:
    @pytest.mark.parametrize("position", range(4))
    async def test_a_change_that_can_t_be_read_back_is_unknown(
        self, bench: Bench, position: int
    ) -> None:
        ticket = await opened(bench)
        bench.proxy.seen.clear()

        def after_write(method: str, path: str) -> bool:
            return any(is_write(*earlier) for earlier in bench.proxy.seen[:-1])

        bench.proxy.plan(*[answered(503)] * 20, when=after_write)
        change = (
            bench.desk.comment(ticket.id, "hello", visibility="public", key="k"),
            bench.desk.set_status(ticket.id, "pending_user"),
            bench.desk.move(ticket.id, bench.queues[1]),
            bench.desk.link(ticket.id, "https://wiki.example/1"),
        )
        outcomes = [await one for number, one in enumerate(change) if _is(number, position, one)]
        assert [type(outcome) for outcome in outcomes] == [Unknown]

    @pytest.mark.parametrize("status", [400, 403])
    async def test_what_the_vendor_forbids_is_rejected(self, bench: Bench, status: int) -> None:
        ticket = await opened(bench)
        bench.proxy.plan(*[answered(status)] * 5, when=is_write)
        for outcome in await all_changes(bench.desk, ticket.id, bench.queues[1]):
            assert isinstance(outcome, Rejected)
            assert str(status) in outcome.reason
        bench.proxy.forget()
        bench.proxy.plan(*[answered(status)] * 2, when=bench.is_create)
        assert isinstance(await bench.desk.create(an_escalation(requester_email=None)), Rejected)

    async def test_what_is_not_configured_is_rejected(self, bench: Bench) -> None:
        ticket = await opened(bench)
        desk = bench.make_desk(statuses={"open": "2"}, queues={"network": "Nobody's group"})
        for outcome in (
            await desk.create(an_escalation()),
            await desk.create(an_escalation("x" * 300)),
            await desk.move(ticket.id, "network"),
            await desk.set_status(ticket.id, "closed"),
            await desk.link(ticket.id, "javascript:alert(1)"),
            await desk.link(ticket.id, ""),
        ):
            assert isinstance(outcome, Rejected)
        assert await bench.desk.find("") is None
        assert await bench.desk.get(ticket.id) == ticket

    async def test_lists_that_may_not_be_read_are_refused_with_what_to_do(
        self, bench: Bench
    ) -> None:
        ticket = await opened(bench)
        start = await now(bench.desk)
        for position in range(2):
            bench.proxy.seen.clear()
            bench.proxy.plan(answered(403), when=_from(bench, position))
            with pytest.raises(TicketSystemRefusedError, match="rights of the copilot's account"):
                await bench.desk.history(start)
        bench.proxy.plan(answered(403))
        with pytest.raises(TicketSystemRefusedError, match="rights of the copilot's account"):
            await bench.desk.find(ticket.correlation_id or "")


def _from(bench: Bench, position: int):
    return lambda method, path: len(bench.proxy.seen) > position


def _is(number: int, position: int, one) -> bool:
    if number != position:
        one.close()
    return number == position
