"""A production server as it is started by hand, its commands, and browsers that sign in there."""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.serving import COPILOT

PAGE = {"Accept": "text/html"}
_FIELD = re.compile(r'name="(form_token|secret)" value="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Stage:
    """A server with its home."""

    url: str
    home: Path
    greeting: str
    environment: dict[str, str]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(COPILOT), *arguments, "--home", str(self.home)]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=90, check=False, env=self.environment
        )

    def said(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def token(self, person: str, *roles: str) -> str:
        given = [part for role in roles for part in ("--role", role)]
        return self.said("access", "token", "create", "--person", person, *given)

    def link(self, person: str) -> str:
        return self.said("access", "link", "--person", person)

    def client(self, token: str | None = None) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"} if token else None
        return httpx.Client(base_url=self.url, trust_env=False, timeout=30, headers=headers)

    @contextmanager
    def browser(self, person: str) -> Iterator[httpx.Client]:
        """A browser in which this person is signed in."""
        with self.client() as browser:
            answer = press(browser, self.link(person))
            assert answer.status_code == 303, answer.text
            yield browser


def fields(page: httpx.Response) -> dict[str, str]:
    return dict(_FIELD.findall(page.text))


def press(browser: httpx.Client, link: str) -> httpx.Response:
    """Open a one-time link and press its button."""
    return browser.post("/signin/link", data=fields(browser.get(link, headers=PAGE)))


@contextmanager
def staged(home: Path, log: Path, *arguments: str, **settings: str) -> Iterator[Stage]:
    """A server in production mode, until the block ends."""
    environment = {**os.environ, "COPILOT_MODE": "production", **settings}  # noqa: TID251  # a child's
    command = [str(COPILOT), "serve", *(arguments or ("--port", "0")), "--home", str(home)]
    with log.open("wb") as errors:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment
        )
    assert process.stdout is not None
    lines: list[str] = []
    try:
        for line in process.stdout:
            lines.append(line)
            if line.startswith("Ctrl+C"):
                break
        assert lines, log.read_text("utf-8")
        if "COPILOT_ACCESS_SIGNIN" not in settings:
            lines.append(process.stdout.readline())
        url = lines[0].strip().rpartition(" ")[2]
        yield Stage(url, home, "".join(lines), environment)
    finally:
        process.terminate()
        assert process.wait(timeout=30) == 0
        process.stdout.close()
