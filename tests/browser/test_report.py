"""The benchmark's report in real Chromium, opened from the disk."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.evals.runs import command
from tests.evals.small_suite import case, mandatory, suite
from tests.evals.test_commands_as_systems import program
from tests.evals.test_reporting import FRAGILE

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed"),
]
AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text("utf-8")
_WIDTHS = (1280, 390)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("opened")
    boom = case("vpn-2", turns=["boom, certificate validation failure, i restarted <twice> & more"])
    suite(folder / "suite", case(), boom, mandatory(), case("vpn-3", split="dev"))
    vendor = program(folder, FRAGILE)
    done = command(
        *("run", "--suite", folder / "suite", "--system", vendor, "--system", "calibrating"),
        *("--out", folder / "run", "--no-cache"),
    )
    assert done.returncode == 0, done.stderr
    told = command("report", folder / "run")
    assert told.returncode == 0, told.stderr
    return folder / "run" / "report.html"


@pytest.fixture
def asked_for() -> list[str]:
    """Every address that the page wanted."""
    return []


@pytest.fixture
def page(report: Path, asked_for: list[str]) -> Iterator[Page]:
    options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        context = browser.new_context(offline=True, viewport={"width": 1280, "height": 900})
        opened = context.new_page()
        opened.on("request", lambda request: asked_for.append(request.url))
        opened.on("pageerror", lambda error: pytest.fail(str(error)))
        opened.goto(report.as_uri())
        yield opened
        browser.close()


def test_it_opens_with_the_network_off_and_asks_for_nothing(
    page: Page, report: Path, asked_for: list[str]
) -> None:
    expect(page.locator("#targets h2")).to_be_visible()
    assert asked_for == [report.as_uri()]


@pytest.mark.parametrize("width", _WIDTHS)
def test_it_is_accessible_and_fits(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate(AXE)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_filters_show_the_tickets_they_name(page: Page) -> None:
    rows = page.locator("#grid tbody tr:visible")
    expect(rows).to_have_count(4)
    for mode, names in (
        ("Errors", {"vpn-2"}),
        ("Failures", {"mfa-1"}),
    ):
        page.get_by_label("Show").select_option(mode)
        assert set(rows.locator("button").all_inner_texts()) == names, mode
        expect(page.locator("#shown")).to_have_text(f"{len(names)} of 4 tickets")
    page.get_by_label("Show").select_option("All")
    page.get_by_label("Words").fill("MFA")
    expect(rows).to_have_count(1)


def test_a_ticket_opens_by_keyboard_with_all_systems_side_by_side(page: Page) -> None:
    page.locator("#grid button", has_text="vpn-1").focus()
    page.keyboard.press("Enter")
    opened = page.get_by_role("dialog")
    expect(opened).to_be_visible()
    heads = opened.locator(".side h3")
    expect(heads).to_have_count(7)
    expect(opened).to_contain_text("Please <b>reboot</b> </script>")
    page.keyboard.press("Escape")
    expect(opened).to_be_hidden()
    expect(page.locator("#grid button", has_text="vpn-1")).to_be_focused()


def test_it_prints_without_its_tools(page: Page) -> None:
    page.emulate_media(media="print")
    expect(page.locator(".filters")).to_be_hidden()
    expect(page.locator("#targets table").first).to_be_visible()
