"""The log as it is read from a store that the product itself wrote, and the command over it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from copilot.conversation import Feedback, Inquiry, Reply
from integrations.outcomes.deciding import decide
from integrations.outcomes.reading import cases
from integrations.settings import Settings
from integrations.wiring import App, open_app
from tests.terminal import run

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
VPN = "The VPN says certificate validation failure"
PERSON = "Please let a person look at my printer."


async def say(app: App, name: str, text: str, days: float = 0, user: str = "dana.reed") -> Reply:
    at = NOW + timedelta(days=days)
    thread = name.partition("-")[0]
    return await app.copilot.ask(Inquiry(id=name, text=text, user=user, thread=thread, at=at))


async def react(app: App, name: str, verdict: str, days: float, user: str = "dana.reed") -> None:
    at = NOW + timedelta(days=days)
    given = {"inquiry_id": name, "user": user, "verdict": verdict, "at": at}
    await app.copilot.follow_up(Feedback.model_validate(given))


async def happened(app: App) -> None:
    """Five people and what became of their questions."""
    await say(app, "a-1", VPN)
    await react(app, "a-1", "fixed", 0.1)
    await say(app, "b-1", VPN, days=3)
    await say(app, "c-1", VPN, user="omar.haddad")
    await react(app, "c-1", "good_answer", 0.1, user="omar.haddad")
    opened = await say(app, "d-1", PERSON, user="priya.nair")
    assert opened.ticket is not None
    await app.desk.set_status(
        opened.ticket.id, "resolved", key="r", by="lena.vos", at=NOW, minutes=12,
        resolution="solved_by_agent",
    )  # fmt: skip
    await app.ratings.rate(
        opened.ticket.id, agent="lena.vos", verdict="complete", note=None, key="k", at=NOW
    )
    await say(app, "e-1", "Thanks, it works now!", user="tom.becker")


async def test_what_happened_is_what_is_read(home: Path) -> None:
    app = await open_app(Settings(home=home), clock=lambda: NOW)
    await happened(app)
    found = {case.talk.thread_id: case for case in await cases(app.journal.database)}
    decided = {name: decide(case).outcome for name, case in found.items()}
    assert decided["a"] == "reopened"
    assert decided["b"] == "unknown"
    assert decided["c"] == "likely"
    assert decided["d"] == "escalated"
    ticket = found["d"].talk
    assert (ticket.minutes, ticket.resolution, ticket.handoff_complete) == (
        12,
        "solved_by_agent",
        True,
    )
    assert ticket.has("closed")
    assert dict(found["a"].talk.versions)["policy"]

    await app.forget("omar.haddad")
    assert "c" not in {case.talk.thread_id for case in await cases(app.journal.database)}
    await app.close()


async def test_the_command_tells_it(home: Path, tmp_path: Path) -> None:
    app = await open_app(Settings(home=home), clock=lambda: NOW)
    await happened(app)
    await app.close()
    told = json.loads(run("outcomes", "--json", "--home", home).out)
    assert told["conversations"] == 6  # one is of the prepared home
    assert told["outcomes"]["escalated"] == 1
    assert told["tier2_minutes"] == 12
    later = run(
        "outcomes", "--json", "--since", "2026-11-04", "--until", "2026-11-20", "--home", home
    )
    assert json.loads(later.out)["conversations"] == 1
    rates = json.loads(run("outcomes", "--definitions", "--json", "--home", home).out)
    assert {rate["name"]: rate["wins"] for rate in rates}["This product"] == 0
    assert len(rates) == 9
    printed = run("outcomes", "--definitions", "--home", home).out
    assert "check before quoting" in printed
    out = tmp_path / "records.jsonl"
    run("outcomes", "--out", out, "--home", home)
    records = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert {record["thread"]: record["outcome"] for record in records}["a"] == "reopened"
    assert "validation failure" not in out.read_text("utf-8")


def test_an_empty_home_has_no_outcomes(home: Path) -> None:
    told = run("outcomes", "--home", home)
    assert told.code == 0
    assert "conversations" in told.out
