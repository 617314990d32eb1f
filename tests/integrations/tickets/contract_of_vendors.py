"""What the three cloud vendors' adapters have in common, beyond the contract of ticket desks."""

from collections.abc import Awaitable, Callable

import pytest

from integrations.tickets.port import (
    Outcome,
    Rejected,
    TicketDesk,
    TicketSystemRefusedError,
    Unknown,
)
from tests.faulty_proxy import Matches, answered
from tests.integrations.tickets.bench import Bench, an_escalation, now, opened

Changing = Callable[[TicketDesk, str, str], Awaitable[Outcome]]
CHANGES: dict[str, Changing] = {
    "comment": lambda desk, it, queue: desk.comment(it, "hello", visibility="public", key="k"),
    "status": lambda desk, it, queue: desk.set_status(it, "pending_user"),
    "move": lambda desk, it, queue: desk.move(it, queue),
    "link": lambda desk, it, queue: desk.link(it, "https://wiki.example/1"),
}


def is_write(method: str, path: str) -> bool:
    return method != "GET"


class VendorsAreTakenAtTheirWord:
    @pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
    async def test_a_change_that_can_t_be_read_back_is_unknown(
        self, bench: Bench, change: Changing
    ) -> None:
        ticket = await opened(bench)
        bench.proxy.seen.clear()

        def after_write(method: str, path: str) -> bool:
            return any(is_write(*earlier) for earlier in bench.proxy.seen[:-1])

        bench.proxy.plan(*[answered(503)] * 20, when=after_write)
        assert isinstance(await change(bench.desk, ticket.id, bench.queues[1]), Unknown)

    @pytest.mark.parametrize("status", [400, 403])
    async def test_what_the_vendor_forbids_is_rejected(self, bench: Bench, status: int) -> None:
        ticket = await opened(bench)
        bench.proxy.plan(*[answered(status)] * 5, when=is_write)
        for change in CHANGES.values():
            outcome = await change(bench.desk, ticket.id, bench.queues[1])
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


def _from(bench: Bench, position: int) -> Matches:
    return lambda method, path: len(bench.proxy.seen) > position
