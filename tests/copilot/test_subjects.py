"""One conversation about several things: each is treated on its own, and each case stays what it is."""

from datetime import timedelta

import pytest

from integrations.wiring import App
from tests.copilot.conftest import NOW, Ask

VPN = "my vpn says certificate validation failure"
PRINTER_OFFLINE = "also the printer on our floor shows offline, how do I get it back"


async def _open_vpn_case(ask: Ask) -> str:
    await ask(VPN)
    await ask("did that, still down")
    opened = await ask("I did all of it, still not working")
    assert opened.ticket is not None
    assert opened.category == "vpn"
    return opened.ticket.id


@pytest.mark.parametrize("days", [0, 4])
async def test_another_problem_is_answered_and_leaves_the_open_case_alone(
    app: App, ask: Ask, days: int
) -> None:
    ticket = await _open_vpn_case(ask)
    before = await app.desk.ticket(ticket)
    reply = await ask(PRINTER_OFFLINE, at=NOW + timedelta(days=days, minutes=9))
    assert reply.disposition == "answer"
    assert reply.category == "printer"
    assert ticket in reply.text
    assert await app.desk.ticket(ticket) == before


async def test_what_is_added_to_the_open_case_keeps_its_queue_and_topic(app: App, ask: Ask) -> None:
    ticket = await _open_vpn_case(ask)
    await ask(PRINTER_OFFLINE)
    added = await ask("my laptop is a dell by the way, the vpn error code is 0x800b0101")
    assert added.ticket is not None
    assert added.ticket.id == ticket
    assert ticket in added.text
    assert added.category == "vpn"
    kept = await app.desk.ticket(ticket)
    assert kept is not None
    assert kept.line.queue == "network"
    assert kept.handoff.error_messages


async def test_another_problem_that_people_must_decide_gets_a_ticket_of_its_own(
    app: App, ask: Ask
) -> None:
    ticket = await _open_vpn_case(ask)
    reply = await ask("please make me an administrator of the finance group in Entra")
    assert reply.ticket is not None
    assert reply.ticket.id != ticket
    first = await app.desk.ticket(ticket)
    assert first is not None
    assert first.line.queue == "network"
    assert len(first.history) == 1


async def test_steps_that_failed_for_one_problem_do_not_count_for_the_next(ask: Ask) -> None:
    await ask("Outlook keeps crashing when I open it")
    await ask("restarted the laptop, still crashing")
    answered = await ask("now the office printer LARK-FindMe is missing on my laptop as well")
    assert answered.category == "printer"
    failed = await ask("did that, still not there")
    assert failed.disposition == "answer"


async def test_one_failed_try_is_never_told_as_two(ask: Ask) -> None:
    await ask("the printer does not know my badge")
    reply = await ask("did that, still nothing")
    if reply.disposition == "escalate":
        assert "Two tries" not in reply.text
    again = await ask("tried that too, no change", thread=reply.thread_id)
    assert again.disposition == "escalate"


async def test_attempts_of_the_first_message_are_no_failed_answers(ask: Ask) -> None:
    await ask("vpn certificate validation failure. I restarted twice and changed nothing else")
    failed = await ask("did that, still down")
    assert failed.disposition == "answer"
    handed = await ask("that did not help either")
    assert handed.handoff is not None
    steps = handed.handoff.attempted_steps
    assert [s.step for s in steps if s.source == "employee"] == [
        "I restarted twice and changed nothing else"
    ]
    assert len([s for s in steps if s.source == "suggested_by_copilot"]) == 2


async def test_what_was_not_tried_is_not_reported_as_tried(ask: Ask) -> None:
    reply = await ask("I haven't restarted it yet, please let me talk to a person about my laptop")
    assert reply.handoff is not None
    assert reply.handoff.attempted_steps == ()


async def test_who_asks_for_a_person_again_stays_in_the_open_case(ask: Ask) -> None:
    ticket = await _open_vpn_case(ask)
    reply = await ask("can I talk to a human please")
    assert reply.ticket is not None
    assert reply.ticket.id == ticket
    assert reply.category == "vpn"


async def test_the_status_names_every_open_case_of_the_conversation(ask: Ask) -> None:
    ticket = await _open_vpn_case(ask)
    await ask(PRINTER_OFFLINE)
    reply = await ask("what is the status of my ticket?")
    assert ticket in reply.text


async def test_an_earlier_case_is_found_by_its_own_topic_not_by_the_last_message(
    app: App, ask: Ask
) -> None:
    ticket = await _open_vpn_case(ask)
    answered = await ask(PRINTER_OFFLINE)
    assert answered.disposition == "answer"
    later = NOW + timedelta(days=3)
    other = await ask("the printer is offline again", thread="later-1", at=later)
    assert other.ticket is None or other.ticket.id != ticket
    back = await ask(
        "the vpn certificate error is back again", thread="later-2", at=later + timedelta(hours=1)
    )
    assert back.ticket is not None
    assert back.ticket.id == ticket
    kept = await app.desk.ticket(ticket)
    assert kept is not None
    assert kept.line.queue == "network"


async def test_who_comes_back_with_another_problem_is_not_put_off_with_the_old_case(
    ask: Ask,
) -> None:
    ticket = await _open_vpn_case(ask)
    reply = await ask(
        "hi, I am back with another problem: the printer doesn't know my badge",
        thread="another",
        at=NOW + timedelta(days=2),
    )
    assert reply.category == "printer"
    assert ticket not in reply.text
    assert reply.ticket is None or reply.ticket.queue == "print"


async def test_a_question_about_something_else_is_no_failed_step(ask: Ask) -> None:
    ticket = await _open_vpn_case(ask)
    reply = await ask("also, how do i reset my password?")
    assert reply.category == "password_reset"
    assert reply.ticket is None or reply.ticket.id != ticket


async def test_the_same_outcome_is_no_success(ask: Ask) -> None:
    await ask("my outlook keeps crashing when I open it")
    reply = await ask("restarted it, same")
    assert reply.resolved is False
