"""The chat: its page, its forms, and the stream that brings a reply."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote, urlencode
from uuid import uuid4

from fastapi import APIRouter, Request, Response
from fastapi.sse import format_sse_event
from starlette.datastructures import FormData
from starlette.responses import HTMLResponse, RedirectResponse, StreamingResponse

from copilot.conversation import Feedback, Inquiry, Reply
from copilot.errors import CopilotError
from copilot.people import Person
from integrations.access.identity import is_agent
from integrations.api.bodies import read_as
from integrations.api.guard import identity_of
from integrations.api.problems import (
    NOT_SIGNED_IN,
    REFUSED,
    UNKNOWN_USER,
    Problem,
    ProblemError,
    of_error,
)
from integrations.api.routes import Reading, rate, read_thread
from integrations.api.runtime import Runtime
from integrations.shown.replies import reply_card
from integrations.shown.said import SAID_BY_BUTTON
from integrations.web.agents import Entry, entries_of
from integrations.web.cards import past_card
from integrations.web.examples import examples_of
from integrations.web.pages import Pages, is_fragment, sentences_of
from integrations.web.session import Session, checked_form, choose_user, field, session_of
from integrations.web.waiting import Turn, Waiting

CHANNEL = "web"
_PAST_DAYS = 90
_PAST_COUNT = 8
_STATUS_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Chat:
    """What the chat's handlers share."""

    runtime: Runtime
    pages: Pages
    waiting: Waiting


def chat_routes(chat: Chat) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def show(request: Request, thread: str | None = None) -> Response:
        return await _page(chat, request, thread)

    @router.post("/user")
    async def switch(request: Request) -> Response:
        return await _switched(chat, request)

    @router.post("/messages")
    async def send(request: Request) -> Response:
        form = await checked_form(request)
        person = _signed_in(session_of(request))
        return await _asked(chat, request, _inquiry(chat, form, person))

    @router.get("/messages/{inquiry_id:path}/events")
    async def events(request: Request, inquiry_id: str, thread: str) -> Response:
        session = session_of(request)
        reading = read_as(Reading, {"thread": thread, "user": _signed_in(session).id})
        stream = _events(chat, inquiry_id, reading, session.token)
        return StreamingResponse(stream, media_type="text/event-stream")

    @router.post("/feedback")
    async def feedback(request: Request) -> Response:
        return await _reacted(chat, request)

    return router


async def _page(chat: Chat, request: Request, thread: str | None) -> Response:
    runtime = chat.runtime
    session = session_of(request)
    identity = identity_of(request)
    entries: list[Entry] = []
    if thread is not None:
        reading = read_as(Reading, {"thread": thread, "user": identity.id})
        view = await read_thread(reading, runtime, hide=identity.how != "demo")
        entries = await entries_of(view.turns, runtime)
    since = runtime.clock() - timedelta(days=_PAST_DAYS)
    past = await runtime.journal.recent_threads(identity.id, since, _PAST_COUNT)
    values = {
        "session": session,
        # Only a demonstration lets people choose who they are.
        "people": runtime.directory.people() if identity.how == "demo" else (),
        "entries": entries,
        "is_agent": is_agent(identity),
        "thread_id": thread or f"web-{uuid4().hex[:16]}",
        "inquiry_id": uuid4().hex,
        "past": [past_card(summary, runtime.company) for summary in past],
        "examples": examples_of(runtime.company),
    }
    return session.keep(chat.pages.response("chat.html", values))


async def _switched(chat: Chat, request: Request) -> Response:
    form = await checked_form(request)
    _signed_in(session_of(request))
    chosen = await chat.runtime.directory.person(field(form, "user") or "")
    if chosen is None:
        detail = "The directory knows nobody of that id. Choose a person from the list."
        raise ProblemError(Problem(UNKNOWN_USER, detail))
    response = RedirectResponse("/", 303)
    choose_user(response, chosen.id)
    return response


async def _asked(chat: Chat, request: Request, inquiry: Inquiry) -> Response:
    """With the page's script: the message and a stream to wait on. Without: the whole page, when it is done."""
    if not is_fragment(request):
        await chat.runtime.copilot.ask(inquiry)
        return RedirectResponse(f"{_address(inquiry)}#turn-{quote(inquiry.id)}", 303)
    values = {
        # As it is kept: a secret is not even shown to who typed it.
        "inquiry": await chat.waiting.start(inquiry),
        "events": f"/messages/{quote(inquiry.id, safe='')}/events?{_query(inquiry)}",
        "next_id": uuid4().hex,
    }
    response: HTMLResponse = chat.pages.response("fragments/asked.html", values)
    response.headers["HX-Push-Url"] = _address(inquiry)
    return response


async def _reacted(chat: Chat, request: Request) -> Response:
    form = await checked_form(request)
    session = session_of(request)
    person = _signed_in(session)
    sent = {
        "inquiry_id": field(form, "to"),
        "user": person.id,
        "verdict": field(form, "verdict"),
        "at": chat.runtime.clock(),
    }
    said = read_as(Feedback, sent)
    await rate(said, identity_of(request), chat.runtime)
    if said.verdict in SAID_BY_BUTTON:
        inquiry = _inquiry(chat, form, person, text=SAID_BY_BUTTON[said.verdict])
        return await _asked(chat, request, inquiry)
    if is_fragment(request):
        return chat.pages.response("fragments/thanks.html", {})
    return RedirectResponse(f"/?{urlencode({'thread': field(form, 'thread') or ''})}#thanks", 303)


def _inquiry(chat: Chat, form: FormData, person: Person, text: str | None = None) -> Inquiry:
    said = text or field(form, "text") or ""
    answered = field(form, "to")
    # Pressing a button of a reply twice is one message.
    derived = hashlib.sha256(f"{answered}\n{said}".encode()).hexdigest()[:32] if answered else None
    sent = {
        "id": derived or field(form, "id") or uuid4().hex,
        "text": said,
        "user": person.id,
        "thread": field(form, "thread"),
        "channel": CHANNEL,
        "at": chat.runtime.clock(),
    }
    return read_as(Inquiry, sent)


async def _events(
    chat: Chat, inquiry_id: str, reading: Reading, token: str
) -> AsyncIterator[bytes]:
    """What is going on, as far as it is known: that it is being worked on, and then the reply."""
    turn = chat.waiting.turn(inquiry_id, reading.user)
    waited = 0.0
    while turn is not None and not turn.task.done():
        yield _event("status", chat.pages.html("fragments/status.html", _status(chat, waited)))
        await asyncio.wait({turn.task}, timeout=_STATUS_SECONDS)
        waited += _STATUS_SECONDS
    html = await _result(chat, inquiry_id, reading, turn, token)
    yield _event("reply", html)


def _status(chat: Chat, waited: float) -> dict[str, object]:
    return {"waited": round(waited), "limit": round(chat.runtime.settings.turn_seconds)}


async def _result(
    chat: Chat, inquiry_id: str, reading: Reading, turn: Turn | None, token: str
) -> str:
    try:
        reply = (
            turn.task.result() if turn is not None else await _recorded(chat, inquiry_id, reading)
        )
    except Exception as error:  # noqa: BLE001  # the edge of a stream: whatever broke, the employee is told
        if not isinstance(error, CopilotError | ProblemError):
            chat.runtime.counters.failure("web", error)
        problem = of_error(error, chat.runtime.company.hotline_text())
        return chat.pages.html("fragments/failed.html", {"sentences": sentences_of(problem)})
    values = {"card": reply_card(reply), "token": token, "thread_id": reply.thread_id}
    return chat.pages.html("fragments/replied.html", values)


async def _recorded(chat: Chat, inquiry_id: str, reading: Reading) -> Reply:
    """The reply of a turn that another process, or this one before a restart, worked on."""
    view = await read_thread(reading, chat.runtime)
    for turn in view.turns:
        if turn.inquiry_id == inquiry_id and turn.reply is not None:
            return turn.reply
    raise ProblemError(
        Problem(REFUSED, "This message has no reply yet. Reload the page in a moment to see it.")
    )


def _event(name: str, html: str) -> bytes:
    return format_sse_event(event=name, data_str=html)


def _signed_in(session: Session) -> Person:
    if session.person is None:
        raise ProblemError(Problem(NOT_SIGNED_IN, NOT_SIGNED_IN.meaning))
    return session.person


def _query(inquiry: Inquiry) -> str:
    return urlencode({"thread": inquiry.thread or ""})


def _address(inquiry: Inquiry) -> str:
    return f"/?{_query(inquiry)}"
