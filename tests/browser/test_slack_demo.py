"""The simulated Slack in real Chromium, as `copilot slack demo` starts it."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from integrations.sandbox.slack.simulator import GENERAL, HELP, TRIAGE, account
from tests.serving import COPILOT, copy_of

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed"),
]
AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text("utf-8")
VPN = "The VPN says certificate validation failure"
STOLEN = "my laptop was stolen on the train"
HOSTILE = (
    '<script>document.title="run"</script><img src=x onerror="document.title=1"> my VPN is down'
)
DANA, LENA, OMAR, PRIYA, TOM = map(
    account, ("dana.reed", "lena.vos", "omar.haddad", "priya.nair", "tom.becker")
)
ANSWER_MS, _USUAL_MS = 30_000, 5_000
_WIDTHS = {"wide": (1280, 800), "narrow": (390, 844)}


@pytest.fixture(scope="module")
def url(prepared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("demo")
    copy_of(prepared_home, folder / "home" / "demo-slack")
    command: list[str | Path] = [COPILOT, "slack", "demo", "--port", "0", "--home", folder / "home"]
    with (folder / "log").open("wb") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
    assert process.stdout is not None
    try:
        greeting = process.stdout.readline()
        assert " is at http://127.0.0.1:" in greeting, (folder / "log").read_text()
        yield greeting.strip().rpartition(" ")[2]
    finally:
        process.terminate()
        assert process.wait(timeout=30) == 0
        process.stdout.close()


@pytest.fixture(scope="module", autouse=True)
def _answers_take_a_while() -> Iterator[None]:
    expect.set_options(timeout=ANSWER_MS)
    yield
    expect.set_options(timeout=_USUAL_MS)


def visit(page: Page, person: str, place: str = "messages") -> None:
    page.goto(f"/?as={person}&in={place}")
    expect(page.locator("body")).to_have_attribute("data-as", person)


def write(page: Page, text: str) -> None:
    page.get_by_label("Message to").fill(text)
    page.keyboard.press("Enter")


def ask(page: Page, text: str) -> Locator:
    """Start a conversation by typing, and wait for the answer. Gives its thread."""
    write(page, text)
    thread = page.locator("article.thread").last
    expect(thread.locator(".message").first).to_contain_text(text)
    expect(thread.locator(".replies .badge").first).to_be_visible()
    expect(page.get_by_label("Message to")).to_have_value("")
    return thread


def shot(page: Page, name: str, folder: Path) -> None:
    """Kept where `COPILOT_SHOTS` says, to be looked at."""
    wanted = os.environ.get("COPILOT_SHOTS")  # noqa: TID251  # for the eyes of who runs it
    target = Path(wanted) if wanted else folder
    page.screenshot(path=target / f"{name}.png")


def violations(page: Page) -> list[str]:
    page.evaluate(AXE)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [json.dumps([v["id"], [n["html"] for n in v["nodes"]]]) for v in found["violations"]]


def handed_over(page: Page) -> str:
    """Ask, be stuck, and ask for a human. Gives the number of the case."""
    thread = ask(page, VPN)
    expect(thread.locator(".replies .message").first).to_contain_text("reviewed")
    thread.get_by_role("button", name="Still stuck").click()
    expect(thread).to_contain_text("You said: Still stuck")
    expect(thread.locator(".replies .badge").nth(1)).to_be_visible()
    human, sent = thread.get_by_role("button", name="Talk to a human"), thread.get_by_text("What they were sent")  # fmt: skip
    expect(human.or_(sent).last).to_be_visible()
    if not sent.count():
        human.last.click()
    expect(sent.last).to_be_visible()
    number = re.search(r"T-\d{4}-\d+", thread.inner_text())
    assert number is not None
    return number[0]


def test_the_whole_path_from_a_question_to_a_claimed_case(
    context: BrowserContext, complaints: list[str]
) -> None:
    page = context.new_page()
    page.goto("/")
    expect(page.get_by_label("I am")).to_have_value(DANA)
    expect(page.locator(".prompts button").first).to_be_visible()
    case = handed_over(page)
    page.get_by_role("link", name="Home").click()
    expect(page.get_by_role("heading", name="My cases")).to_be_visible()
    expect(page.locator("#talk")).to_contain_text(case)
    page.get_by_role("button", name="Don't ask me later").click()
    expect(page.get_by_role("button", name="Ask me later")).to_be_visible()

    desk = context.new_page()
    visit(desk, LENA)
    desk.get_by_role("link", name="it-triage").click()
    card = desk.locator("article.thread", has_text=case)
    card.get_by_role("button", name="Claim").click()
    expect(card).to_contain_text("Lena Vos has it")
    card.get_by_role("button", name="Ask the employee").click()
    modal = desk.get_by_role("dialog")
    modal.get_by_label("Your question").fill("Which network are you on?")
    modal.get_by_role("button", name="Ask").click()
    expect(modal).to_be_hidden()
    card.get_by_label("Rate this handoff").select_option("Complete")
    card.get_by_role("button", name="Send").click()

    visit(page, DANA)
    expect(page.locator("article.thread").last).to_contain_text("Which network are you on?")
    assert complaints == []


def test_nothing_in_a_message_is_executed(page: Page, complaints: list[str]) -> None:
    visit(page, OMAR)
    thread = ask(page, HOSTILE)
    expect(thread.locator(".message").first).to_contain_text(HOSTILE)
    assert page.locator("#talk script, #talk img").count() == 0
    assert "run" not in page.title()
    assert complaints == []


def test_what_is_typed_survives_the_news(page: Page, context: BrowserContext) -> None:
    visit(page, OMAR, GENERAL)
    write(page, "Has anybody had trouble with the printer?")
    thread = page.locator("article.thread").last
    thread.locator("summary", has_text="Reply in thread").click()
    reply = thread.get_by_label("Reply in this thread")
    reply.fill("I mean the one on")
    other = context.new_page()
    visit(other, PRIYA, GENERAL)
    theirs = other.locator("article.thread").last
    theirs.locator("summary", has_text="Reply in thread").click()
    theirs.get_by_label("Reply in this thread").fill("Yes, since Monday.")
    theirs.get_by_role("button", name="Reply").click()
    expect(thread).to_contain_text("Yes, since Monday.")
    expect(reply).to_have_value("I mean the one on")
    reply.click()
    page.keyboard.press("End")
    page.keyboard.type(" floor 2")
    page.keyboard.press("Enter")
    expect(thread).to_contain_text("I mean the one on floor 2")
    thread.get_by_label("More actions").first.click()
    thread.get_by_role("button", name="Get IT help with this message").first.click()
    expect(page.locator("#notice")).to_be_empty()


def test_a_command_a_mention_and_a_suggestion(page: Page) -> None:
    visit(page, PRIYA, HELP)
    write(page, "/it help")
    expect(page.locator(".whisper")).to_contain_text("Only visible to you")
    write(page, f"@IT copilot {VPN}")
    thread = page.locator("article.thread", has_text="certificate").last
    expect(thread.locator(".mention").first).to_have_text("@IT copilot")
    expect(thread.locator(".replies .badge").first).to_be_visible(timeout=ANSWER_MS)
    write(page, "/remind me")
    expect(page.locator("#notice")).to_contain_text("/remind is unknown")
    visit(page, PRIYA)
    page.locator(".prompts button").first.click()
    expect(page.locator("article.thread").last.locator(".replies .badge").first).to_be_visible(
        timeout=ANSWER_MS
    )


def test_a_channel_is_for_its_members_and_a_form_for_this_page(page: Page, url: str) -> None:
    page.goto(f"/?as={DANA}&in={TRIAGE}")
    expect(page.get_by_role("heading", level=1)).to_have_text("IT copilot")
    expect(page.get_by_role("link", name="it-triage")).to_have_count(0)
    said: dict[str, str | float | bool] = {"text": VPN, "as": DANA, "in": "messages"}
    foreign = page.request.post("/page/say", form=said, headers={"Origin": "http://127.0.0.1:1"})
    assert foreign.status == 403
    assert page.request.post("/page/say", form=said).status == 403
    rebound = page.request.get("/", headers={"Host": "attacker.example"})
    assert rebound.status == 421
    assert "script-src 'self'" in page.request.get("/").headers["content-security-policy"]


def test_the_keyboard_alone_is_enough(page: Page) -> None:
    visit(page, TOM)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the conversation")).to_be_focused()
    page.get_by_label("Message to").focus()
    page.keyboard.type("My VPN does not connect")
    page.keyboard.press("Enter")
    stuck = page.get_by_role("button", name="Talk to a human").last
    stuck.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#talk")).to_contain_text("What they were sent")
    add = page.get_by_role("button", name="Add a line").last
    add.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", _WIDTHS)
def test_no_page_has_an_accessibility_violation(
    browser: Browser, url: str, scheme: Literal["light", "dark"], width: str, tmp_path: Path
) -> None:
    across, down = _WIDTHS[width]
    context = browser.new_context(
        base_url=url, viewport={"width": across, "height": down}, color_scheme=scheme
    )
    context.set_default_timeout(ANSWER_MS)
    page = context.new_page()
    visit(page, DANA)
    for text in (VPN, STOLEN):
        ask(page, text)
    places = {"conversation": DANA, "home": DANA, TRIAGE: LENA, HELP: LENA}
    for place, person in places.items():
        visit(page, person, "messages" if place == "conversation" else place)
        expect(page.locator("#talk > *").first).to_be_visible()
        page.wait_for_timeout(1500)
        assert violations(page) == [], place
        assert page.evaluate("document.documentElement.scrollWidth") <= across, place
        shot(page, f"{place}-{width}-{scheme}", tmp_path)
    visit(page, LENA, TRIAGE)
    page.get_by_role("button", name="Reassign").last.click()
    expect(page.get_by_role("dialog").get_by_label("Queue")).to_be_visible()
    assert violations(page) == []
    shot(page, f"modal-{width}-{scheme}", tmp_path)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    context.close()
