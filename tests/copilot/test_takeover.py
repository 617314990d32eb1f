"""While an agent has the case, what the employee writes goes to the agent, and the copilot is silent."""

import asyncio

import pytest

from copilot.conversation import Inquiry, Reply, Takeover
from copilot.errors import UnknownThreadError
from integrations.wiring import App
from tests.copilot.conftest import NOW, Ask

PERSON = "Please let a person look at my printer."


def takeover(*, active: bool = True, thread: str = "thread-1", agent: str = "lena.vos") -> Takeover:
    return Takeover(thread_id=thread, agent=agent, active=active, at=NOW)


def is_receipt(reply: Reply) -> bool:
    return reply.policy.rules == ("held_by_agent",)


async def test_the_agent_gets_the_words_and_the_employee_a_receipt(app: App, ask: Ask) -> None:
    opened = await ask(PERSON)
    assert opened.ticket is not None
    await app.copilot.follow_up(takeover())
    reply = await ask("How do I install the VPN client? my password is Tr0ub4dor&3x")
    assert is_receipt(reply)
    assert reply.ticket is not None
    assert reply.ticket.id == opened.ticket.id
    assert reply.citations == ()
    assert "Lena" in reply.text
    view = await app.desk.ticket(opened.ticket.id)
    assert view is not None
    assert (view.line.assignee, view.line.status) == ("lena.vos", "in_progress")
    said = [step for step in view.history if step.kind == "said"]
    assert [step.by for step in said] == ["dana.reed"]
    assert "VPN client" in str(said[0].note)
    assert "Tr0ub4dor" not in str(said[0].note)


async def test_once_handed_back_it_answers_again(app: App, ask: Ask) -> None:
    await ask(PERSON)
    await app.copilot.follow_up(takeover())
    await app.copilot.follow_up(takeover(active=False))
    assert not is_receipt(await ask("How do I install the VPN client?"))


async def test_a_resolved_case_holds_nobody(app: App, ask: Ask) -> None:
    opened = await ask(PERSON)
    await app.copilot.follow_up(takeover())
    assert opened.ticket is not None
    await app.desk.set_status(opened.ticket.id, "resolved", key="r1", by="lena.vos", at=NOW)
    again = await ask("The printer is broken again.")
    assert not is_receipt(again)


async def test_other_conversations_of_the_person_go_on(app: App, ask: Ask) -> None:
    await ask(PERSON)
    await app.copilot.follow_up(takeover())
    assert not is_receipt(await ask("How do I install the VPN client?", thread="thread-2"))


async def test_the_second_agent_does_not_get_it(app: App, ask: Ask) -> None:
    opened = await ask(PERSON)
    assert opened.ticket is not None
    both = (takeover(), takeover(agent="tom.becker"))
    await asyncio.gather(*map(app.copilot.follow_up, both))
    view = await app.desk.ticket(opened.ticket.id)
    assert view is not None
    assert [step.kind for step in view.history].count("claimed") == 1


async def test_a_conversation_without_a_case_cannot_be_taken_over(app: App, ask: Ask) -> None:
    await ask("How do I install the VPN client?")
    with pytest.raises(UnknownThreadError, match="no open case"):
        await app.copilot.follow_up(takeover())


async def race(app: App, rounds: int) -> None:
    """A message and a claim at once: whatever is answered, is answered before the claim is through."""
    for number in range(rounds):
        thread, told = f"race-{number}", list[str]()

        async def say(name: str, text: str, thread: str, told: list[str]) -> None:
            inquiry = Inquiry(
                id=f"{thread}-{name}", text=text, user="dana.reed", thread=thread, at=NOW
            )
            reply = await app.copilot.ask(inquiry)
            told.append("receipt" if is_receipt(reply) else "answer")

        async def claim(thread: str, told: list[str], turns: int) -> None:
            for _ in range(turns):
                await asyncio.sleep(0)
            await app.copilot.follow_up(takeover(thread=thread))
            told.append("claimed")

        await say("first", PERSON, thread, told)
        await asyncio.gather(
            say("next", "How do I install the VPN client?", thread, told),
            claim(thread, told, number % 40),
        )
        await say("last", "And on my Mac?", thread, told)
        after = told[told.index("claimed") :]
        assert "answer" not in after, told
        assert told[-1] == "receipt"


async def test_nothing_is_answered_after_a_claim(app: App) -> None:
    await race(app, 20)


@pytest.mark.soak
async def test_nothing_is_answered_after_a_claim_in_two_hundred_rounds(app: App) -> None:
    await race(app, 200)
