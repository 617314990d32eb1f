"""Cases, as a list and each whole: an agent's those of their queues, everybody's their own."""

from typing import Annotated, get_args

from fastapi import APIRouter, Query, Request, Response

from copilot.conversation import Identifier, Value
from copilot.errors import UnknownThreadError
from copilot.record import ThreadView
from integrations.access.identity import (
    Identity,
    is_agent,
    is_own,
    may_see_case,
    seen_queues,
)
from integrations.api.bodies import read_as
from integrations.api.guard import identity_of
from integrations.api.problems import (
    NOT_FOUND,
    FieldFault,
    Problem,
    ProblemError,
    listed,
)
from integrations.api.runtime import Runtime
from integrations.tickets.view import TicketLine, TicketStatus, TicketView
from integrations.web.cards import case_card, turn_card
from integrations.web.pages import Pages

STATUSES: tuple[TicketStatus, ...] = get_args(TicketStatus)
Choice = Annotated[str, Query(max_length=200)]


class Filter(Value):
    """Which cases to list; `None` is all."""

    queue: str | None = None
    status: TicketStatus | None = None


class Named(Value):
    """A conversation's id in an address."""

    thread: Identifier


def case_routes(runtime: Runtime, pages: Pages) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/cases")
    async def cases(request: Request, queue: Choice = "", status: Choice = "") -> Response:
        chosen = _filter(runtime, queue, status)
        found = await _seen(identity_of(request), runtime, chosen)
        now = runtime.clock()
        values = {
            "cases": [case_card(line, now) for line in found],
            "queues": runtime.profile.queues,
            "statuses": STATUSES,
            "filter": chosen,
            "is_agent": is_agent(identity_of(request)),
            "names": await runtime.directory.names({line.opened_by for line in found}),
        }
        return pages.response("cases.html", values)

    @router.get("/cases/threads/{thread_id:path}")
    async def transcript(request: Request, thread_id: str) -> Response:
        named = read_as(Named, {"thread": thread_id})
        view = await runtime.journal.thread(named.thread, None)
        if view is None or not await _may_read(identity_of(request), runtime, view):
            raise UnknownThreadError("No conversation of that id is known. Check the address.")
        turns = [turn_card(turn) for turn in view.turns]
        names = await runtime.directory.names([view.user])
        values = {"view": view, "turns": turns, "names": names}
        return pages.response("transcript.html", values)

    @router.get("/cases/{ticket_id}")
    async def case(request: Request, ticket_id: str) -> Response:
        return await _case(identity_of(request), runtime, pages, ticket_id)

    return router


async def _case(identity: Identity, runtime: Runtime, pages: Pages, ticket_id: str) -> Response:
    found = await runtime.desk.ticket(ticket_id)
    if found is None or not _sees(identity, found.line):
        detail = "There is no case of that id. See the list of cases."
        raise ProblemError(Problem(NOT_FOUND, detail))
    view = await runtime.journal.thread(found.line.thread_id, None)
    values = {
        "ticket": found,
        "case": case_card(found.line, runtime.clock()),
        "turns": [turn_card(turn) for turn in view.turns] if view else [],
        "names": await runtime.directory.names(named_in(found)),
    }
    return pages.response("case.html", values)


def _filter(runtime: Runtime, queue: str, status: str) -> Filter:
    chosen = read_as(Filter, {"queue": queue or None, "status": status or None})
    if chosen.queue is not None and chosen.queue not in runtime.profile.queues:
        known = ", ".join(runtime.profile.queues)
        raise ProblemError(
            listed([FieldFault("queue", f"There is no such queue. Use one of: {known}.")])
        )
    return chosen


def named_in(ticket: TicketView) -> set[str]:
    """Everybody whom the page of a case names."""
    beside = (ticket.line.opened_by, ticket.handoff.employee.manager)
    return {who for who in (*beside, *(step.by for step in ticket.history)) if who}


def _sees(identity: Identity, line: TicketLine) -> bool:
    """In a demonstration the page shows everybody what tier 2 sees."""
    if identity.how == "demo":
        return True
    return may_see_case(identity, queue=line.queue, opened_by=line.opened_by)


async def _seen(identity: Identity, runtime: Runtime, chosen: Filter) -> list[TicketLine]:
    """Asked of the desk by queue or person, so that others' cases don't use up its limit."""
    desk = runtime.desk
    if identity.how == "demo" or (is_agent(identity) and identity.queues is None):
        return list(await desk.list(chosen.queue, chosen.status))
    queues = [q for q in seen_queues(identity, runtime.profile.queues) if chosen.queue in (None, q)]
    lists = [
        await desk.list(chosen.queue, chosen.status, opened_by=identity.id),
        *[await desk.list(queue, chosen.status) for queue in queues],
    ]
    found = {line.id: line for lines in lists for line in lines}
    return sorted(found.values(), key=lambda line: (line.due_at, line.id))


async def _may_read(identity: Identity, runtime: Runtime, view: ThreadView) -> bool:
    """Its owner, and agents who see a case that came of it."""
    if is_own(identity, view.user):
        return True
    tickets = {turn.reply.ticket.id for turn in view.turns if turn.reply and turn.reply.ticket}
    found = [await runtime.desk.ticket(ticket) for ticket in tickets]
    return any(case is not None and _sees(identity, case.line) for case in found)
