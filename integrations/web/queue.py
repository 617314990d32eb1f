"""Where agents work: the cases of their queues, and each case with what can be done."""

from collections.abc import AsyncIterator
from typing import Annotated, Literal
from uuid import uuid4

from fastapi import APIRouter, Query, Request, Response
from fastapi.sse import format_sse_event
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, StreamingResponse

from copilot.conversation import Value
from integrations.access.identity import Identity, is_agent, may_see_queue, seen_queues
from integrations.api.bodies import read_as
from integrations.api.guard import identity_of
from integrations.api.problems import NOT_FOUND, Problem, ProblemError
from integrations.api.runtime import Runtime
from integrations.memory.resolutions import ResolutionRefusedError
from integrations.tickets.ratings import VERDICTS
from integrations.tickets.view import TicketLine, TicketStatus, TicketView
from integrations.web.cards import case_card, turn_card
from integrations.web.cases import STATUSES, named_in
from integrations.web.news import News
from integrations.web.pages import Pages
from integrations.web.session import checked_form, field, session_of
from integrations.web.working import CODES, DEEDS, CaseRefusedError, Deed, Sent

Choice = Annotated[str, Query(max_length=200)]
_MOST = 200


class Shown(Value):
    """Which cases to list; `None` is all that are not done."""

    queue: str | None = None
    status: TicketStatus | None = None
    whose: Literal["mine", "nobody"] | None = None


def queue_routes(runtime: Runtime, pages: Pages, news: News) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/queue")
    async def listed(
        request: Request, queue: Choice = "", status: Choice = "", whose: Choice = ""
    ) -> Response:
        given = {"queue": queue or None, "status": status or None, "whose": whose or None}
        return await _list(request, runtime, pages, read_as(Shown, given))

    @router.get("/queue/events")
    async def events(request: Request) -> Response:
        known = request.headers.get("last-event-id") is not None
        return StreamingResponse(_changes(news, again=known), media_type="text/event-stream")

    @router.get("/queue/{ticket_id}")
    async def case(request: Request, ticket_id: str) -> Response:
        return await _case(request, runtime, pages, ticket_id, problem=None)

    @router.post("/queue/{ticket_id}/{deed}")
    async def done(request: Request, ticket_id: str, deed: str) -> Response:
        form = await checked_form(request)
        agent, found = identity_of(request), await _seen(request, runtime, ticket_id)
        if deed not in DEEDS:
            raise ProblemError(Problem(NOT_FOUND, f"Nothing is called '{deed[:40]}' here."))
        try:
            await DEEDS[deed](Deed(runtime, agent, found, _sent(form)))
        except (CaseRefusedError, ResolutionRefusedError) as error:
            return await _case(request, runtime, pages, ticket_id, problem=str(error))
        return RedirectResponse(f"/queue/{ticket_id}?done={deed}", 303)

    return router


def _sent(form: FormData) -> Sent:
    names = ("key", "text", "queue", "code", "minutes", "over", "verdict", "articles")
    return read_as(Sent, {name: value for name in names if (value := field(form, name))})


async def _list(request: Request, runtime: Runtime, pages: Pages, shown: Shown) -> Response:
    agent, now = identity_of(request), runtime.clock()
    lines = await _lines(agent, runtime, shown)
    people = {who for line in lines for who in (line.opened_by, line.assignee) if who}
    session = session_of(request)
    values = {
        "cases": [case_card(line, now) for line in lines],
        "queues": {
            q: runtime.profile.queues[q] for q in seen_queues(agent, runtime.profile.queues)
        },
        "statuses": STATUSES,
        "shown": shown,
        "names": await runtime.directory.names(people),
        "agent": agent,
        "is_agent": True,
        "session": session,
        "key": uuid4().hex,
        "most": _MOST,
    }
    return session.keep(pages.response("queue.html", values))


async def _lines(agent: Identity, runtime: Runtime, shown: Shown) -> list[TicketLine]:
    """Asked of the desk by queue, so that other queues' cases don't use up its limit."""
    if agent.queues is None:
        lines = list(await runtime.desk.list(shown.queue, shown.status, limit=_MOST))
    else:
        mine = seen_queues(agent, runtime.profile.queues)
        wanted = [queue for queue in mine if shown.queue in (None, queue)]
        lists = [await runtime.desk.list(q, shown.status, limit=_MOST) for q in wanted]
        lines = sorted((line for each in lists for line in each), key=lambda x: (x.due_at, x.id))
    holder = {"mine": agent.id, "nobody": None}
    return [
        line
        for line in lines
        if (shown.status is not None or not line.is_closed)
        and (shown.whose is None or line.assignee == holder[shown.whose])
    ][:_MOST]


async def _seen(request: Request, runtime: Runtime, ticket_id: str) -> TicketView:
    found = await runtime.desk.ticket(ticket_id)
    if found is None or not may_see_queue(identity_of(request), found.line.queue):
        raise ProblemError(Problem(NOT_FOUND, "There is no case of that id. See the queue."))
    return found


async def _case(
    request: Request, runtime: Runtime, pages: Pages, ticket_id: str, *, problem: str | None
) -> Response:
    found, session = await _seen(request, runtime, ticket_id), session_of(request)
    view = await runtime.journal.thread(found.line.thread_id, None)
    people = named_in(found) | ({found.line.assignee} if found.line.assignee else set())
    values = {
        "ticket": found,
        "case": case_card(found.line, runtime.clock()),
        "turns": [turn_card(turn) for turn in view.turns] if view else [],
        "names": await runtime.directory.names(people),
        "agent": identity_of(request),
        "is_agent": is_agent(identity_of(request)),
        "session": session,
        "key": uuid4().hex,
        "codes": CODES,
        "verdicts": VERDICTS,
        "queues": runtime.profile.queues,
        "problem": problem,
        "done": request.query_params.get("done") if problem is None else None,
    }
    return session.keep(pages.response("queue_case.html", values, status=409 if problem else 200))


async def _changes(news: News, *, again: bool) -> AsyncIterator[bytes]:
    """Only that something changed: the page looks again, so nothing can be shown twice."""
    yield format_sse_event(event="changed" if again else "ready", data_str="1", id="1")
    async for change in news.listen():
        if change is None:
            yield b": still here\n\n"
        else:
            yield format_sse_event(event="changed", data_str=change.ticket_id, id=str(change.seq))
