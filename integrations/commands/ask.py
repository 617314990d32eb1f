"""`copilot ask` and `copilot chat`."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import click
from pydantic import ValidationError

from copilot.conversation import Inquiry, Reply
from copilot.errors import CopilotError, InquiryError
from integrations.commands.batches import (
    BadLineError,
    fault,
    line_of,
    lines,
    object_of,
    output,
    refusal_of,
)
from integrations.commands.failures import USAGE, defect, plain, sentence_of
from integrations.home import Home, HomeOwnedError
from integrations.progress import Progress
from integrations.settings import Settings

CHANNEL = "terminal"
_EPOCH = datetime.fromtimestamp(0, UTC)


class Door(Protocol):
    """Where inquiries go: this process, or the server that owns the home."""

    @property
    def default_user(self) -> str: ...

    def now(self) -> datetime: ...

    async def ask(self, inquiry: Inquiry) -> Reply: ...


def ask(
    text: str | None,
    as_json: bool,
    user: str | None,
    thread: str | None,
    inquiry_id: str | None,
    at: str | None,
    batch: Path | None,
    out: Path | None,
    home: Path | None,
) -> int:
    """One question, or a batch. Returns the exit code."""
    if batch is not None:
        if refusal := refusal_of(batch, out):
            click.echo(refusal, err=True)
            return USAGE
        return asyncio.run(_batch(batch, out, home))
    if text == "-":
        try:
            text = sys.stdin.buffer.read().decode("utf-8")
        except UnicodeDecodeError as error:
            click.echo(
                f"Standard input is not UTF-8 (byte {error.start}). Send UTF-8 text.", err=True
            )
            return USAGE
    if text is None:
        click.echo(
            'Say what to ask: copilot ask "VPN says certificate validation failure"', err=True
        )
        return USAGE
    return asyncio.run(_one(text, as_json, user, thread, inquiry_id, at, home))


def chat(user: str | None, thread: str | None, home: Path | None) -> int:
    return asyncio.run(_chat(user, thread or f"chat-{uuid4().hex[:12]}", home))


async def _one(
    text: str,
    as_json: bool,
    user: str | None,
    thread: str | None,
    inquiry_id: str | None,
    at: str | None,
    home: Path | None,
) -> int:
    given: dict[str, object] = {
        "id": uuid4().hex if inquiry_id is None else inquiry_id,
        "text": text,
        "thread": thread,
        "channel": CHANNEL,
    }
    # A message that can't be asked is refused before a home is opened or prepared for it.
    Inquiry.model_validate(
        {**given, "user": "unnamed" if user is None else user, "at": at or _EPOCH}
    )
    async with _door(home) as door:
        asker = door.default_user if user is None else user
        inquiry = Inquiry.model_validate({**given, "user": asker, "at": at or door.now()})
        reply = await door.ask(inquiry)
    click.echo(reply.model_dump_json(indent=2) if as_json else _shown(reply))
    return 0


async def _chat(user: str | None, thread: str, home: Path | None) -> int:
    async with _door(home) as door:
        asker = door.default_user if user is None else user
        click.echo(f"Signed in as {asker}. Conversation {thread}. An empty line ends it.", err=True)
        while line := await asyncio.to_thread(_read_line):
            given = {"id": uuid4().hex, "text": line, "user": asker, "thread": thread}
            try:
                inquiry = Inquiry.model_validate({**given, "channel": CHANNEL, "at": door.now()})
                click.echo(f"\n{_shown(await door.ask(inquiry))}\n")
            except (InquiryError, ValidationError) as error:
                click.echo(sentence_of(error), err=True)
    return 0


def _read_line() -> str:
    click.echo("> ", nl=False, err=True)
    return sys.stdin.buffer.readline().decode("utf-8", errors="replace").strip()


async def _batch(source: Path, out: Path | None, home: Path | None) -> int:
    """Exit code 0 however many lines failed: a bad line is data, and each has its error line."""
    asked = failed = 0
    ignored: set[str] = set()
    async with _door(home) as door:
        with output(out) as write:
            for number, line in lines(source):
                ignored |= _unknown_keys(line)
                answer = await _answer_line(door, number, line)
                asked += 1
                failed += "error" in answer
                write(line_of(answer))
    if ignored:
        known = ", ".join(Inquiry.model_fields)
        click.echo(
            f"{len(ignored)} unknown key(s) of the batch were ignored. Known are: {known}.",
            err=True,
        )
    if failed:
        click.echo(f"{failed} of {asked} lines failed; see their error lines.", err=True)
    return 0


async def _answer_line(door: Door, number: int, line: bytes) -> dict[str, object]:
    """The reply of one line, or an error line with the input's id. Never raises for a bad line."""
    known: object = None
    try:
        data = object_of(line)
        known = data.get("id")
        given = {k: v for k, v in data.items() if v is not None and k in Inquiry.model_fields}
        filled: dict[str, object] = {"id": uuid4().hex, "channel": "batch", "at": door.now()}
        if "user" not in given:
            filled["user"] = door.default_user
        reply = await door.ask(Inquiry.model_validate({**filled, **given}))
        return reply.model_dump(mode="json")
    except (BadLineError, ValidationError, CopilotError) as error:
        return fault(known, number, sentence_of(error))
    except Exception as error:  # noqa: BLE001  # the edge of a line: whatever broke, the next one is asked
        return fault(known, number, defect(error))


def _unknown_keys(line: bytes) -> set[str]:
    try:
        return set(object_of(line)) - set(Inquiry.model_fields)
    except BadLineError:
        return set()


def _shown(reply: Reply) -> str:
    lines = [reply.text]
    if reply.ticket:
        lines.append(
            f"[{reply.disposition}; {reply.ticket.id} in {reply.ticket.queue}; thread {reply.thread_id}]"
        )
    else:
        lines.append(
            f"[{reply.disposition}; confidence {reply.confidence:.2f}; thread {reply.thread_id}]"
        )
    return plain("\n".join(lines))


@asynccontextmanager
async def _door(home: Path | None) -> AsyncIterator[Door]:
    """The copilot of this process where the home is free, else the server that owns it."""
    settings = Settings() if home is None else Settings(home=home)
    place = Home.at(settings.home)
    progress = Progress.to_terminal()
    try:
        with place.owned(wait_seconds=settings.owner_seconds):
            from integrations.wiring import open_app

            app = await open_app(settings, progress=progress)
            try:
                yield _Local(app)
            finally:
                await app.close()
    except HomeOwnedError as owned:
        if owned.url is None:
            raise
        from integrations.remote import RemoteDoor

        token = place.read_server_token()
        async with RemoteDoor(owned.url, seconds=settings.owner_seconds, token=token) as remote:
            yield remote


class _Local:
    def __init__(self, app) -> None:  # type: ignore[no-untyped-def]
        self._app = app

    @property
    def default_user(self) -> str:
        user: str = self._app.default_user
        return user

    def now(self) -> datetime:
        now: datetime = self._app.clock()
        return now

    async def ask(self, inquiry: Inquiry) -> Reply:
        reply: Reply = await self._app.copilot.ask(inquiry)
        return reply
