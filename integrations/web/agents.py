"""What agents say and do, as the employee sees it in the conversation."""

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Request, Response
from fastapi.sse import format_sse_event
from starlette.responses import StreamingResponse

from copilot.record import ThreadTurn
from integrations.api.bodies import read_as
from integrations.api.guard import identity_of
from integrations.api.routes import Reading
from integrations.api.runtime import Runtime
from integrations.shown.moments import moment
from integrations.tickets.view import TicketStep, TicketView
from integrations.web.cards import TurnCard, turn_card
from integrations.web.news import News
from integrations.web.pages import Pages

_TOLD = {
    "claimed": "{name} has your case {ticket} now and reads what you write here.",
    "released": "{name} has handed the conversation back; your case {ticket} stays open.",
    "moved": "Your case {ticket} is with {queue} now; you need not explain it again.",
}
_SOMEBODY = "A colleague"


@dataclass(frozen=True, slots=True)
class AgentCard:
    """Something an agent said or did."""

    name: str
    text: str
    at: str
    is_word: bool
    """Whether these are the agent's own words."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A message with its reply, or something of an agent."""

    at: datetime
    turn: TurnCard | None = None
    agent: AgentCard | None = None


async def entries_of(turns: Iterable[ThreadTurn], runtime: Runtime) -> list[Entry]:
    """The conversation as it went, agents included."""
    turns = tuple(turns)
    entries = [Entry(turn.at, turn=turn_card(turn)) for turn in turns]
    tickets = {turn.reply.ticket.id for turn in turns if turn.reply and turn.reply.ticket}
    for ticket in sorted(tickets):
        view = await runtime.desk.ticket(ticket)
        if view is not None:
            names = await runtime.directory.names({s.by for s in view.history if s.by})
            for step in view.history:
                card = agent_card(step, view, names)
                if card is not None:
                    entries.append(Entry(step.at, agent=card))
    return sorted(entries, key=lambda entry: entry.at)


def agent_card(step: TicketStep, view: TicketView, names: Mapping[str, str]) -> AgentCard | None:
    """What the employee is told of a step; `None` for what is not for them, or their own."""
    if step.by is None or step.by == view.line.opened_by:
        return None
    name = names.get(step.by, _SOMEBODY)
    if step.kind == "asked":
        return AgentCard(name, step.note or "", moment(step.at), is_word=True)
    if step.kind == "status" and step.status == "resolved":
        told = f"Your case {view.line.id} is resolved. {step.note or ''}\nIf it is not, write here and it opens again."
        return AgentCard(name, told.strip(), moment(step.at), is_word=False)
    if step.kind not in _TOLD:
        return None
    told = _TOLD[step.kind].format(name=name, ticket=view.line.id, queue=view.line.queue)
    return AgentCard(name, told, moment(step.at), is_word=False)


def news_routes(runtime: Runtime, pages: Pages, news: News) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/news")
    async def told(request: Request, thread: str) -> Response:
        reading = read_as(Reading, {"thread": thread, "user": identity_of(request).id})
        stream = _told(runtime, pages, news, reading)
        return StreamingResponse(stream, media_type="text/event-stream")

    return router


async def _told(
    runtime: Runtime, pages: Pages, news: News, reading: Reading
) -> AsyncIterator[bytes]:
    """What agents do about this person's cases of this conversation, from now on."""
    yield b": connected\n\n"
    async for change in news.listen():
        if change is None:
            yield b": still here\n\n"
            continue
        view = await runtime.desk.ticket(change.ticket_id)
        if view is None or (view.line.thread_id, view.line.opened_by) != (
            reading.thread,
            reading.user,
        ):
            continue
        names = await runtime.directory.names({change.step.by} if change.step.by else set())
        card = agent_card(change.step, view, names)
        if card is not None:
            html = pages.html("fragments/agent.html", {"card": card})
            yield format_sse_event(event="news", data_str=html, id=str(change.seq))
