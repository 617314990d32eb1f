"""Canaries at every entrance, and no trace of one behind any exit; what tier 2 works with arrives."""

import io
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
import structlog

from copilot.conversation import Handoff, Inquiry, Reply
from copilot.errors import CopilotError
from copilot.service import Copilot
from integrations import logs
from integrations.settings import Settings
from integrations.web.app import create_site
from integrations.web.session import TOKEN_COOKIE, TOKEN_FIELD
from integrations.wiring import App, open_app
from tests.serving import copy_of, prepared_home  # noqa: F401  # a fixture
from tests.terminal import run

pytestmark = pytest.mark.asyncio(loop_scope="module")

URL = "http://127.0.0.1:8000"
AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
_NUMBERS = count(101)


@dataclass(frozen=True)
class Canaries:
    """One of each kind, different at every entrance: a leak says where it came in."""

    number: int

    @property
    def planted(self) -> dict[str, str]:
        """What a sentence says, and the part of it that may be seen nowhere.

        Each part is long enough never to stand by chance among the hashes and times of a file.
        """
        n = self.number
        token = f"ghp_9aB3xK7mQ2wE5rT8yU1iO4pL6sD0fGhJz{n}"
        hidden = "\u200b".join(f"Hidden{n}!x")
        return {
            f"my password is Tr0ub{n}dor&3x.": f"Tr0ub{n}dor",
            f"my password is {hidden} as well.": hidden,
            f"mein Passwort lautet Sonne{n}Blume!": f"Sonne{n}Blume",
            f"the code is 48273{n}": f"48273{n}",
            f"token {token} fails,": token,
            f"see https://dana:Ge4eim{n}x@share.larkfield.example/x": f"Ge4eim{n}x",
            f"my card {card(n)} was charged,": card(n),
            f"IBAN {iban(n)} is mine,": iban(n),
            f"SSN 536-22-8{n},": f"536-22-8{n}",
            f"call me on +44 7700 900{n},": f"7700 900{n}",
            f"or write to dana{n}@private-mail.example.": f"dana{n}@",
            f"I come from 81.2.69.{n} today.": f"81.2.69.{n}",
        }

    @property
    def text(self) -> str:
        return " ".join(self.planted)


def card(number: int) -> str:
    """A number that passes the check of card numbers."""
    start = f"411111111111{number}"
    doubled = [int(d) * (2 - at % 2) for at, d in enumerate(start)]
    total = sum(d - 9 if d > 9 else d for d in doubled)
    return f"{start}{-total % 10}"


def iban(number: int) -> str:
    account = f"WEST12345698765{number}"
    digits = "".join(str(int(c, 36)) for c in f"{account}GB00")
    return f"GB{98 - int(digits) % 97:02}{account}"


async def test_every_canary_is_found_where_it_is_looked_for() -> None:
    planted = Canaries(104).planted
    assert all(value in said for said, value in planted.items())
    assert leaks(Canaries(104), Canaries(104).text.encode()) == list(planted.values())


def leaks(canaries: Canaries, found: bytes) -> list[str]:
    return [value for value in canaries.planted.values() if value.encode() in found]


def files(home: Path) -> list[tuple[str, bytes]]:
    return [(str(file), file.read_bytes()) for file in home.rglob("*") if file.is_file()]


class Exits:
    """Everything that left the product or was left behind by it."""

    def __init__(self, app: App, client: httpx.AsyncClient, log: io.StringIO) -> None:
        self._app, self._client, self._log = app, client, log

    async def all(self, thread: str, *answers: str) -> Iterator[tuple[str, bytes]]:
        found = [("answer", "\n".join(answers).encode()), ("log", self._log.getvalue().encode())]
        pages = ["/", "/cases", "/metrics", f"/?thread={thread}", f"/cases/threads/{thread}"]
        pages += [f"/v1/threads/{thread}?user=dana.reed"]
        pages += [f"/cases/{ticket.id}" for ticket in await self._app.desk.list()]
        for page in pages:
            answer = await self._client.get(page)
            assert answer.status_code == 200, page
            found.append((page, answer.content))
        found += files(self._app.settings.home)
        # The write-ahead logs are still there: what was written is looked at before it is tidied.
        assert any(name.endswith("records.sqlite-wal") for name, _ in found)
        assert any("checkpoints.sqlite" in name for name, _ in found)
        return iter(found)

    async def check(self, canaries: Canaries, thread: str, *answers: str) -> None:
        for exit_, content in await self.all(thread, *answers):
            assert leaks(canaries, content) == [], exit_


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(prepared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:  # noqa: F811
    home = copy_of(prepared_home, tmp_path_factory.mktemp("leaks") / "home")
    opened = await open_app(Settings(home=home), clock=lambda: AT)
    yield opened
    await opened.close()


@pytest_asyncio.fixture(loop_scope="module")
async def client(app: App) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_site(app))
    async with httpx.AsyncClient(transport=transport, base_url=URL) as opened:
        yield opened


@pytest.fixture
def exits(app: App, client: httpx.AsyncClient) -> Iterator[Exits]:
    log = io.StringIO()
    logs.configure(log, level=0)
    yield Exits(app, client, log)
    structlog.reset_defaults()


@pytest.fixture
def canaries() -> Canaries:
    return Canaries(next(_NUMBERS))


@pytest.fixture
def thread() -> str:
    return f"t-{uuid4().hex}"


async def ask(client: httpx.AsyncClient, thread: str, text: str, **sent: object) -> str:
    sent = {"text": text, "user": "dana.reed", "thread": thread, **sent}
    answer = await client.post("/v1/ask", json=sent)
    assert answer.status_code == 200, answer.text
    return answer.text


QUOTED = "Hi, see below, I can't print.\n\n> On Monday Omar wrote:\n> {}\n>> {}\n\nDana"
ERROR = "Outlook 16.0.17328 stops with 0x80070005:\n```\nat Login(user=dana)\n{}\n```"


@pytest.mark.parametrize(
    "around",
    ["{}", "please talk to a person now: {}", QUOTED, ERROR, "Reset the MFA of Omar Haddad. {}"],
    ids=["message", "handoff", "quoted mail", "error text", "privileged request"],
)
async def test_nothing_of_a_message_gets_out(
    client: httpx.AsyncClient, exits: Exits, canaries: Canaries, thread: str, around: str
) -> None:
    parts = [canaries.text] * around.count("{}")
    answer = await ask(client, thread, around.format(*parts))
    await exits.check(canaries, thread, answer)
    assert "change it" in Reply.model_validate_json(answer).text


async def test_nothing_of_a_follow_up_gets_out(
    client: httpx.AsyncClient, exits: Exits, canaries: Canaries, thread: str
) -> None:
    first = await ask(client, thread, "My VPN says certificate validation failure")
    second = await ask(client, thread, f"I ran the sync and it failed again. {canaries.text}")
    third = await ask(client, thread, "still the same, give me a person please")
    assert Reply.model_validate_json(third).handoff is not None
    await exits.check(canaries, thread, first, second, third)


async def test_nothing_of_the_history_or_the_display_name_gets_out(
    client: httpx.AsyncClient, exits: Exits, canaries: Canaries, thread: str
) -> None:
    past = {"text": canaries.text, "user": canaries.text}
    answer = await ask(client, thread, "and now?", history=[past], display_name=canaries.text[:500])
    await exits.check(canaries, thread, answer)


async def test_nothing_of_a_comment_gets_out(
    client: httpx.AsyncClient, exits: Exits, canaries: Canaries, thread: str, app: App
) -> None:
    reply = Reply.model_validate_json(await ask(client, thread, "My VPN says update required"))
    said = {
        "inquiry_id": reply.inquiry_id,
        "user": "dana.reed",
        "verdict": "still_stuck",
        "comment": f"Omar Haddad says as much, Dana Reed. {canaries.text}",
    }
    answer = await client.post("/v1/feedback", json=said)
    assert answer.status_code == 200
    await exits.check(canaries, thread, answer.text)
    view = await app.journal.thread(thread, None)
    assert view is not None
    kept = b"".join(f.read_bytes() for f in app.settings.home.glob("records.sqlite*"))
    assert b"[person-1] says as much, Dana Reed." in kept


async def test_nothing_typed_into_the_page_is_shown_again(
    client: httpx.AsyncClient, exits: Exits, canaries: Canaries, thread: str
) -> None:
    await client.get("/")
    form = {
        "text": canaries.text,
        "thread": thread,
        "id": uuid4().hex,
        TOKEN_FIELD: client.cookies[TOKEN_COOKIE],
    }
    shown = await client.post("/messages", data=form, headers={"HX-Request": "true"})
    assert shown.status_code == 200, shown.text
    assert "[password-1]" in shown.text
    assert parse_qs(urlsplit(shown.headers["HX-Push-Url"]).query) == {"thread": [thread]}
    address = f"/messages/{form['id']}/events"
    streamed = await client.get(address, params={"thread": thread})
    assert "change it" in streamed.text
    await exits.check(canaries, thread, shown.text, streamed.text)


async def test_nothing_gets_out_where_the_turn_breaks(
    client: httpx.AsyncClient, exits: Exits, canaries: Canaries, thread: str, app: App
) -> None:
    """The message reaches people through another way when the graph fails."""

    class Broken:
        def __getattr__(self, name: str) -> object:
            return getattr(app.copilot._graph, name)

        async def ainvoke(self, state: object, *_: object, **__: object) -> object:
            raise CopilotError(f"broken by {state}")

    broken = Copilot.__new__(Copilot)
    broken.__dict__.update(app.copilot.__dict__ | {"_graph": Broken()})
    inquiry = Inquiry(id=uuid4().hex, text=canaries.text, user="dana.reed", thread=thread, at=AT)
    reply = await broken.ask(inquiry)
    assert reply.ticket is not None
    await exits.check(canaries, thread, reply.model_dump_json())


async def test_nothing_of_a_batch_gets_out(home: Path) -> None:
    canaries = Canaries(next(_NUMBERS))
    source, out = home.parent / "batch.jsonl", home.parent / "out.jsonl"
    lines = [
        {"text": canaries.text, "user": "dana.reed", "thread": "t-b"},
        {"text": canaries.text, "user": "dana.reed", "at": "never"},
        {"text": "help", "user": "dana.reed", "at": canaries.text},
        {"text": "help", "user": canaries.text[:200]},
        {"text": "help", "user": "dana.reed", "thread": canaries.text[:150]},
        {"text": "help", "user": "dana.reed", "channel": [canaries.text]},
        {"text": "help", "user": "dana.reed", "id": {"is": canaries.text}, canaries.text: 1},
        {"text": "help", "user": "dana.reed", "history": [{"text": "x", canaries.text: 1}]},
        {"text": "give me a person", "user": "dana.reed", "history": [{"text": canaries.text}]},
    ]
    source.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    done = run("ask", "--batch", source, "--out", out, "--home", home)
    written = [("replies", out.read_bytes()), ("terminal", (done.out + done.err).encode())]
    for exit_, content in [*written, *files(home)]:
        assert leaks(canaries, content) == [], exit_
    answers = [json.loads(line) for line in out.read_text().splitlines()]
    assert ["error" in answer for answer in answers] == [False, *[True] * 7, False]


async def test_what_tier_2_needs_arrives(client: httpx.AsyncClient, thread: str) -> None:
    needed = [
        "LAP-LDS-0412", "LK-10412", "0x80070005", "INC0012345", "Dana Reed", "Leeds", "Omar Haddad",
        "dana.reed@larkfield.example", "https://passwordreset.larkfield.example", "10.4.2.17",
        "16.0.17328.20162", "KB5034441", "+44 113 496 0999",
    ]  # fmt: skip
    for value in needed:
        said = f"Please reset the MFA of my colleague, his phone is lost. He sees {value} there."
        answer = await ask(client, f"{thread}-{needed.index(value)}", said)
        handoff = Reply.model_validate_json(answer).handoff
        assert isinstance(handoff, Handoff)
        assert value in handoff.model_dump_json(), value


async def test_one_value_keeps_its_placeholder_through_a_conversation(
    client: httpx.AsyncClient, thread: str, app: App
) -> None:
    card_number = card(999)
    past = [{"text": f"my card {card_number} was charged"}]
    await ask(client, thread, f"and {card(998)} too, says card {card_number}", history=past)
    await ask(client, thread, f"I mean card {card_number}, call +44 7700 900999")
    view = await app.journal.thread(thread, None)
    assert view is not None
    first, second = (turn.text for turn in view.turns)
    assert first == "and [card-2] too, says card [card-1]"
    assert second == "I mean card [card-1], call [phone-1]"
