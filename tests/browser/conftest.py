"""What the tests of pages share: a prepared home, and a Chromium that says what it complains about."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.serving import prepared_home

__all__ = ["prepared_home"]


CHROMIUM = shutil.which("chromium")
PATIENCE_MS = 30_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield opened
        opened.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser's console complained about; violations of the content policy are among it."""
    return []


@pytest.fixture
def context(browser: Browser, url: str, complaints: list[str]) -> Iterator[BrowserContext]:
    opened = browser.new_context(base_url=url, viewport={"width": 1280, "height": 900})
    opened.set_default_timeout(PATIENCE_MS)
    opened.on(
        "console", lambda said: complaints.append(said.text) if said.type == "error" else None
    )
    opened.on("weberror", lambda error: complaints.append(str(error.error)))
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()
