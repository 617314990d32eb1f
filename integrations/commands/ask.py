"""`copilot ask` and `copilot chat`."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import click
from pydantic import ValidationError

from copilot.conversation import Inquiry, Reply
from copilot.errors import CopilotError, InquiryError
from integrations.commands.failures import USAGE, sentence_of
from integrations.home import Home, HomeOwnedError
from integrations.progress import Progress
from integrations.settings import Settings

CHANNEL = "terminal"


class Door(Protocol):
    """Where inquiries go: this process, or the server that owns the home."""

    default_user: str

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
        return asyncio.run(_batch(batch, out, home))
    if text == "-":
        text = sys.stdin.buffer.read().decode("utf-8", errors="replace")
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
    async with _door(home) as door:
        inquiry = Inquiry.model_validate(
            {
                "id": inquiry_id or uuid4().hex,
                "text": text,
                "user": user or door.default_user,
                "thread": thread,
                "channel": CHANNEL,
                "at": at or door.now(),
            }
        )
        reply = await door.ask(inquiry)
    click.echo(reply.model_dump_json(indent=2) if as_json else _shown(reply))
    return 0


async def _chat(user: str | None, thread: str, home: Path | None) -> int:
    async with _door(home) as door:
        asker = user or door.default_user
        click.echo(f"Signed in as {asker}. Conversation {thread}. An empty line ends it.", err=True)
        while line := await asyncio.to_thread(_read_line):
            inquiry = Inquiry(
                id=uuid4().hex, text=line, user=asker, thread=thread, channel=CHANNEL, at=door.now()
            )
            try:
                click.echo(f"\n{_shown(await door.ask(inquiry))}\n")
            except InquiryError as error:
                click.echo(str(error), err=True)
    return 0


def _read_line() -> str:
    click.echo("> ", nl=False, err=True)
    return sys.stdin.readline().strip()


async def _batch(source: Path, out: Path | None, home: Path | None) -> int:
    if not source.is_file():
        click.echo(f"The batch file {source} is not there.", err=True)
        return USAGE
    failed = 0
    ignored: set[str] = set()
    async with _door(home) as door:
        with _output(out) as write:
            for number, line in _lines(source):
                ignored |= _unknown_keys(line)
                answer = await _answer_line(door, number, line)
                failed += "error" in answer
                write(json.dumps(answer, ensure_ascii=False))
    if ignored:
        click.echo(f"These keys of the batch were ignored: {', '.join(sorted(ignored))}.", err=True)
    if failed:
        click.echo(f"{failed} line(s) could not be asked; see their error lines.", err=True)
    return 0


async def _answer_line(door: Door, number: int, line: bytes) -> dict[str, object]:
    """The reply of one line, or an error line with the input's id. Never raises for a bad line."""
    known: object = None
    try:
        data = json.loads(line.decode("utf-8"))
        if not isinstance(data, dict):
            return _fault(
                None, number, 'The line is no JSON object. Write {"id": …, "text": …, "user": …}.'
            )
        known = data.get("id")
        filled = {
            "id": known if known is not None else uuid4().hex,
            "channel": "batch",
            "at": door.now().isoformat(),
            "user": door.default_user,
            **{
                k: v
                for k, v in data.items()
                if v is not None and k in Inquiry.model_fields and k != "id"
            },
        }
        reply = await door.ask(Inquiry.model_validate(filled))
        return reply.model_dump(mode="json")
    except UnicodeDecodeError as error:
        return _fault(
            known, number, f"The line is not UTF-8 (byte {error.start}). Save the file as UTF-8."
        )
    except json.JSONDecodeError as error:
        return _fault(known, number, f"The line is no JSON: {error.msg} at column {error.colno}.")
    except ValidationError as error:
        return _fault(known, number, sentence_of(error))
    except CopilotError as error:
        return _fault(known, number, str(error))


def _unknown_keys(line: bytes) -> set[str]:
    try:
        data = json.loads(line)
    except ValueError:
        return set()
    return set(data) - set(Inquiry.model_fields) if isinstance(data, dict) else set()


def _fault(known: object, number: int, message: str) -> dict[str, object]:
    return {"inquiry_id": known, "line": number, "error": message}


def _lines(source: Path) -> Iterator[tuple[int, bytes]]:
    with source.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield number, line


class _output:  # noqa: N801  # reads as a function at its one call
    def __init__(self, out: Path | None) -> None:
        self._file = out.open("w", encoding="utf-8") if out else None

    def __enter__(self):  # type: ignore[no-untyped-def]
        return self._write

    def _write(self, line: str) -> None:
        if self._file:
            self._file.write(line + "\n")
            self._file.flush()
        else:
            click.echo(line)

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.close()


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
    return "\n".join(lines)


@asynccontextmanager
async def _door(home: Path | None) -> AsyncIterator[Door]:
    """This process where the home is free, else the server that owns it."""
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

        async with RemoteDoor(owned.url, seconds=settings.owner_seconds) as remote:
            yield remote


class _Local:
    def __init__(self, app) -> None:  # type: ignore[no-untyped-def]
        self._app = app
        self.default_user: str = app.default_user

    def now(self) -> datetime:
        now: datetime = self._app.clock()
        return now

    async def ask(self, inquiry: Inquiry) -> Reply:
        reply: Reply = await self._app.copilot.ask(inquiry)
        return reply
