"""What every ticket desk must do, whoever made the system behind it.

A system's test file has a class that inherits from `TicketDeskContract` and a fixture `bench`. What a system can't do
is skipped with its reason, by the capabilities that its desk states.
"""

from uuid import uuid4

import pytest

from copilot.conversation import Environment
from integrations.tickets.port import Conflict, Rejected, RemoteStatus, Visibility
from tests.integrations.tickets.bench import (
    HANDOFF_VALUES,
    HOSTILE,
    STATUSES,
    TEXTS,
    UNKNOWN_TICKETS,
    Bench,
    an_escalation,
    changes_since,
    done,
    now,
    opened,
    shown,
)
from tests.integrations.tickets.contract_of_failing import FailuresAreTold
from tests.integrations.tickets.contract_of_history import ChangesAreHeardOf


class TicketsAreMade:
    async def test_a_ticket_carries_the_whole_handoff(self, bench: Bench) -> None:
        ticket = await opened(bench, requester_email="dana.reed@larkfield.example")
        seen = await bench.agent.sees(ticket.id)
        assert [value for value in HANDOFF_VALUES if value not in seen] == []
        assert "She needs it for the release tonight." in seen

    async def test_what_is_not_known_is_said_to_be_missing(self, bench: Bench) -> None:
        bare = an_escalation().handoff.model_copy(update={"environment": Environment()})
        seen = await bench.agent.sees((await opened(bench, handoff=bare)).id)
        assert "missing" in seen
        assert "None" not in seen

    async def test_a_ticket_is_read_back_as_it_was_made(self, bench: Bench) -> None:
        made = await opened(bench, "conv-read-back-" + uuid4().hex)
        assert made.system == bench.desk.system
        assert made.title == "VPN stops after ten minutes"
        assert (made.queue, made.priority) == (bench.queues[0], "P2")
        assert made.status in ("new", "open")
        assert made.url is not None
        assert await bench.desk.get(made.id) == made
        assert await bench.desk.find(made.correlation_id or "") == made
        assert await bench.make_desk().get(made.id) == made, "a second client reads the same"

    @pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
    async def test_text_arrives_unchanged(self, bench: Bench, text: str) -> None:
        ticket = await opened(bench, body=text)
        assert shown(text) in shown(await bench.agent.sees(ticket.id))

    async def test_no_line_can_be_put_into_the_head_of_a_mail(self, bench: Bench) -> None:
        made = await opened(
            bench,
            title="VPN\r\nBcc: thief@evil.example\nX-Evil: 1",
            requester_email="dana@larkfield.example\r\nBcc: thief@evil.example",
        )
        assert "\n" not in made.title
        assert "\r" not in made.title
        assert "thief" not in (made.requester or "")

    @pytest.mark.parametrize("email", [None, "", "no address", "a@b.example, c@d.example"])
    async def test_an_escalation_is_not_lost_for_a_bad_address(
        self, bench: Bench, email: str | None
    ) -> None:
        assert await bench.agent.sees((await opened(bench, requester_email=email)).id)

    async def test_a_title_that_is_too_long_is_cut(self, bench: Bench) -> None:
        made = await opened(bench, title="why " * 2_000)
        assert made.title.startswith("why why")

    async def test_an_unknown_queue_is_rejected(self, bench: Bench) -> None:
        outcome = await bench.desk.create(an_escalation(queue="no-such-queue"))
        assert isinstance(outcome, Rejected)
        assert "no-such-queue" in outcome.reason


class TicketsAreFound:
    async def test_what_is_not_there_is_not_found(self, bench: Bench) -> None:
        await opened(bench)
        assert await bench.desk.find("conv-of-nobody") is None

    async def test_an_id_finds_its_own_ticket_only(self, bench: Bench) -> None:
        await opened(bench)
        for hostile in HOSTILE:
            mine = f"{hostile} {uuid4().hex}"
            assert await bench.desk.find(hostile) is None, f"{hostile} is no pattern and no code"
            assert await bench.desk.find(mine) is None
            made = await opened(bench, mine)
            found = await bench.desk.find(mine)
            assert found is not None, f"{hostile} is found"
            assert (found.id, found.correlation_id) == (made.id, mine)

    async def test_an_id_is_not_another_for_its_case_or_its_end(self, bench: Bench) -> None:
        made = await opened(bench, f"Conv-{uuid4().hex}")
        mine = made.correlation_id or ""
        for other in (mine.upper(), mine.lower(), mine[:-1], f"{mine} ", f"{mine}x"):
            assert await bench.desk.find(other) is None

    async def test_an_unknown_ticket_is_told_as_such(self, bench: Bench) -> None:
        await opened(bench)
        desk = bench.desk
        for ticket_id in UNKNOWN_TICKETS:
            assert await desk.get(ticket_id) is None
            assert not await desk.has_comment(ticket_id, "k")
            for outcome in (
                await desk.comment(ticket_id, "hello", visibility="internal", key="k"),
                await desk.set_status(ticket_id, "resolved"),
                await desk.move(ticket_id, bench.queues[1]),
                await desk.link(ticket_id, "https://wiki.example/1"),
            ):
                assert isinstance(outcome, Rejected), outcome
                assert outcome.reason


class TicketsAreChanged:
    @pytest.mark.parametrize("visibility", ["internal", "public"])
    async def test_a_comment_is_written_and_found_again(
        self, bench: Bench, visibility: Visibility
    ) -> None:
        if visibility == "internal" and not bench.desk.capabilities.internal_notes:
            pytest.skip(f"{bench.desk.system} has no internal notes")
        ticket, other = await opened(bench), await opened(bench)
        start = await now(bench.desk)
        key = f"k'%-{uuid4()}"
        assert not await bench.desk.has_comment(ticket.id, key)
        text = f"it works on 🙂\n\nanother laptop {TEXTS['html']}"
        done(await bench.desk.comment(ticket.id, text, visibility=visibility, key=key))
        assert await bench.desk.has_comment(ticket.id, key)
        assert not await bench.desk.has_comment(ticket.id, "k%")
        assert not await bench.desk.has_comment(other.id, key)
        assert shown(text) in shown(await bench.agent.sees(ticket.id))
        [change] = [
            c
            for c in await changes_since(bench.desk, start)
            if c.ticket_id == ticket.id and c.kind == "comment"
        ]
        assert (change.visibility, change.actor_is_us) == (visibility, True)
        assert shown(change.text or "") == shown(text), "without the mark that it is found by"

    async def test_text_that_no_system_can_store_is_mended(self, bench: Bench) -> None:
        ticket = await opened(bench)
        done(
            await bench.desk.comment(
                ticket.id, "a\x00b\x1b[31m \ud800", visibility="public", key="k"
            )
        )
        assert await bench.desk.has_comment(ticket.id, "k")

    @pytest.mark.parametrize("status", STATUSES)
    async def test_every_state_is_reached_and_left(
        self, bench: Bench, status: RemoteStatus
    ) -> None:
        ticket = await opened(bench)
        for wanted in (status, status, "open", status):
            assert done(await bench.desk.set_status(ticket.id, wanted)).status == bench.read_as.get(
                wanted, wanted
            )
        seen = await bench.make_desk().get(ticket.id)
        assert seen is not None
        assert seen.status == bench.read_as.get(status, status)

    async def test_a_state_that_the_system_does_not_know_is_rejected(self, bench: Bench) -> None:
        _ = bench.proxy
        ticket = await opened(bench)
        desk = bench.make_desk(
            statuses={**{s: s for s in STATUSES}, "pending_vendor": "no such state"}
        )
        outcome = await desk.set_status(ticket.id, "pending_vendor")
        assert isinstance(outcome, Rejected), "also where the system answers 200"
        assert "no such state" in outcome.reason
        assert await bench.desk.get(ticket.id) == ticket, "nothing was changed"

    async def test_a_ticket_moves(self, bench: Bench) -> None:
        ticket = await opened(bench)
        assert done(await bench.desk.move(ticket.id, bench.queues[1])).queue == bench.queues[1]
        assert done(await bench.desk.move(ticket.id, bench.queues[1])).queue == bench.queues[1]
        outcome = await bench.desk.move(ticket.id, "no-such-queue")
        assert isinstance(outcome, Rejected)
        assert "no-such-queue" in outcome.reason

    async def test_a_ticket_is_linked(self, bench: Bench) -> None:
        ticket, other = await opened(bench), await opened(bench)
        page = "https://wiki.example/vpn?a=b&c='d'"
        for _ in range(2):
            done(await bench.desk.link(ticket.id, other.id))
            linked = done(await bench.desk.link(ticket.id, page))
        assert sorted(linked.links) == sorted([other.id, page])

    async def test_nobody_else_s_change_is_overwritten(self, bench: Bench) -> None:
        if not bench.desk.capabilities.optimistic_lock:
            pytest.skip(f"{bench.desk.system} has no versions")
        ticket = await opened(bench)
        await bench.agent.replies(ticket.id, "I am on it")
        for outcome in (
            await bench.desk.set_status(ticket.id, "resolved", version=ticket.version),
            await bench.desk.move(ticket.id, bench.queues[1], version=ticket.version),
        ):
            assert isinstance(outcome, Conflict), outcome
        seen = await bench.desk.get(ticket.id)
        assert seen is not None
        assert seen.status != "resolved"
        assert isinstance(outcome, Conflict)
        assert outcome.version == seen.version
        assert (
            done(await bench.desk.set_status(ticket.id, "resolved", version=seen.version)).status
            == "resolved"
        )


class TicketDeskContract(
    TicketsAreMade, TicketsAreFound, TicketsAreChanged, ChangesAreHeardOf, FailuresAreTold
):
    """All of it."""
