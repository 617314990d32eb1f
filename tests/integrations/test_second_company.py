"""A whole second company by configuration alone: its own labels, articles, people, queues and rules."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from copilot.conversation import Inquiry, Reply
from integrations.company import load_company, shipped_company
from integrations.settings import Settings
from integrations.web.app import create_site
from integrations.web.examples import examples_of
from integrations.wiring import App, open_app

pytestmark = pytest.mark.asyncio(loop_scope="module")

CLINIC = Path(__file__).parents[1] / "companies" / "harbour_clinic"
AT = datetime(2026, 11, 22, 10, tzinfo=UTC)
TUNNEL = "FortiClient hangs at 40 percent at home"
ADMIN = "make me an okta admin please"
EVERY_KIND = (
    TUNNEL,
    ADMIN,
    "what's on the canteen menu today?",
    "how do I get a licence for AutoCAD",
    "I can't get in",
    "human please",
    "my work mac was stolen",
    "hi",
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clinic(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    home = tmp_path_factory.mktemp("clinic")
    app = await open_app(Settings(company_dir=CLINIC, home=home), clock=lambda: AT)
    yield app
    await app.close()


async def ask(clinic: App, text: str, user: str = "ines.okafor") -> Reply:
    inquiry = Inquiry(id=uuid4().hex, text=text, user=user, at=AT, channel="test")
    return await clinic.copilot.ask(inquiry)


@pytest.mark.parametrize(
    ("text", "article"),
    [
        (TUNNEL, "hc-04"),
        ("carechart shows a padlock", "hc-09"),
        ("the wristband printer prints blank bands since I put in a new cartridge", "hc-08"),
    ],
)
async def test_it_answers_from_its_own_articles(clinic: App, text: str, article: str) -> None:
    reply = await ask(clinic, text)
    assert reply.disposition == "answer"
    assert {citation.article_id for citation in reply.citations} == {article}


async def test_it_answers_a_german_question(clinic: App) -> None:
    reply = await ask(clinic, "Forticlient bleibt bei 80 Prozent stehen", "greta.lind")
    assert (reply.disposition, reply.language) == ("answer", "de")
    assert (reply.category, reply.subcategory) == ("remote", "tunnel_refused")


async def test_a_privileged_request_goes_to_its_own_queue(clinic: App) -> None:
    reply = await ask(clinic, ADMIN)
    assert reply.disposition == "escalate"
    assert reply.policy.actions == ("grant_admin",)
    assert reply.policy.rules == ("privileged-access",)
    assert reply.handoff is not None
    assert reply.handoff.queue == "access-team"
    assert reply.handoff.employee.manager == "ruben.salt"
    assert reply.ticket is not None
    assert reply.ticket.queue == "access-team"


async def test_a_lost_device_gets_the_clinics_hotline_and_promise(clinic: App) -> None:
    reply = await ask(clinic, "my work mac was stolen")
    assert reply.handoff is not None
    assert (reply.handoff.queue, reply.handoff.priority) == ("cyber-watch", "P1")
    assert "+44 20 7946 0321" in reply.text
    assert "within 10 minutes" in reply.text


async def test_what_nothing_answers_goes_to_its_default_queue(clinic: App) -> None:
    reply = await ask(clinic, "how do I get a licence for AutoCAD")
    assert reply.handoff is not None
    assert reply.handoff.queue == "front-line"


async def test_off_topic_is_declined_under_its_own_label(clinic: App) -> None:
    reply = await ask(clinic, "what's on the canteen menu today?")
    assert reply.disposition == "decline"
    assert (reply.category, reply.subcategory) == ("desk", "not_it")
    assert reply.handoff is None


async def test_every_label_and_queue_is_its_own(clinic: App) -> None:
    for text in EVERY_KIND:
        reply = await ask(clinic, text)
        if reply.category is not None:
            assert f"{reply.category}.{reply.subcategory}" in clinic.profile.labels
        if reply.handoff is not None:
            assert reply.handoff.queue in clinic.profile.queues


async def test_nothing_of_the_reference_company_is_ever_said(clinic: App) -> None:
    for text in EVERY_KIND:
        said = (await ask(clinic, text, "locum.m")).model_dump_json().casefold()
        assert [mark for mark in marks_of_the_reference_company() if mark in said] == []


async def test_the_pages_are_the_clinics(clinic: App) -> None:
    transport = httpx.ASGITransport(create_site(clinic))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
        page = (await client.get("/", follow_redirects=True)).text
    assert "Harbour Clinic" in page
    assert examples_of(clinic.company)[0] in page
    assert [mark for mark in marks_of_the_reference_company() if mark in page.casefold()] == []


def marks_of_the_reference_company() -> list[str]:
    """Words that only the other company would say, in lower case."""
    other = load_company(shipped_company())
    people = ("dana.reed", "omar.haddad", "lena.vos")
    queues = [queue for queue in other.queues if "-" in queue]
    sites = [site for site in other.company.sites if site != "remote"]
    words = (
        other.company.name.split()[0],
        other.company.domain,
        *other.forms,
        *other.company.security_hotline.values(),
        *sites,
        *queues,
        *people,
        "cisco",
        "company portal",
    )
    return [word.casefold() for word in words]


async def test_a_policy_without_translation_follows_one_line_in_the_language(clinic: App) -> None:
    reply = await ask(clinic, "mein Arbeits-Mac wurde gestohlen", "greta.lind")
    assert (reply.disposition, reply.language) == ("escalate", "de")
    lines = reply.text.splitlines()
    assert lines[0].startswith("Das darf nur ein Mensch entscheiden")
    assert "Minuten" in lines[-1]


async def test_a_message_without_content_is_asked_about_its_own_categories(clinic: App) -> None:
    reply = await ask(clinic, "????")
    assert reply.disposition == "clarify"
    assert "clinical" in reply.choices
    assert "desk" not in reply.choices
