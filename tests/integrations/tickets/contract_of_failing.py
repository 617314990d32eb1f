"""The network and the system fail: what is surely not done is told apart from what nobody knows."""

import socket
from uuid import uuid4

import pytest

from integrations.tickets.once import deliver_once
from integrations.tickets.port import (
    Applied,
    NewTicket,
    Outcome,
    Rejected,
    TicketDesk,
    TicketSystemError,
    TicketSystemRefusedError,
    TicketSystemUnavailableError,
    Unknown,
)
from tests.faulty_proxy import (
    CUT_AFTER,
    CUT_BEFORE,
    PASS,
    Fault,
    answered,
    answered_after,
    cut_and_later,
    delayed,
)
from tests.integrations.tickets.bench import WRONG_TOKEN, Bench, an_escalation, opened

LOOK_SECONDS = (0.05, 0.1)
FAULTS = (
    CUT_AFTER,
    CUT_BEFORE,
    answered(503),
    answered_after(502),
    answered(500),
    answered(429, retry_after="1"),
)


def a_closed_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/"


async def delivered(desk: TicketDesk, ticket: NewTicket) -> Outcome | TicketSystemError:
    try:
        return await deliver_once(desk, ticket, tries=2, look_seconds=LOOK_SECONDS)
    except TicketSystemError as error:
        return error


class FailuresAreTold:
    async def test_a_system_that_is_not_there_is_unavailable(self, bench: Bench) -> None:
        _ = bench.proxy
        desk = bench.make_desk(url=a_closed_port())
        for call in (
            desk.create(an_escalation(queue=bench.queues[0])),
            desk.find("x"),
            desk.get("1"),
            desk.history(None),
        ):
            with pytest.raises(TicketSystemUnavailableError, match=r"can't be reached"):
                await call

    async def test_a_wrong_token_is_refused_and_not_shown(self, bench: Bench) -> None:
        _ = bench.proxy
        desk = bench.make_desk(token=WRONG_TOKEN)
        for call in (
            desk.create(an_escalation(queue=bench.queues[0])),
            desk.find("x"),
            desk.history(None),
        ):
            with pytest.raises(TicketSystemRefusedError) as refused:
                await call
            assert WRONG_TOKEN not in str(refused.value)

    @pytest.mark.parametrize(
        "fault", [CUT_AFTER, answered_after(500), answered_after(502), answered_after(504)]
    )
    async def test_a_lost_answer_is_unknown_and_the_ticket_is_found(
        self, bench: Bench, fault: Fault
    ) -> None:
        bench.proxy.plan(fault, when=bench.is_create)
        ticket = an_escalation(queue=bench.queues[0])
        outcome = await bench.desk.create(ticket)
        assert bench.proxy.is_done
        assert isinstance(outcome, Applied | Unknown), "some settle it by themselves"
        assert await bench.desk.find(ticket.correlation_id) is not None
        assert await bench.agent.counts(ticket.correlation_id) == 1

    async def test_a_lost_request_is_never_told_as_done(self, bench: Bench) -> None:
        bench.proxy.plan(CUT_BEFORE, when=bench.is_create)
        ticket = an_escalation(queue=bench.queues[0])
        outcome = await bench.desk.create(ticket)
        assert isinstance(outcome, Applied | Unknown)
        assert await bench.agent.counts(ticket.correlation_id) == isinstance(outcome, Applied)

    @pytest.mark.parametrize("status", [429, 503])
    async def test_a_busy_system_says_when_to_come_back(self, bench: Bench, status: int) -> None:
        ticket = an_escalation(queue=bench.queues[0])
        bench.proxy.plan(answered(status, retry_after="7"), when=bench.is_create)
        with pytest.raises(TicketSystemUnavailableError) as busy:
            await bench.desk.create(ticket)
        assert busy.value.retry_after == 7
        assert await bench.desk.find(ticket.correlation_id) is None

    @pytest.mark.parametrize("fault", [CUT_BEFORE, CUT_AFTER, answered(500), answered(503)])
    async def test_a_look_up_that_fails_is_no_answer(self, bench: Bench, fault: Fault) -> None:
        ticket = await opened(bench)
        bench.proxy.plan(fault)
        with pytest.raises(TicketSystemUnavailableError):
            await bench.desk.find(ticket.correlation_id or "")
        bench.proxy.plan(fault)
        with pytest.raises(TicketSystemUnavailableError):
            await bench.desk.history(None)

    async def test_a_page_in_place_of_an_answer_is_refused(self, bench: Bench) -> None:
        bench.proxy.plan(answered(200))
        with pytest.raises(TicketSystemRefusedError, match="address"):
            await bench.desk.find("x")
        bench.proxy.plan(answered(302))
        with pytest.raises(TicketSystemRefusedError, match="address"):
            await bench.desk.find("x")

    async def test_who_waits_too_long_does_not_know(self, bench: Bench) -> None:
        bench.proxy.plan(delayed(2.5), when=bench.is_create)
        ticket = an_escalation(queue=bench.queues[0])
        desk = bench.make_desk(call_seconds=2)
        assert isinstance(await desk.create(ticket), Applied | Unknown)
        assert await bench.desk.find(ticket.correlation_id) is not None
        assert await bench.agent.counts(ticket.correlation_id) == 1

    async def test_a_lost_comment_is_looked_for(self, bench: Bench) -> None:
        ticket = await opened(bench)
        key = uuid4().hex
        # The first that changes something is the comment itself, or what it begins with.
        bench.proxy.plan(CUT_AFTER, when=lambda method, path: method != "GET")
        try:
            outcome = await bench.desk.comment(ticket.id, "lost?", visibility="public", key=key)
        except TicketSystemUnavailableError:
            assert not await bench.desk.has_comment(ticket.id, key), "surely nothing was changed"
        else:
            assert isinstance(outcome, Applied | Unknown)
            assert await bench.desk.has_comment(ticket.id, key)

    async def test_a_lost_change_is_unknown(self, bench: Bench) -> None:
        ticket = await opened(bench)
        for fault in (CUT_AFTER, answered_after(502)):
            bench.proxy.plan(fault, when=lambda method, path: method in ("PUT", "PATCH"))
            outcome = await bench.desk.set_status(ticket.id, "pending_user")
            assert isinstance(outcome, Applied | Unknown)
            assert not isinstance(outcome, Rejected)

    async def test_an_escalation_delivered_twenty_times_is_one_ticket(self, bench: Bench) -> None:
        ticket = an_escalation(queue=bench.queues[0])
        outcomes = []
        for attempt in range(20):
            planned = FAULTS[attempt % len(FAULTS)]
            bench.proxy.plan(planned, PASS, when=bench.is_create)
            if attempt % 3 == 1:
                bench.proxy.plan(FAULTS[attempt % 2])
            outcomes.append(await delivered(bench.desk, ticket))
        bench.proxy.forget()
        assert await bench.agent.counts(ticket.correlation_id) == 1
        made = {outcome.ticket.id for outcome in outcomes if isinstance(outcome, Applied)}
        assert len(made) == 1
        assert isinstance(await delivered(bench.desk, ticket), Applied)

    @pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f"{f.kind}-{f.status}")
    async def test_whatever_fails_first_there_is_one_ticket(
        self, bench: Bench, fault: Fault
    ) -> None:
        ticket = an_escalation(queue=bench.queues[0])
        bench.proxy.plan(fault, when=bench.is_create)
        await delivered(bench.desk, ticket)
        bench.proxy.forget()
        assert isinstance(await delivered(bench.desk, ticket), Applied)
        assert await bench.agent.counts(ticket.correlation_id) == 1

    async def test_a_request_that_is_still_at_work_is_waited_for(self, bench: Bench) -> None:
        ticket = an_escalation(queue=bench.queues[0])
        bench.proxy.plan(cut_and_later(0.5), when=bench.is_create)
        looks = (0.1, 1, 2, 4, 8)
        outcome = await deliver_once(bench.desk, ticket, tries=2, look_seconds=looks)
        await bench.proxy.finish()
        assert isinstance(outcome, Applied)
        assert await bench.agent.counts(ticket.correlation_id) == 1

    async def test_a_ticket_that_can_t_be_looked_for_is_unknown(self, bench: Bench) -> None:
        ticket = an_escalation(queue=bench.queues[0])
        lost = await self._create_then_down(bench, ticket)
        bench.proxy.forget()
        assert isinstance(lost, Applied | Unknown), "it is not said that nothing was made"
        assert isinstance(await delivered(bench.desk, ticket), Applied)
        assert await bench.agent.counts(ticket.correlation_id) == 1

    async def test_the_doctor_names_what_is_wrong(self, bench: Bench) -> None:
        _ = bench.proxy
        assert await bench.desk.problems() == []
        assert "account" in " ".join(await bench.make_desk(token=WRONG_TOKEN).problems())
        assert "reached" in " ".join(await bench.make_desk(url=a_closed_port()).problems())
        queues = {bench.queues[0]: "Queue that is not there"}
        assert "Queue that is not there" in " ".join(
            await bench.make_desk(queues=queues).problems()
        )

    @staticmethod
    async def _create_then_down(bench: Bench, ticket: NewTicket) -> Outcome | TicketSystemError:
        """The answer to the making is lost, and then nothing can be asked for a while."""

        def after_create(method: str, path: str) -> bool:
            return any(bench.is_create(*earlier) for earlier in bench.proxy.seen[:-1])

        bench.proxy.seen.clear()
        bench.proxy.plan(CUT_AFTER, when=bench.is_create)
        bench.proxy.plan(*[answered(503)] * 20, when=after_create)
        return await delivered(bench.desk, ticket)
