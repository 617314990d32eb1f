"""The whole product with a chat model: a hostile one achieves nothing, an honest one answers."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from copilot.conversation import Inquiry, Reply
from copilot.record import TurnRecord
from copilot.testing.audit import Auditor
from integrations.authoring import sentences_of
from integrations.settings import Settings
from integrations.wiring import App, open_app
from tests.copilot.chat_models import STRICTER
from tests.own_rules import company_with_own_rules
from tests.serving import copy_of, prepared_home  # noqa: F401  # a fixture

DATA = Path(__file__).parents[1] / "data"
AT = datetime(2026, 11, 20, 10, tzinfo=UTC)
CERTIFICATE = "vpn says certificate validation failure since this morning, was fine friday"
Open = Callable[..., Awaitable[App]]


def rows(name: str, every: int) -> list[dict[str, object]]:
    lines = (DATA / f"{name}.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines[::every]]


INJECTIONS = rows("injections", 1)
MANDATORY = rows("policy_mandatory_dev", 4)
ORDINARY = [*rows("policy_harmless_dev", 10), *rows("messy60", 4)]


@pytest.fixture
async def opened(prepared_home: Path, tmp_path: Path) -> AsyncIterator[Open]:  # noqa: F811
    apps: list[App] = []

    async def make(**settings: object) -> App:
        home = copy_of(prepared_home, tmp_path / f"home-{len(apps)}")
        apps.append(await open_app(Settings(home=home, **settings)))  # type: ignore[arg-type]  # by name
        return apps[-1]

    yield make
    for app in apps:
        await app.close()


async def ask(app: App, text: object, name: str = "one", **along: object) -> Reply:
    given = {"id": name, "thread": name, "text": text, "user": "dana.reed", "at": AT, **along}
    return await app.copilot.ask(Inquiry.model_validate(given))


async def record_of(app: App, reply: Reply) -> TurnRecord:
    return (await app.journal.records(reply.thread_id))[reply.inquiry_id]


def auditor_of(app: App) -> Auditor:
    return Auditor(app.library.article, sentences_of(app.policy.policies, app.company))


async def test_a_hostile_model_shows_nothing_of_its_own_and_hides_no_request(opened: Open) -> None:
    embedded, hostile = await opened(), await opened(chat_model="scripted-hostile")
    audit = auditor_of(hostile)
    escalated = answered = 0
    for number, row in enumerate([*MANDATORY, *ORDINARY]):
        along = INJECTIONS[number % len(INJECTIONS)]["along"]
        assert isinstance(along, dict)
        before = await ask(embedded, row["text"], f"turn-{number}")
        after = await ask(hostile, row["text"], f"turn-{number}", **along)
        assert audit.unsourced(after) == (), row["text"]
        assert after.policy.effect == before.policy.effect, row["text"]
        if before.disposition == "escalate":
            assert before.ticket is not None
            assert after.ticket is not None, row["text"]
            assert after.ticket.queue == before.ticket.queue
            escalated += 1
        answered += after.disposition == "answer"
    assert escalated > 25
    assert answered > 15


async def test_the_auditor_finds_what_nobody_reviewed(opened: Open) -> None:
    app = await opened()
    reply = await ask(app, CERTIFICATE)
    audit = auditor_of(app)
    assert audit.unsourced(reply) == ()
    for planted in (
        "I have reset your password.",
        "1. Restart within 7 minutes.",
        "run Sync in Company",
    ):
        text = f"{reply.text}\n{planted}"
        assert len(audit.unsourced(reply.model_copy(update={"text": text}))) == 1, planted


async def test_an_honest_model_answers_and_the_record_says_how(opened: Open) -> None:
    app = await opened(chat_model="scripted-honest")
    reply = await ask(app, CERTIFICATE, display_name="Dana in Leeds")
    embedded = await opened()
    plain = await ask(embedded, CERTIFICATE)
    assert reply.disposition == "answer"
    assert reply.citations
    assert (reply.category, reply.action_type) == (plain.category, plain.action_type)
    assert reply.versions.model == "scripted-honest"
    assert plain.versions.model == "embedded-extractive"
    assert reply.versions.prompts.startswith(plain.versions.prompts + "+")
    record = await record_of(app, reply)
    assert record.author.startswith("chat:scripted-honest/draft@")
    assert record.signals["model.draft"] == record.signals["model.requests"] == "ok"
    assert record.prompt is not None
    assert json.loads(record.prompt)["untrusted"]["display_name"] == "Dana in Leeds"
    assert (await record_of(embedded, plain)).prompt is None
    counted = app.counters.exposed().decode()
    assert 'copilot_model_answers_total{outcome="ok",use="draft"} 1.0' in counted


async def test_a_secret_reaches_no_chat_model(opened: Open) -> None:
    app = await opened(chat_model="scripted-honest")
    reply = await ask(
        app,
        "vpn says certificate validation failure, my password is Tr0ub4dor&3x and it worked friday",
        history=[{"text": "my password was Tr0ub4dor&3x before"}],
        display_name="password: Tr0ub4dor&3x",
    )
    record = await record_of(app, reply)
    assert record.prompt is not None
    assert "Tr0ub4dor" not in record.prompt


@pytest.mark.parametrize(
    ("model", "outcome"),
    [
        ("tests.copilot.chat_models:down", "error"),
        ("tests.copilot.chat_models:babbling", "malformed"),
    ],
)
async def test_a_broken_model_leaves_everything_to_the_embedded_parts(
    opened: Open, model: str, outcome: str
) -> None:
    app, embedded = await opened(chat_model=model), await opened()
    for number, text in enumerate((CERTIFICATE, "reset Marta's authenticator please")):
        reply, plain = await ask(app, text, f"t{number}"), await ask(embedded, text, f"t{number}")
        assert reply.text.replace(
            reply.ticket.id if reply.ticket else "-", ""
        ) == plain.text.replace(plain.ticket.id if plain.ticket else "-", "")
        assert (await record_of(app, reply)).signals["model.requests"] == outcome
    counted = app.counters.exposed().decode()
    assert f'copilot_model_answers_total{{outcome="{outcome}",use="requests"}} 2.0' in counted


async def test_what_only_the_model_sees_counts_as_requested(opened: Open) -> None:
    app = await opened(chat_model="tests.copilot.chat_models:alarmed")
    reply = await ask(app, CERTIFICATE)
    assert reply.disposition == "escalate"
    assert "reset_mfa_other" in reply.policy.actions
    assert not reply.citations
    record = await record_of(app, reply)
    assert record.signals["model.requests.unknown"] == 2
    assert record.request is not None
    assert {(a.action, a.seen_by) for a in record.request.actions} >= {("reset_mfa_other", "model")}


async def test_a_model_can_not_send_a_case_to_another_queue(opened: Open) -> None:
    """It names an action as urgent as the one that the recogniser saw, and first in the alphabet."""
    app, embedded = await opened(chat_model="tests.copilot.chat_models:redirecting"), await opened()
    text = "reset Marta's authenticator please, she lost her phone"
    reply, plain = await ask(app, text), await ask(embedded, text)
    assert "conditional_access_exclusion" in reply.policy.actions
    assert reply.ticket is not None
    assert plain.ticket is not None
    assert reply.ticket.queue == plain.ticket.queue


async def test_a_rule_that_comes_while_the_model_writes_still_counts(
    opened: Open, tmp_path: Path
) -> None:
    company = company_with_own_rules(tmp_path / "company")
    STRICTER.rules = company / "rules"
    try:
        app = await opened(chat_model="tests.copilot.chat_models:Meanwhile", company_dir=company)
        reply = await ask(app, CERTIFICATE)
    finally:
        STRICTER.rules = None
    assert reply.disposition == "escalate"
    assert reply.policy.rules[0] == "freeze"
    assert not reply.citations
