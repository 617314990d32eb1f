"""Resolutions from the agent's word to the employee's answer, and what nobody else may see of them."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog

from copilot.conversation import Inquiry, Reply
from integrations import logs
from integrations.memory.resolutions import ResolutionRefusedError, Resolutions
from integrations.settings import Settings
from integrations.store.database import Database
from integrations.wiring import App, open_app
from knowledge.memory import memories_dir
from tests.serving import copy_of, prepared_home  # noqa: F401  # a fixture

AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
KNOWN = ("kb-0001", "kb-0002")
CANARY = "quokkawombat"
PROBLEM = f"the {CANARY} on my desk hums and the screens stay dark"


@pytest.fixture
def resolutions(database: Database) -> Resolutions:
    return Resolutions(database, digest=lambda text: f"#{len(text)}", articles=lambda: KNOWN)


async def recorded(resolutions: Resolutions, ticket: str = "T-1", **given: object) -> None:
    said = {
        "problem": "vpn stops",
        "articles": ["kb-0001"],
        "by": "agent.one",
        "person": "dana.reed",
        "at": AT,
        **given,
    }
    await resolutions.record(ticket, **said)  # type: ignore[arg-type]


async def test_what_an_agent_confirms_is_told_once(resolutions: Resolutions) -> None:
    assert not await resolutions.since(0)
    await recorded(resolutions, audience=("legal", "finance"))
    await recorded(resolutions, audience=("legal", "finance"), at=AT + timedelta(hours=1))
    changes = await resolutions.since(0)
    (told,) = changes.confirmed
    assert (told.ticket, told.problem, told.articles) == ("T-1", "vpn stops", ("kb-0001",))
    assert told.audience == ("finance", "legal")
    assert not await resolutions.since(changes.cursor)


async def test_the_latest_word_counts_and_can_be_taken_back(resolutions: Resolutions) -> None:
    await recorded(resolutions)
    before = (await resolutions.since(0)).cursor
    await recorded(resolutions, articles=["kb-0002"], confirmed="employee")
    changes = await resolutions.since(before)
    assert [r.articles for r in changes.confirmed] == [("kb-0002",)]
    assert await resolutions.withdraw("T-1", by="agent.two", at=AT)
    assert not await resolutions.withdraw("T-1", by="agent.two", at=AT)
    assert not await resolutions.withdraw("T-9", by="agent.two", at=AT)
    assert (await resolutions.since(changes.cursor)).withdrawn == {"T-1"}
    assert (await resolutions.since(0)).confirmed == ()
    await recorded(resolutions)
    assert [r.articles for r in (await resolutions.since(0)).confirmed] == [("kb-0001",)]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"articles": ["kb-0002", "kb-0666"]}, "Article 'kb-0666' is not in the knowledge base"),
        ({"articles": []}, "names no article"),
        ({"problem": " "}, "names no problem"),
        ({"by": ""}, "names no confirming person"),
        ({"audience": ()}, "names no audience"),
    ],
)
async def test_what_can_not_be_remembered_is_refused(
    resolutions: Resolutions, given: dict[str, Any], told: str
) -> None:
    with pytest.raises(ResolutionRefusedError, match=told):
        await recorded(resolutions, **given)
    assert (await resolutions.since(0)).cursor == 0


async def test_a_person_can_be_forgotten(resolutions: Resolutions, database: Database) -> None:
    await recorded(resolutions, "T-1", problem=PROBLEM)
    await recorded(resolutions, "T-2", person="omar.haddad")
    cursor = (await resolutions.since(0)).cursor
    assert await resolutions.forget("dana.reed", at=AT) == 1
    assert (await resolutions.since(cursor)).forgotten == {"T-1"}
    everything = await resolutions.since(0)
    assert [r.ticket for r in everything.confirmed] == ["T-2"]
    rows = await database.read(
        lambda db: db.exec_driver_sql("SELECT * FROM resolutions WHERE ticket_id = 'T-1'").all()
    )
    assert CANARY not in repr(rows)
    assert "dana.reed" not in repr(rows)
    assert await resolutions.forget("dana.reed", at=AT) == 0


async def test_agents_who_write_at_once_lose_nothing(resolutions: Resolutions) -> None:
    await asyncio.gather(*(recorded(resolutions, f"T-{n}") for n in range(20)))
    assert len((await resolutions.since(0)).confirmed) == 20


@pytest.fixture
async def app(prepared_home: Path, tmp_path: Path) -> AsyncIterator[App]:  # noqa: F811
    home = copy_of(prepared_home, tmp_path / "home")
    opened = await open_app(Settings(home=home), clock=lambda: AT)
    yield opened
    await opened.close()


async def ask(app: App, text: str, name: str = "i1", user: str = "omar.haddad") -> Reply:
    inquiry = {"id": name, "text": text, "user": user, "thread": f"t-{name}", "at": AT}
    return await app.copilot.ask(Inquiry.model_validate(inquiry))


async def passages(app: App, name: str) -> list[str]:
    """The articles of a turn, best first."""
    (record,) = [r for r in await app.journal.latest_records(99) if r.inquiry_id == name]
    return list(dict.fromkeys(p.article_id for p in record.passages))


async def resolve(app: App, article: str, count: int = 40) -> None:
    for n in range(count):
        await app.memory.resolutions.record(
            f"T-{n}", f"{PROBLEM} {n}", [article], by="agent.one", person="dana.reed", at=AT
        )


async def test_what_agents_confirm_reaches_the_next_question(app: App) -> None:
    before = await ask(app, PROBLEM, "before")
    was = await passages(app, "before")
    await resolve(app, was[-1])
    assert await app.memory.sync()
    after = await ask(app, PROBLEM, "after")
    assert (before.versions.memory, bool(after.versions.memory)) == ("", True)
    assert after.versions.memory == app.library.memory
    assert (await passages(app, "after")).index(was[-1]) < was.index(was[-1])


async def test_no_word_of_a_ticket_reaches_anybody_else(app: App) -> None:
    log = io.StringIO()
    logs.configure(log, level=0)
    await resolve(app, max(app.library.article_ids))
    assert await app.memory.sync()
    text = PROBLEM.replace(CANARY, "thing")
    replies = [await ask(app, text, "i1"), await ask(app, f"{text}, I need a person", "i2")]
    structlog.reset_defaults()
    assert any(reply.handoff for reply in replies)
    seen = [reply.model_dump_json() for reply in replies]
    seen += [record.model_dump_json() for record in await app.journal.latest_records(99)]
    seen += [repr(await app.desk.ticket(line.id)) for line in await app.desk.list()]
    seen.append(log.getvalue())
    assert [text for text in seen if CANARY in text] == []
    home = app.settings.home
    holding = [
        str(file.relative_to(home))
        for file in home.rglob("*")
        if file.is_file() and CANARY.encode() in file.read_bytes()
    ]
    assert {name.removesuffix("-wal") for name in holding} == {"records.sqlite"}


async def test_forgetting_a_person_takes_their_tickets_out_of_the_memory(app: App) -> None:
    await resolve(app, max(app.library.article_ids), count=3)
    await app.memory.sync()
    before = {folder.name for folder in memories_dir(app.library.folder.parents[1]).glob("*/")}
    app.library.refresh()
    assert {app.library.memory} == before
    await app.forget("dana.reed")
    after = {folder.name for folder in memories_dir(app.library.folder.parents[1]).glob("*/")}
    assert after == {app.library.memory}
    assert not after & before
    manifest = json.loads(
        (memories_dir(app.library.folder.parents[1]) / after.pop() / "memory.json").read_text()
    )
    assert manifest["entries"] == []
    assert (await app.memory.resolutions.since(0)).confirmed == ()


async def test_a_server_takes_in_what_agents_confirm_by_itself(app: App) -> None:
    async with app.memory.followed(0.01):
        await resolve(app, max(app.library.article_ids), count=1)
        async with asyncio.timeout(30):
            while not app.library.memory:
                await asyncio.sleep(0.02)
                app.library.refresh()


async def test_a_memory_that_can_not_be_written_is_logged_and_search_goes_on(app: App) -> None:
    await resolve(app, max(app.library.article_ids), count=1)
    memories_dir(app.library.folder.parents[1]).write_text("a file where a folder belongs")
    log = io.StringIO()
    logs.configure(log, level=0)
    assert not await app.memory.sync()
    structlog.reset_defaults()
    assert "memory.failure" in log.getvalue()
    assert CANARY not in log.getvalue()
    assert (await ask(app, "My VPN says certificate validation failure")).disposition == "answer"


async def test_a_damaged_memory_is_read_again_from_the_store(app: App) -> None:
    await resolve(app, max(app.library.article_ids), count=2)
    memory = await app.memory.take_in()
    folder = memories_dir(app.library.folder.parents[1])
    for file in (folder / str(memory) / "chroma").glob("*.sqlite3"):
        file.write_bytes(b"no database")
    await resolve(app, max(app.library.article_ids), count=3)
    assert await app.memory.sync()
    app.library.refresh()
    manifest = json.loads((folder / app.library.memory / "memory.json").read_text())
    assert [entry["ticket"] for entry in manifest["entries"]] == ["T-0", "T-1", "T-2"]
