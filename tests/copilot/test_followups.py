"""What is said after an answer: questions about it, thanks, anger, pleas for a person."""

import pytest

from integrations.wiring import App
from tests.copilot.conftest import Ask

OFFLINE = "the printer LARK-FindMe shows offline"
EXPIRED = {
    "de": "mein Passwort ist abgelaufen",
    "nl": "mijn wachtwoord is verlopen",
    "fr": "l'imprimante LARK-FindMe est hors ligne",
    "es": "la impresora LARK-FindMe aparece sin conexión",
}


@pytest.mark.parametrize(
    "said", ["ok, how long does that take", "thanks! how long does that take usually"]
)
async def test_a_question_within_thanks_is_a_question(ask: Ask, said: str) -> None:
    first = await ask(OFFLINE)
    reply = await ask(said)
    assert reply.disposition == "answer"
    assert "welcome" not in reply.text
    assert {c.article_id for c in reply.citations} == {c.article_id for c in first.citations}
    assert "minutes" in reply.text


async def test_how_long_an_open_case_takes_is_told_by_its_promise(ask: Ask) -> None:
    opened = await ask("can I talk to a human please")
    reply = await ask("ok, how long does that take")
    assert opened.ticket is not None
    assert opened.ticket.id in reply.text
    assert "8 working hours" in reply.text or "1 hour" in reply.text
    assert reply.disposition == "answer"


async def test_a_duration_that_no_article_states_is_not_invented(ask: Ask) -> None:
    reply = await ask("how long does a visio licence request take")
    assert "no duration" in reply.text
    assert "FORM-SW-01" in reply.text


async def test_a_step_is_explained_as_it_was_shown_with_what_the_article_adds(ask: Ask) -> None:
    first = await ask(OFFLINE)
    second = next(line for line in first.text.splitlines() if line.startswith("2. "))
    reply = await ask("can you explain step 2")
    assert second in reply.text
    assert "The article also says" in reply.text
    assert reply.disposition == "answer"
    third = await ask("what do you mean by the third step")
    assert "Step 3" in third.text


async def test_a_step_that_does_not_exist_is_not_made_up(ask: Ask) -> None:
    await ask(OFFLINE)
    reply = await ask("can you explain step 11")
    assert "no step 11" in reply.text


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("de", "kannst du Schritt 2 erklären?"),
        ("nl", "wat bedoel je met stap 2"),
        ("fr", "tu peux expliquer l'étape 2"),
        ("es", "qué quieres decir con el paso 2"),
    ],
)
async def test_steps_are_explained_in_the_employees_language(
    ask: Ask, language: str, said: str
) -> None:
    first = await ask(EXPIRED[language], user="priya.nair")
    assert first.disposition == "answer"
    second = next(line for line in first.text.splitlines() if line.startswith("2. "))
    reply = await ask(said, user="priya.nair")
    assert reply.language == language
    assert second in reply.text
    assert "Step" not in reply.text.replace(second, "").split("\n")[1]


@pytest.mark.parametrize("said", ["where do I find that", "where is that?", "wo finde ich das"])
async def test_where_something_is_comes_from_the_steps(ask: Ask, said: str) -> None:
    await ask(OFFLINE)
    reply = await ask(said)
    assert reply.disposition == "answer"
    assert "Settings > Bluetooth & devices" in reply.text


async def test_anger_brings_the_offer_of_a_person_and_then_the_person(ask: Ask) -> None:
    await ask(OFFLINE)
    first = await ask("this is useless garbage")
    assert first.disposition == "answer"
    assert "dropped" not in first.text
    assert first.text.count("talk to a person") == 1
    second = await ask("what utter rubbish, a total waste of my time")
    assert second.disposition == "escalate"
    assert second.handoff is not None
    assert second.handoff.category == "printer"


async def test_never_mind_still_drops_it(ask: Ask) -> None:
    await ask(OFFLINE)
    reply = await ask("never mind, it can wait")
    assert reply.disposition == "answer"
    assert reply.ticket is None


@pytest.mark.parametrize(
    "said",
    [
        "geen verschil",
        "kein Unterschied",
        "aucune différence",
        "ninguna diferencia",
        "no difference",
    ],
)
async def test_no_difference_is_a_failed_step_in_every_language(ask: Ask, said: str) -> None:
    await ask("Outlook keeps crashing when I open it")
    reply = await ask(said)
    assert reply.resolved is False
    assert reply.disposition in ("answer", "escalate")


@pytest.mark.parametrize(
    "said",
    [
        "ça marche, merci",
        "danke, jetzt geht es",
        "funciona, gracias",
        "het werkt weer, bedankt",
        "it works thanks",
    ],
)
async def test_it_works_with_thanks_is_recorded_as_resolved(ask: Ask, said: str) -> None:
    await ask("Outlook keeps crashing when I open it")
    assert (await ask(said)).resolved is True


async def test_an_open_ticket_is_resolved_when_it_works_in_any_language(app: App, ask: Ask) -> None:
    opened = await ask("ik wil graag een mens spreken over mijn laptop")
    assert opened.ticket is not None
    reply = await ask("het werkt weer, bedankt")
    assert reply.resolved is True
    ticket = await app.desk.ticket(opened.ticket.id)
    assert ticket is not None
    assert ticket.line.status == "resolved"


async def test_agreeing_to_fill_in_a_form_is_no_success(ask: Ask) -> None:
    await ask("Outlook keeps crashing when I open it")
    reply = await ask("ok ça marche, je remplis le formulaire")
    assert reply.resolved is not True


@pytest.mark.parametrize("said", ["it doesn't work", "????", "help", "HELP!!", "es geht nicht"])
async def test_a_message_without_content_brings_one_question_and_then_a_person(
    ask: Ask, said: str
) -> None:
    reply = await ask(said)
    assert reply.disposition == "clarify"
    assert "VPN" in reply.choices
    assert not any("person" in choice for choice in reply.choices)
    again = await ask("help!")
    assert again.disposition == "escalate"


async def test_a_chosen_category_goes_to_its_people(ask: Ask) -> None:
    asked = await ask("it doesn't work")
    reply = await ask(str(asked.choices.index("VPN") + 1))
    assert reply.disposition == "escalate"
    assert reply.category == "vpn"
    assert reply.ticket is not None
    assert reply.ticket.queue == "network"


async def test_the_last_choice_is_taken_by_its_number(ask: Ask) -> None:
    asked = await ask("it doesn't work")
    reply = await ask(str(len(asked.choices)))
    assert reply.disposition == "escalate"
    assert reply.ticket is not None
    assert reply.ticket.queue == "service-desk"


async def test_the_question_is_answered_in_free_words_too(ask: Ask) -> None:
    await ask("????")
    reply = await ask("my outlook keeps crashing when I open it")
    assert reply.disposition == "answer"
    assert reply.category == "email_collaboration"


@pytest.mark.parametrize(
    ("said", "first"),
    [
        ("can i use zoom for client calls yes or no", "Yes: "),
        ("can I reuse an old password", "No"),
        ("does the vpn work in japan", "Yes"),
        ("do sms codes still work", "No, "),
    ],
)
async def test_a_yes_no_question_is_answered_first(ask: Ask, said: str, first: str) -> None:
    reply = await ask(said)
    assert reply.text.startswith(first)


@pytest.mark.parametrize(
    "said",
    [
        "can i use the vpn from brazil",
    ],
)
async def test_no_yes_or_no_is_said_where_the_article_does_not_say_it(ask: Ask, said: str) -> None:
    reply = await ask(said)
    assert not reply.text.startswith(("Yes", "No:"))


@pytest.mark.parametrize(
    "said",
    [
        "Ik wil een mens spreken",
        "je veux parler à quelqu'un",
        "ich möchte mit einem Menschen reden",
        "quiero hablar con una persona",
        "mens aub",
        "human pls",
        "ik wil een mens sprekn aub",
        "je voudrai parlé a un humain svp",
        "quiero hablar con una persna",
        "een medewerker graag",
    ],
)
async def test_a_wish_for_a_person_is_nothing_else(ask: Ask, said: str) -> None:
    reply = await ask(said)
    assert reply.handoff is not None
    assert reply.handoff.reason_code == "human_requested"
    assert reply.handoff.queue == "service-desk"
    assert reply.policy.effect == "permit"


@pytest.mark.parametrize(
    ("said", "category"),
    [
        ("my laptop fan is loud, please get me a person", "device_compliance"),
        ("vpn drops every hour - get me an agent", "vpn"),
        ("outlook keeps crashing, just give me a human", "email_collaboration"),
        ("la VPN se cae, quiero hablar con alguien", "vpn"),
    ],
)
async def test_a_plea_beside_a_problem_is_honoured(ask: Ask, said: str, category: str) -> None:
    reply = await ask(said)
    assert reply.handoff is not None
    assert (reply.handoff.reason_code, reply.handoff.category) == ("human_requested", category)


async def test_not_every_person_is_asked_for(ask: Ask) -> None:
    said = "the meeting room person said the wifi is off, how do I join guest wifi"
    assert (await ask(said)).disposition == "answer"


async def test_a_wish_for_a_person_hides_no_incident(ask: Ask) -> None:
    reply = await ask("call me please, my laptop was stolen")
    assert reply.handoff is not None
    assert reply.handoff.queue == "endpoint-security"
