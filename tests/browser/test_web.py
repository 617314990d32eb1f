"""The pages in real Chromium, against the server as it is started by hand."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.serving import copy_of, served

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed"),
]
AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text("utf-8")
VPN = "The VPN says certificate validation failure"
STOLEN = "my laptop was stolen on the train"
HOSTILE = '<img src=x onerror="document.title=1"> <script>document.title=2</script> my VPN is down'
_WIDTHS = {"wide": 1280, "narrow": 390}
_PAGES = ("start", "conversation", "handoff", "cases", "case", "transcript", "problem")


@pytest.fixture(scope="module")
def url(prepared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("served")
    with served(copy_of(prepared_home, folder / "home"), folder / "log") as link:
        yield link


def ask(page: Page, text: str) -> None:
    """Type, send, and wait for the reply."""
    before = replies(page).count()
    page.get_by_label("Your message").fill(text)
    page.get_by_role("button", name="Send").click()
    expect(replies(page)).to_have_count(before + 1, timeout=30_000)


def replies(page: Page):
    return page.locator(".reply:not(.pending)")


def press(page: Page, name: str) -> None:
    before = replies(page).count()
    page.get_by_role("button", name=name).click()
    expect(replies(page)).to_have_count(before + 1, timeout=30_000)


def test_the_whole_path_from_a_question_to_the_case(page: Page, complaints: list[str]) -> None:
    page.goto("/")
    expect(page.get_by_role("list", name="Examples").get_by_role("button")).to_have_count(3)
    ask(page, VPN)
    answer = replies(page).last
    expect(answer).to_be_focused()
    expect(page.get_by_label("Your message")).to_have_value("")
    expect(page).to_have_url(re.compile(r"/\?thread=web-"))
    expect(page.locator("#announcer")).to_have_text("The reply is there.")
    source = answer.locator(".sources details").first
    source.locator("summary").click()
    expect(source.locator("blockquote").first).to_be_visible()
    expect(source).to_contain_text("reviewed")

    press(page, "Still stuck")
    expect(page.locator(".said").last).to_have_text(re.compile("it still does not work"))
    if replies(page).last.get_by_role("button", name="Talk to a human").is_visible():
        press(page, "Talk to a human")
    handed = replies(page).last
    expect(handed).to_contain_text("Handed over to")
    preview = handed.locator(".handoff")
    for part in ("Summary", "Goes to", "Priority", "Tried so far", "Not known yet"):
        expect(preview).to_contain_text(part)

    number = preview.get_by_role("link").inner_text()
    preview.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(number)
    expect(page.locator("main")).to_contain_text(VPN)
    page.get_by_role("navigation").get_by_role("link", name="Cases").click()
    expect(page.get_by_role("link", name=number)).to_be_visible()
    assert complaints == []


def test_fixed_is_recorded_and_stays_after_a_reload(page: Page, complaints: list[str]) -> None:
    page.goto("/")
    ask(page, VPN)
    page.get_by_role("button", name="This fixed it").click()
    expect(page.locator("#thanks")).to_be_focused()
    expect(page.get_by_role("button", name="Still stuck")).to_be_hidden()
    page.reload()
    expect(page.locator("#thanks")).to_be_visible()
    expect(page.get_by_role("button", name="Still stuck")).to_be_hidden()
    expect(page.get_by_role("complementary")).to_contain_text("solved")
    assert complaints == []


def test_the_keyboard_alone_is_enough(page: Page) -> None:
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    for _ in range(4):
        page.keyboard.press("Tab")
    expect(page.get_by_label("Your message")).to_be_focused()
    page.keyboard.type("The VPN says")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("certificate validation failure")
    expect(page.get_by_label("Your message")).to_have_value(
        "The VPN says\ncertificate validation failure"
    )
    page.keyboard.press("Enter")
    expect(replies(page)).to_have_count(1)
    expect(replies(page).last).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator(".sources summary").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".sources blockquote").first).to_be_visible()
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.get_by_role("button", name="This fixed it").evaluate(
            "e => e === document.activeElement"
        ):
            break
    page.keyboard.press("Enter")
    expect(page.locator("#thanks")).to_be_focused()


def test_everything_works_without_scripts(browser: Browser, url: str) -> None:
    context = browser.new_context(base_url=url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/")
    page.get_by_label("Your message").fill(VPN)
    page.get_by_role("button", name="Send").click()
    expect(replies(page)).to_have_count(1, timeout=30_000)
    page.get_by_role("button", name="Talk to a human").click()
    expect(replies(page)).to_have_count(2, timeout=30_000)
    expect(replies(page).last).to_contain_text("Handed over to")
    page.get_by_role("button", name="This fixed it").click()
    expect(page.locator("#thanks")).to_be_visible()
    page.locator("#user").select_option("omar.haddad")
    page.get_by_role("button", name="Switch").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Omar")
    context.close()


def test_a_clarifying_question_is_answered_by_a_button(page: Page) -> None:
    page.goto("/")
    for vague in ("it does not work", "I can't sign in", "something with my phone"):
        ask(page, vague)
        choices = replies(page).last.get_by_role("form", name="Choices")
        if choices.count():
            break
        page.goto("/")
    first = choices.get_by_role("button").first
    wanted = first.inner_text()
    before = replies(page).count()
    first.click()
    expect(replies(page)).to_have_count(before + 1, timeout=30_000)
    expect(page.locator(".said").last).to_contain_text(wanted)
    expect(choices.get_by_role("button").first).to_be_hidden()


def test_markup_in_a_message_stays_text(page: Page, complaints: list[str]) -> None:
    page.goto("/")
    ask(page, HOSTILE)
    expect(page.locator(".said").last).to_contain_text("<img src=x")
    assert page.locator("main img, main script").count() == 0
    page.reload()
    expect(page.locator(".said").last).to_contain_text("<script>")
    assert "IT support" in page.title()
    assert complaints == []


def test_an_earlier_conversation_is_found_again_but_only_by_its_owner(page: Page) -> None:
    page.goto("/")
    ask(page, VPN)
    address = page.url
    page.goto("/")
    page.get_by_role("complementary").get_by_role("link").nth(1).click()
    expect(page.locator(".said").first).to_contain_text(VPN)
    page.locator("#user").select_option("omar.haddad")
    page.get_by_role("button", name="Switch").click()
    page.goto(address)
    expect(page.locator("main")).to_contain_text("belongs to somebody else")
    page.goto("/?thread=never-started")
    expect(page.locator("main")).to_contain_text("No conversation of that id is known")


def test_a_form_from_elsewhere_is_refused(page: Page) -> None:
    page.goto("/")
    page.locator("#composer input[name=form_token]").evaluate("e => e.value = 'x'.repeat(43)")
    page.get_by_label("Your message").fill(VPN)
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#form-problem")).to_contain_text("Reload it and send again")
    expect(page.get_by_label("Your message")).to_have_value(VPN)
    foreign = page.request.post(
        "/messages", form={"text": VPN, "form_token": "x"}, headers={"Origin": "http://127.0.0.1:1"}
    )
    assert foreign.status == 403


def test_a_server_that_is_gone_is_noticed(page: Page) -> None:
    page.goto("/")
    page.context.set_offline(True)
    page.get_by_label("Your message").fill(VPN)
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#form-problem")).to_contain_text("Your message was not sent")
    expect(page.get_by_label("Your message")).to_have_value(VPN)


def test_the_list_of_cases_is_filtered(page: Page) -> None:
    page.goto("/")
    ask(page, STOLEN)
    queue = replies(page).last.locator(".handoff dd").nth(1).inner_text()
    page.goto("/cases")
    page.get_by_label("Queue").select_option(queue)
    page.get_by_label("Status").select_option("open")
    page.get_by_role("button", name="Show").click()
    shown = page.locator("td[data-label=Queue]").all_inner_texts()
    assert set(shown) == {queue}
    page.get_by_label("Status").select_option("closed")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("main")).to_contain_text("No cases match this filter")
    page.goto("/cases?queue=none")
    expect(page.locator("main")).to_contain_text("There is no such queue")
    page.goto("/cases/T-0000-000000")
    expect(page.locator("main")).to_contain_text("There is no case of that id")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", _WIDTHS)
def test_no_page_has_an_accessibility_violation(
    browser: Browser, url: str, scheme: Literal["light", "dark"], width: str, tmp_path: Path
) -> None:
    context = browser.new_context(
        base_url=url, viewport={"width": _WIDTHS[width], "height": 844}, color_scheme=scheme
    )
    context.add_init_script(AXE)
    page = context.new_page()
    addresses: dict[str, str] = {"start": "/", "cases": "/cases", "problem": "/nowhere"}
    page.goto("/")
    ask(page, VPN)
    addresses["conversation"] = page.url
    page.goto("/")
    ask(page, STOLEN)
    addresses["handoff"] = page.url
    addresses["case"] = replies(page).last.locator(".handoff a").get_attribute("href") or ""
    addresses["transcript"] = f"/cases/threads/{page.url.partition('thread=')[2]}"
    for name in _PAGES:
        page.goto(addresses[name])
        for closed in page.locator("details:not([open]) > summary").all():
            closed.click()
        assert violations(page) == [], name
        assert page.evaluate("document.documentElement.scrollWidth") <= _WIDTHS[width], name
        page.screenshot(path=tmp_path / f"{name}-{width}-{scheme}.png", full_page=True)
    context.close()


def violations(page: Page) -> list[str]:
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [json.dumps([v["id"], [n["html"] for n in v["nodes"]]]) for v in found["violations"]]
