"""Cases on their way to a real Request Tracker 5, through a proxy that loses and refuses, and back."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import httpx
import pytest

from copilot.conversation import Inquiry, Reply
from integrations.api.reports import Reports
from integrations.clock import wall_clock
from integrations.delivery.ledger import DeliveryLedger
from integrations.delivery.outbox import Outbox, Pace
from integrations.delivery.sync import Sync
from integrations.delivery.telling import Contact, Telling
from integrations.settings import Settings
from integrations.tickets.port import Applied
from integrations.tickets.systems.rt import RtDesk
from integrations.web.app import create_site
from integrations.wiring import App, open_app
from tests.faulty_proxy import CUT_AFTER, CUT_BEFORE, FaultyProxy, answered, faulty_proxy
from tests.integrations.tickets.running import Running
from tests.integrations.tickets.test_rt import RtAgent, rt, rt_config  # noqa: F401  # a fixture
from tests.serving import copy_of, prepared_home  # noqa: F401  # a fixture

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]
NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
PERSON = "Please let a person look at my printer."
SECRET = "agreed-with-the-ticket-system"
NUMBERS = count(1)


@dataclass
class Stage:
    """The product on one side, RT with one of its agents on the other."""

    app: App
    agent: RtAgent
    proxy: FaultyProxy
    ledger: DeliveryLedger
    telling: Telling
    outbox: Outbox
    sync: Sync
    thread: str

    async def say(self, text: str) -> Reply:
        name = f"q-{next(NUMBERS)}"
        inquiry = Inquiry(id=name, text=text, user="dana.reed", thread=self.thread, at=NOW)
        return await self.app.copilot.ask(inquiry)

    async def deliver(self) -> int:
        await self.outbox.collect()
        return await self.outbox.deliver(NOW + timedelta(days=1))

    async def there(self, reply: Reply) -> str:
        """RT's id of the case."""
        assert reply.ticket is not None
        found = await self.ledger.elsewhere(reply.ticket.id)
        assert found is not None
        return found.remote_id

    async def tickets(self, reply: Reply) -> int:
        assert reply.ticket is not None
        return await self.agent.counts(self.telling.correlation(reply.ticket.id))


Open = Callable[[], Awaitable[Stage]]


async def nobody_known(person: str) -> Contact:
    return Contact(person.title(), None)


@asynccontextmanager
async def staged(home: Path, rt: Running, name: str) -> AsyncIterator[Stage]:  # noqa: F811
    app = await open_app(Settings(home=home), clock=lambda: NOW)
    agent = RtAgent(rt)
    async with faulty_proxy(rt.url) as proxy:
        queues = {queue: queue for queue in app.profile.queues}
        remote = RtDesk(rt_config(rt, url=proxy.url, queues=queues))
        ledger = DeliveryLedger(app.journal.database)
        telling = Telling(remote, installation=name, contact=nobody_known, look_seconds=(0.0, 0.05))
        pace = Pace(retry_seconds=0.0)
        outbox = Outbox(app.desk, ledger, telling=telling, pace=pace, counted=app.counters)

        async def redacted(text: str) -> str:
            said = Inquiry(id="remote", text=text, user="remote", at=NOW)
            return (await app.copilot.as_kept(said)).text

        sync = Sync(app.desk, ledger, remote, redacted=redacted, queues=frozenset(queues))
        await sync.poll()
        yield Stage(app, agent, proxy, ledger, telling, outbox, sync, f"th-{name}")
        await remote.close()
    await agent.close()
    await app.close()


@pytest.fixture
async def stage(
    prepared_home: Path,  # noqa: F811
    tmp_path: Path,
    rt: Running,  # noqa: F811
) -> AsyncIterator[Stage]:
    home = copy_of(prepared_home, tmp_path / "home")
    async with staged(home, rt, tmp_path.name[-16:].strip("_")) as opened:
        yield opened


async def test_an_agent_in_rt_and_an_employee_talk_through_the_case(stage: Stage) -> None:
    reply = await stage.say(PERSON)
    assert reply.ticket is not None
    assert await stage.deliver() == 1
    there = await stage.there(reply)
    assert "printer" in await stage.agent.sees(there)

    await stage.agent.replies(there, "Which floor? My code is hunter2, password: Tr0ub4dor&3x")
    assert await stage.sync.poll() >= 1
    view = await stage.app.desk.ticket(reply.ticket.id)
    assert view is not None
    assert view.line.assignee == "agent"
    asked = [step for step in view.history if step.kind == "asked"]
    assert len(asked) == 1
    assert "Which floor?" in str(asked[0].note)
    assert "Tr0ub4dor" not in str(asked[0].note)

    told = await stage.say("Floor two, by the window.")
    assert told.policy.rules == ("held_by_agent",)
    await stage.deliver()
    seen = await stage.agent.sees(there)
    assert seen.count("Floor two") == 1
    # What RT's own agent wrote does not come back to RT.
    assert seen.count("Which floor?") == 1


async def test_what_rt_resolves_and_opens_again_is_so_at_the_desk_once(stage: Stage) -> None:
    reply = await stage.say(PERSON)
    assert reply.ticket is not None
    await stage.deliver()
    there = await stage.there(reply)
    await stage.agent.sets_status(there, "resolved")
    await stage.sync.poll()
    assert await stage.sync.poll() == 0
    view = await stage.app.desk.ticket(reply.ticket.id)
    assert view is not None
    assert view.line.status == "resolved"

    await stage.agent.sets_status(there, "open")
    await stage.sync.poll()
    view = await stage.app.desk.ticket(reply.ticket.id)
    assert view is not None
    assert view.line.status == "open"
    assert [step.kind for step in view.history].count("released") == 1


async def test_while_rt_is_away_the_employee_has_a_case_and_later_so_has_rt(stage: Stage) -> None:
    stage.proxy.plan(*[answered(503)] * 3, *[CUT_BEFORE] * 3)
    reply = await stage.say(PERSON)
    assert reply.disposition == "escalate"
    assert reply.ticket is not None
    assert reply.ticket.id in reply.text
    for _ in range(6):
        assert await stage.deliver() == 0
    (waiting,) = await stage.ledger.undelivered()
    assert (waiting.ticket_id, waiting.state) == (reply.ticket.id, "waiting")
    assert waiting.attempts == 6
    assert waiting.reason
    assert await stage.deliver() == 1
    assert await stage.tickets(reply) == 1
    assert await stage.ledger.undelivered() == []


async def test_one_escalation_with_twenty_lost_answers_is_one_ticket(stage: Stage) -> None:
    reply = await stage.say(PERSON)
    lost = [CUT_AFTER, answered(503), CUT_BEFORE, CUT_AFTER] * 5
    stage.proxy.plan(*lost, when=lambda method, path: method == "POST" or "tickets" in path)
    for _ in range(40):
        if await stage.deliver():
            break
    assert await stage.tickets(reply) == 1
    assert await stage.deliver() == 0


async def test_killed_between_making_and_noting_it_is_one_ticket(stage: Stage) -> None:
    reply = await stage.say(PERSON)
    assert reply.ticket is not None
    view = await stage.app.desk.ticket(reply.ticket.id)
    assert view is not None
    made = await stage.telling.make(view)
    assert isinstance(made, Applied)
    assert await stage.deliver() == 1
    assert await stage.there(reply) == made.ticket.id
    assert await stage.tickets(reply) == 1


async def test_a_comment_whose_answer_was_lost_stands_there_once(stage: Stage) -> None:
    reply = await stage.say(PERSON)
    assert reply.ticket is not None
    await stage.deliver()
    note = {"key": "n1", "by": "lena.vos", "at": NOW}
    await stage.app.desk.note(reply.ticket.id, "toner is ordered", **note)  # type: ignore[arg-type]
    stage.proxy.plan(CUT_AFTER, when=lambda method, path: method == "POST" and "comment" in path)
    while not await stage.deliver():
        pass
    assert (await stage.agent.sees(await stage.there(reply))).count("toner is ordered") == 1


async def test_two_deliverers_of_one_home_change_nothing_twice(stage: Stage) -> None:
    reply = await stage.say(PERSON)
    await stage.outbox.collect()
    await stage.outbox.collect()
    await stage.deliver()
    await stage.deliver()
    assert await stage.tickets(reply) == 1


@pytest.fixture
async def door(stage: Stage) -> AsyncIterator[tuple[httpx.AsyncClient, list[str]]]:
    hints: list[str] = []
    site = create_site(stage.app, reports=Reports(SECRET, lambda: hints.append("hint")))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(site), base_url="http://127.0.0.1"
    ) as client:
        yield client, hints


async def test_only_signed_reports_are_heard(
    door: tuple[httpx.AsyncClient, list[str]], stage: Stage
) -> None:
    client, hints = door
    body = b'{"event_id": "rt-txn-1"}'
    good = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    wrong = hmac.new(b"another", body, hashlib.sha256).hexdigest()
    forged: list[dict[str, str] | dict[bytes, bytes]] = [
        {},
        {"X-Copilot-Signature": f"sha256={wrong}"},
        {b"X-Copilot-Signature": b"sha256=\xc3\xbc"},
        {"X-Zendesk-Webhook-Signature": good},
    ]
    for headers in forged:
        refused = await client.post("/v1/tickets/events", content=body, headers=headers)
        assert refused.status_code == 401
        assert refused.json()["type"] == "/problems/unsigned-report"
    assert hints == []
    signed = {"X-Copilot-Signature": f"sha256={good}"}
    assert (
        await client.post("/v1/tickets/events", content=body, headers=signed)
    ).status_code == 202
    changed = await client.post("/v1/tickets/events", content=body + b" ", headers=signed)
    assert changed.status_code == 401
    assert hints == ["hint"]
    assert b'copilot_problems_total{kind="unsigned-report"} 5.0' in stage.app.counters.exposed()


async def test_zendesks_own_signature_is_heard_while_it_is_fresh(
    door: tuple[httpx.AsyncClient, list[str]],
) -> None:
    client, hints = door
    for age, status in ((timedelta(), 202), (timedelta(minutes=6), 401)):
        moment = (wall_clock() - age).isoformat()
        digest = hmac.digest(SECRET.encode(), moment.encode() + b"{}", "sha256")
        headers = {
            "X-Zendesk-Webhook-Signature": base64.b64encode(digest).decode(),
            "X-Zendesk-Webhook-Signature-Timestamp": moment,
        }
        answer = await client.post("/v1/tickets/events", content=b"{}", headers=headers)
        assert answer.status_code == status
    assert hints == ["hint"]


async def test_it_runs_beside_the_server_and_survives_what_is_away(stage: Stage) -> None:
    from integrations.delivery.running import Delivering, Rhythm

    stage.proxy.plan(*[answered(503)] * 4)
    rhythm = Rhythm(tick_seconds=0.02, poll_seconds=60, settle_seconds=0)
    running = Delivering(
        stage.outbox,
        stage.sync,
        clock=lambda: NOW + timedelta(days=1),
        counted=stage.app.counters,
        rhythm=rhythm,
    )
    task = asyncio.create_task(running.run())
    reply = await stage.say(PERSON)
    assert reply.ticket is not None
    while await stage.ledger.elsewhere(reply.ticket.id) is None:  # noqa: ASYNC110  # another task's work
        await asyncio.sleep(0.02)
    await stage.agent.sets_status(await stage.there(reply), "resolved")
    running.hint()
    while True:
        view = await stage.app.desk.ticket(reply.ticket.id)
        if view is not None and view.line.status == "resolved":
            break
        await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
