"""Conversations: follow-ups, clarifying questions, people, cases that come back."""

from datetime import timedelta

import pytest

from copilot.conversation import Feedback, Inquiry
from copilot.errors import (
    ForeignThreadError,
    InquiryConflictError,
    UnknownInquiryError,
    UnknownUserError,
)
from integrations.wiring import App
from tests.copilot.conftest import NOW, Ask

PRINTER = "the office printer LARK-FindMe doesnt show up on my laptop"


async def test_two_failed_tries_bring_a_person_who_sees_what_was_tried(ask: Ask) -> None:
    first = await ask(PRINTER)
    assert first.disposition == "answer"
    second = await ask("did that, restarted the laptop too, still not there")
    third = await ask("nope, still broken")
    assert third.disposition == "escalate"
    assert third.handoff is not None
    shown = {c.article_id for reply in (first, second) for c in reply.citations}
    assert {e.article_id for e in third.handoff.evidence} & shown
    assert any("restarted" in step.step for step in third.handoff.attempted_steps)
    assert all(step.outcome == "failed" for step in third.handoff.attempted_steps)


async def test_a_person_is_brought_at_once_when_asked_for(ask: Ask) -> None:
    reply = await ask("can I just talk to a human please")
    assert reply.disposition == "escalate"
    assert reply.handoff is not None
    assert reply.handoff.reason_code == "human_requested"


async def test_it_works_thanks_is_recorded_as_resolved(ask: Ask) -> None:
    await ask(PRINTER)
    reply = await ask("it works now, thanks a lot!")
    assert reply.disposition == "answer"
    assert reply.resolved is True


async def test_more_about_an_open_case_goes_to_the_same_ticket(ask: Ask) -> None:
    opened = await ask("can I talk to a person please")
    later = await ask("btw the error on the screen says 0x80070005")
    assert later.disposition == "escalate"
    assert later.ticket is not None
    assert opened.ticket is not None
    assert later.ticket.id == opened.ticket.id
    assert later.handoff is not None
    assert any("0x80070005" in message for message in later.handoff.error_messages)


async def test_who_comes_back_days_later_is_connected_to_the_earlier_case(ask: Ask) -> None:
    opened = await ask(
        "I need a real person, the scanner at my desk is on fire again", thread="old"
    )
    again = await ask(
        "its happening again, same thing as last week", thread="new", at=NOW + timedelta(days=5)
    )
    assert opened.ticket is not None
    assert again.ticket is not None
    assert again.ticket.id == opened.ticket.id
    assert again.resolved is False


async def test_a_clarifying_question_offers_choices_and_takes_their_number(ask: Ask) -> None:
    asked = None
    for number, text in enumerate(
        ("cant get in", "it won't let me sign in", "access denied again", "login broken")
    ):
        asked = await ask(text, thread=f"clarify-{number}")
        if asked.disposition == "clarify" and asked.choices:
            break
    assert asked is not None
    assert asked.disposition == "clarify"
    assert asked.choices
    assert asked.choices[0] in asked.text
    chosen = await ask("1", thread=asked.thread_id)
    assert chosen.disposition in ("answer", "escalate")


async def test_there_is_at_most_one_clarifying_question(ask: Ask) -> None:
    replies = [await ask(text) for text in ("it wont work", "the thing", "you know, that")]
    assert sum(reply.disposition == "clarify" for reply in replies) <= 1


async def test_the_same_inquiry_twice_gives_the_stored_reply(app: App) -> None:
    inquiry = Inquiry(id="one", text=PRINTER, user="dana.reed", at=NOW)
    first = await app.copilot.ask(inquiry)
    assert await app.copilot.ask(inquiry) == first


async def test_the_same_id_with_other_words_is_refused(app: App) -> None:
    await app.copilot.ask(Inquiry(id="one", text=PRINTER, user="dana.reed", at=NOW))
    with pytest.raises(InquiryConflictError, match="new id"):
        await app.copilot.ask(Inquiry(id="one", text="something else", user="dana.reed", at=NOW))


async def test_another_persons_conversation_is_refused(ask: Ask) -> None:
    await ask(PRINTER)
    with pytest.raises(ForeignThreadError):
        await ask("and for me?", user="omar.haddad")


async def test_nobody_the_directory_knows_is_refused(ask: Ask) -> None:
    with pytest.raises(UnknownUserError, match="knows nobody"):
        await ask("hello", user="nobody.here")


async def test_feedback_is_kept_with_its_turn(ask: Ask, app: App) -> None:
    reply = await ask(PRINTER)
    await app.copilot.follow_up(
        Feedback(inquiry_id=reply.inquiry_id, user="dana.reed", verdict="fixed", at=NOW)
    )
    view = await app.journal.thread(reply.thread_id, "dana.reed")
    assert view is not None
    assert view.turns[0].outcome == "fixed"
    with pytest.raises(UnknownInquiryError):
        await app.copilot.follow_up(
            Feedback(inquiry_id="never", user="dana.reed", verdict="fixed", at=NOW)
        )


async def test_a_case_that_was_fixed_is_resolved_at_the_desk(app: App, ask: Ask) -> None:
    reply = await ask("can a person please call me, I would rather talk to a human")
    assert reply.ticket is not None
    said = Feedback(inquiry_id=reply.inquiry_id, user="dana.reed", verdict="fixed", at=NOW)
    for _ in range(2):
        await app.copilot.follow_up(said)
    ticket = await app.desk.ticket(reply.ticket.id)
    assert ticket is not None
    assert ticket.line.status == "resolved"
    assert [step.status for step in ticket.history].count("resolved") == 1


@pytest.mark.parametrize("said", ["all done, no difference", "did the rest as well, no change"])
async def test_steps_without_effect_are_never_taken_for_a_solution(ask: Ask, said: str) -> None:
    await ask("Outlook keeps crashing when I open it")
    reply = await ask(said)
    assert reply.resolved is not True
    assert reply.disposition in ("answer", "escalate")


async def test_an_offered_choice_asks_for_nothing_but_what_was_offered(ask: Ask) -> None:
    for number, text in enumerate(
        ("it doesn't work", "help with the thing", "it is broken", "error")
    ):
        asked = await ask(text, thread=f"none-{number}")
        if asked.disposition == "clarify" and asked.choices:
            break
    assert asked.choices
    reply = await ask(asked.choices[-1], thread=asked.thread_id)
    assert reply.policy.effect == "permit"
    assert reply.ticket is not None
    assert reply.ticket.queue == "service-desk"


@pytest.mark.parametrize(
    "text",
    [
        "can I talk to a human please",
        "Ik wil een mens spreken",
        "ich möchte mit einem Menschen sprechen",
    ],
)
async def test_a_plea_for_a_person_is_filed_as_one(ask: Ask, text: str) -> None:
    reply = await ask(text)
    assert reply.handoff is not None
    assert reply.handoff.reason_code == "human_requested"


async def test_an_incident_keeps_its_reason_although_the_writer_wants_to_be_called(
    ask: Ask,
) -> None:
    reply = await ask("can someone call me, laptop stolen")
    assert reply.handoff is not None
    assert reply.handoff.queue == "endpoint-security"
    assert reply.handoff.priority == "P1"
    assert reply.handoff.reason_code != "human_requested"
