"""Tier 2 and an employee in two browsers, against the server as it is started by hand."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.serving import copy_of, served

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed"),
]
AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text("utf-8")
PERSON = "Please let a person look at my printer."


@pytest.fixture(scope="module")
def url(prepared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("queue")
    # A second agent, by a group that somebody of the sandbox is in.
    groups = {"COPILOT_ACCESS_TIER2_GROUPS": "service_desk"}
    with served(copy_of(prepared_home, folder / "home"), folder / "log", **groups) as link:
        yield link


@pytest.fixture
def desk(browser: Browser, url: str, complaints: list[str]) -> Iterator[BrowserContext]:
    """The agent's browser: `lena.vos` belongs to the service desk."""
    opened = browser.new_context(base_url=url, viewport={"width": 1280, "height": 900})
    opened.set_default_timeout(30_000)
    opened.on(
        "console", lambda said: complaints.append(said.text) if said.type == "error" else None
    )
    opened.add_cookies([{"name": "copilot_user", "value": "lena.vos", "url": url}])
    yield opened
    opened.close()


def handed_over(page: Page) -> str:
    """The employee asks for a person; the number of the case."""
    page.goto("/")
    page.get_by_label("Your message").fill(PERSON)
    page.get_by_role("button", name="Send").click()
    badge = page.locator(".reply .badge").last
    expect(badge).to_contain_text("Handed over to")
    number = re.search(r"T-\d{4}-\d{6}", badge.inner_text())
    assert number is not None
    return number[0]


def test_claim_ask_answer_resolve(page: Page, desk: BrowserContext, complaints: list[str]) -> None:
    number = handed_over(page)
    agent = desk.new_page()
    agent.goto("/queue")
    agent.get_by_role("button", name=f"Claim {number}").click()
    expect(agent.get_by_role("status")).to_contain_text("You have this case now")
    expect(page.locator("#conversation")).to_contain_text(f"Lena Vos has your case {number}")

    agent.get_by_label("Ask the employee").fill("Which floor is it on?")
    agent.get_by_role("button", name="Send to the employee").click()
    expect(agent.locator("#strip")).to_contain_text("waiting")
    expect(page.locator(".reply.human")).to_contain_text("Which floor is it on?")

    before = page.locator(".reply:not(.human)").count()
    page.get_by_label("Your message").fill("Floor two. My password is Tr0ub4dor&3x")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".receipt")).to_contain_text("Lena Vos has your case")
    expect(page.locator(".reply:not(.human)")).to_have_count(before)
    expect(agent.locator("#history-list")).to_contain_text("Floor two")
    expect(agent.locator("#history-list")).not_to_contain_text("Tr0ub4dor")

    agent.get_by_label("Resolve: what the employee reads").fill("New toner is in.")
    agent.get_by_label("How it ended").select_option("solved_by_agent")
    agent.get_by_label("Minutes of work").fill("12")
    agent.get_by_role("button", name="Resolve", exact=True).click()
    expect(agent.locator("#strip")).to_contain_text("resolved")
    expect(page.locator("#conversation")).to_contain_text("New toner is in.")

    page.reload()
    said = page.locator("#conversation").inner_text()
    order = [said.index(part) for part in ("Handed over", "Which floor", "Floor two", "New toner")]
    assert order == sorted(order)
    assert said.count("Which floor is it on?") == 1
    assert complaints == []


def test_the_second_agent_hears_who_has_it(page: Page, desk: BrowserContext, url: str) -> None:
    number = handed_over(page)
    first, second = desk.new_page(), desk.new_page()
    first.goto("/queue")
    second.goto(f"/queue/{number}")
    first.get_by_role("button", name=f"Claim {number}").click()
    expect(first.get_by_role("status")).to_be_visible()
    # The same agent in another window: the page there follows by itself.
    expect(second.locator("#holder")).to_have_text("You have this case.")
    first.get_by_role("button", name="Hand back to the copilot").click()
    expect(first.locator("#holder")).to_have_text("Nobody has this case yet.")
    expect(page.locator("#conversation")).to_contain_text("handed the conversation back")


def test_employees_have_no_queue(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_role("link", name="Queue")).to_have_count(0)
    answer = page.goto("/queue")
    assert answer is not None
    assert answer.status in (403, 404)


def test_it_works_without_a_script(page: Page, browser: Browser, url: str) -> None:
    number = handed_over(page)
    plain = browser.new_context(base_url=url, java_script_enabled=False)
    plain.add_cookies([{"name": "copilot_user", "value": "lena.vos", "url": url}])
    agent = plain.new_page()
    agent.goto(f"/queue/{number}")
    agent.get_by_role("button", name="Claim").click()
    agent.get_by_label("Note for colleagues").fill("looked at it")
    agent.get_by_role("button", name="Keep note").click()
    expect(agent.locator("#history-list")).to_contain_text("looked at it")
    plain.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_pages_are_accessible_and_fit(
    page: Page, desk: BrowserContext, complaints: list[str], width: int
) -> None:
    number = handed_over(page)
    agent = desk.new_page()
    agent.set_viewport_size({"width": width, "height": 900})
    for path in ("/queue", f"/queue/{number}"):
        agent.goto(path)
        if path != "/queue":
            agent.get_by_role("button", name="Claim").click()
            expect(agent.get_by_role("status")).to_be_visible()
        agent.evaluate(AXE)
        found = agent.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
        wide = agent.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0
    assert complaints == []
