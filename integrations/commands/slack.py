"""Slack beside the server: `copilot slack ingress`, and what `copilot serve` starts with it."""

import asyncio
import hashlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog
import uvicorn
from filelock import FileLock, Timeout
from pydantic import SecretStr

from copilot.company import numbers_of
from copilot.errors import OutageError
from integrations.commands.doctor import FOUND_FAULTS, say_line
from integrations.company import load_company
from integrations.home import Home, HomeError
from integrations.jobs.inbox import DbosInbox
from integrations.jobs.port import Pace
from integrations.settings import Settings, SlackSettings
from integrations.slack.client import Token
from integrations.slack.diagnosing import Doubts, Finding, findings, manifest_findings
from integrations.slack.ingress import Ingress, IngressOptions, opened
from integrations.slack.installing import Installations, one_workspace
from integrations.slack.runtime import Options
from integrations.wiring import App

_RETRY_SECONDS, _BACKOFF = 2.0, 2.0
_RESTART_SECONDS = 1.0
_GRACE_SECONDS, _STEP_SECONDS = 5.0, 0.1
_NICE = 5
"""The worker yields to the ingress, which has three seconds."""


def ingress(home: Path | None) -> int:
    """Take Slack's deliveries until told to stop. Returns the exit code."""
    settings = Settings() if home is None else Settings(home=home)
    slack = SlackSettings()
    with suppress(Timeout), _held(Home.at(settings.home), slack):
        asyncio.run(_ingress(settings, slack))
        return 0
    raise HomeError(
        f"Another ingress takes Slack's deliveries for the home {settings.home}. Stop it first."
    )


@asynccontextmanager
async def beside(app: App, settings: Settings, slack: SlackSettings) -> AsyncIterator[None]:
    """The worker in this process and the ingress in one of its own, while the block runs."""
    if slack.transport == "off":
        yield
        return
    async with working(app, settings, slack):
        with suppress(OSError):
            os.nice(_NICE)
        keeping = asyncio.create_task(_kept_running(Home.at(settings.home), slack))
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)


@asynccontextmanager
async def working(app: App, settings: Settings, slack: SlackSettings) -> AsyncIterator[None]:
    """The worker in this process, while the block runs."""
    from integrations.jobs.worker import DbosWorker
    from integrations.slack.worker import slack_work
    from integrations.web.examples import examples_of

    home = Home.at(settings.home)
    inbox = await DbosInbox.open(home.jobs_url)
    work = slack_work(
        app,
        database=app.journal.database,
        inbox=inbox,
        token=_token(home, slack),
        base_url=slack.api_url,
        rate_retries=slack.rate_retries,
        options=_options(slack),
        examples=examples_of(app.company),
    )
    worker = DbosWorker(
        home.jobs_url,
        work.by_kind,
        executor_id="worker",
        on_failed=work.given_up,
        pace=Pace(
            concurrency=slack.concurrency,
            attempts=slack.attempts,
            retry_seconds=_RETRY_SECONDS,
            backoff=_BACKOFF,
            keep_days=slack.keep_days,
        ),
    )
    await worker.start()
    following = asyncio.create_task(work.news.follow())
    try:
        yield
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await worker.drain(_GRACE_SECONDS)
        await work.close()
        await inbox.close()


async def _kept_running(home: Home, slack: SlackSettings) -> None:
    """The ingress as a child; one that ends is started again.

    One that a worker before us started goes on taking deliveries when that worker dies, and is
    simply kept, unless the settings are others by now.
    """
    if _is_held(home) and _held_with(home) != _digest(slack):
        await _end_ingress(home)
    command = [
        sys.executable,
        "-m",
        "integrations.cli",
        "slack",
        "ingress",
        "--home",
        str(home.path),
    ]
    try:
        while True:
            if not _is_held(home):
                child = await asyncio.create_subprocess_exec(*command)
                code = await child.wait()
                structlog.get_logger("slack").error("slack.ingress_ended", status=str(code))
            await asyncio.sleep(_RESTART_SECONDS)
    finally:
        await _end_ingress(home)


@contextmanager
def _held(home: Home, slack: SlackSettings) -> Iterator[None]:
    """Be the one ingress of a home, or `Timeout`."""
    with FileLock(home.ingress_lock, timeout=_GRACE_SECONDS):
        home.ingress_pid.write_text(f"{os.getpid()} {_digest(slack)}", "utf-8")
        try:
            yield
        finally:
            home.ingress_pid.unlink(missing_ok=True)


def _held_with(home: Home) -> str:
    """The digest of the settings that the home's ingress was started with."""
    with suppress(OSError):
        return home.ingress_pid.read_text("utf-8").partition(" ")[2]
    return ""


def _digest(slack: SlackSettings) -> str:
    secrets = [getattr(slack, name) for name in sorted(type(slack).model_fields)]
    shown = [s.get_secret_value() if isinstance(s, SecretStr) else str(s) for s in secrets]
    return hashlib.sha256("\n".join(shown).encode()).hexdigest()[:16]


def _is_held(home: Home) -> bool:
    try:
        with FileLock(home.ingress_lock, timeout=0):
            return False
    except Timeout:
        return True


async def _end_ingress(home: Home) -> None:
    """Stop the home's ingress, ours or one that outlived its worker."""
    deadline = asyncio.get_running_loop().time() + _GRACE_SECONDS
    while _is_held(home):
        late = asyncio.get_running_loop().time() > deadline
        with suppress(OSError, ValueError):
            os.kill(
                int(home.ingress_pid.read_text("utf-8").split()[0]),
                signal.SIGKILL if late else signal.SIGTERM,
            )
        await asyncio.sleep(_STEP_SECONDS)


async def _ingress(settings: Settings, slack: SlackSettings) -> None:
    async with opened(ingress_options(settings, slack)) as door:
        if slack.transport == "socket":
            await door.listen()
        else:
            await _serve(door, slack)


async def _serve(door: Ingress, slack: SlackSettings) -> None:
    await uvicorn.Server(serving(door, host=slack.host, port=slack.port)).serve()


def serving(door: Ingress, **where: Any) -> uvicorn.Config:
    """How the ingress is served; `where` is its host and port, unless it is given a socket."""
    return uvicorn.Config(
        door.site(),
        **where,
        access_log=False,
        log_config=None,
        log_level="error",
        server_header=False,
        ws="none",
        lifespan="off",
        timeout_graceful_shutdown=round(_GRACE_SECONDS),
    )


def ingress_options(settings: Settings, slack: SlackSettings) -> IngressOptions:
    if slack.transport == "off":
        raise OutageError("Slack is off. Set COPILOT_SLACK_TRANSPORT to http or socket.")
    home, company = Home.at(settings.home), load_company(settings.company_dir)
    return IngressOptions(
        jobs_url=home.jobs_url,
        signing_secret=_plain(slack.signing_secret) or "",
        bot_token=_plain(slack.bot_token) or "",
        app_token=_plain(slack.app_token),
        base_url=slack.api_url,
        queues=tuple(company.queues),
        hotline=numbers_of(company.company.security_hotline),
        late_seconds=slack.late_seconds,
        max_body_bytes=slack.max_body_bytes,
        call_seconds=slack.call_seconds,
        installations=_installations(home, slack),
        client_secret=_plain(slack.client_secret),
    )


def _plain(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


def _installations(home: Home, slack: SlackSettings) -> Installations | None:
    return Installations(home.installations, slack.client_id) if slack.client_id else None


def _token(home: Home, slack: SlackSettings) -> Token:
    installed = _installations(home, slack)
    if installed is not None:
        return installed.token()
    return one_workspace(_plain(slack.bot_token) or "")


def _options(slack: SlackSettings) -> Options:
    return Options(
        triage_channel=slack.triage_channel,
        agents_group=slack.agents_group,
        private_categories=frozenset(slack.private_categories),
        check_in=timedelta(minutes=slack.check_in_minutes),
        follow_ups=tuple(timedelta(days=days) for days in slack.follow_up_days),
        call_seconds=slack.call_seconds,
    )


def doctor() -> int:
    """Print a line for each check of Slack; 1 when one failed. Changes nothing."""
    slack = SlackSettings()
    failed = False
    for finding in asyncio.run(_found(slack)):
        failed |= finding.level == "fail"
        say_line(finding.level, finding.name, finding.text)
    return FOUND_FAULTS if failed else 0


async def _found(slack: SlackSettings) -> list[Finding]:
    doubts = Doubts(
        transport=slack.transport,
        base_url=slack.api_url,
        bot_token=_plain(slack.bot_token) or "",
        app_token=_plain(slack.app_token),
        triage_channel=slack.triage_channel,
        ingress_url=f"http://{slack.host}:{slack.port}" if slack.transport == "http" else None,
    )
    if slack.transport == "off":
        off = Finding(
            "warn", "transport", "Slack is off. Set COPILOT_SLACK_TRANSPORT to http or socket."
        )
        return [off, *manifest_findings()]
    return [finding async for finding in findings(doubts)]
