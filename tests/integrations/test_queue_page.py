"""What agents send from the queue's pages, without a browser: every way it can be wrong has a sentence."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from copilot.conversation import Inquiry
from integrations.settings import Settings
from integrations.web.app import create_site
from integrations.wiring import App, open_app

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
PERSON = "Please let a person look at my printer."


@pytest.fixture
async def app(home: Path) -> AsyncIterator[App]:
    opened = await open_app(Settings(home=home), clock=lambda: NOW)
    yield opened
    await opened.close()


class Agent:
    """A browser in which `lena.vos` of the service desk is chosen."""

    def __init__(self, app: App, user: str = "lena.vos") -> None:
        transport = httpx.ASGITransport(create_site(app))
        self.client = httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1", cookies={"copilot_user": user}
        )
        self.sent = 0

    async def does(self, ticket: str, deed: str, key: str = "", **form: str) -> httpx.Response:
        await self.client.get("/", headers={"Accept": "text/html"})
        self.sent += 1
        token = self.client.cookies.get("copilot_form", "")
        data = {"key": key or f"k{self.sent}", "form_token": token, **form}
        return await self.client.post(
            f"/queue/{ticket}/{deed}", data=data, headers={"Accept": "text/html"}
        )


async def a_case(app: App, name: str = "q1") -> str:
    inquiry = Inquiry(id=name, text=PERSON, user="dana.reed", thread=f"t-{name}", at=NOW)
    reply = await app.copilot.ask(inquiry)
    assert reply.ticket is not None
    return reply.ticket.id


async def test_what_solved_it_is_remembered_once_people_confirm_it(app: App) -> None:
    ticket, agent = await a_case(app), Agent(app)
    await a_case(app, "q2")
    how = {"code": "solved_with_article", "text": "Added the queue again."}
    assert "Claim it first" in (await agent.does(ticket, "resolve", **how, articles="kb-0801")).text
    assert (await agent.does(ticket, "claim")).status_code == 303
    assert "Name the article" in (await agent.does(ticket, "resolve", **how)).text
    unknown = await agent.does(ticket, "resolve", **how, articles="kb-9999")
    assert unknown.status_code == 409
    assert "kb-9999" in unknown.text
    view = await app.desk.ticket(ticket)
    assert view is not None
    assert view.line.status == "in_progress"
    done = await agent.does(ticket, "resolve", **how, articles="kb-0801", minutes="7")
    assert done.status_code == 303
    kept = await app.memory.resolutions.since(0)
    assert [one.ticket for one in kept.confirmed] == [ticket]
    assert kept.confirmed[0].problem == PERSON


async def test_a_form_sent_twice_is_one_deed(app: App) -> None:
    ticket, agent = await a_case(app), Agent(app)
    await agent.does(ticket, "claim")
    for _ in range(2):
        asked = await agent.does(ticket, "ask", key="once", text="Which floor? <b>now</b>")
        assert asked.status_code == 303, asked.text
    view = await app.desk.ticket(ticket)
    assert view is not None
    assert [step.kind for step in view.history].count("asked") == 1
    page = await agent.client.get(f"/queue/{ticket}")
    assert "<b>now</b>" not in page.text


async def test_others_queues_deeds_and_forged_forms_are_refused(app: App) -> None:
    ticket, agent = await a_case(app), Agent(app)
    assert (await agent.does("T-2026-999999", "claim")).status_code == 404
    assert (await agent.does(ticket, "wipe")).status_code == 404
    forged = await agent.client.post(f"/queue/{ticket}/claim", data={"key": "k"})
    assert forged.status_code == 403
    assert "queue" in (await agent.does(ticket, "move", queue="nowhere")).text
    employee = Agent(app, "omar.haddad")
    assert (await employee.client.get(f"/queue/{ticket}")).status_code in (403, 404)
    assert (await employee.does(ticket, "claim")).status_code in (403, 404)
    view = await app.desk.ticket(ticket)
    assert view is not None
    assert view.line.assignee is None
