"""What tier 2 sees: the list of cases and each case whole."""

from typing import Annotated, get_args

from fastapi import APIRouter, Query, Request, Response

from copilot.conversation import Identifier, Value
from copilot.errors import UnknownThreadError
from integrations.api.bodies import read_as
from integrations.api.problems import (
    NOT_FOUND,
    UNKNOWN_USER,
    FieldFault,
    Problem,
    ProblemError,
    listed,
)
from integrations.api.runtime import Runtime
from integrations.tickets.view import TicketStatus, TicketView
from integrations.web.cards import case_card, turn_card
from integrations.web.pages import Pages
from integrations.web.session import session_of

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
        await _check_open(request, runtime)
        chosen = _filter(runtime, queue, status)
        found = await runtime.desk.list(chosen.queue, chosen.status)
        now = runtime.clock()
        values = {
            "cases": [case_card(line, now) for line in found],
            "queues": runtime.profile.queues,
            "statuses": STATUSES,
            "filter": chosen,
            "names": await runtime.directory.names({line.opened_by for line in found}),
        }
        return pages.response("cases.html", values)

    @router.get("/cases/threads/{thread_id:path}")
    async def transcript(request: Request, thread_id: str) -> Response:
        await _check_open(request, runtime)
        named = read_as(Named, {"thread": thread_id})
        view = await runtime.journal.thread(named.thread, None)
        if view is None:
            raise UnknownThreadError("No conversation of that id is known. Check the address.")
        turns = [turn_card(turn) for turn in view.turns]
        names = await runtime.directory.names([view.user])
        values = {"view": view, "turns": turns, "names": names}
        return pages.response("transcript.html", values)

    @router.get("/cases/{ticket_id}")
    async def case(request: Request, ticket_id: str) -> Response:
        await _check_open(request, runtime)
        return await _case(runtime, pages, ticket_id)

    return router


async def _case(runtime: Runtime, pages: Pages, ticket_id: str) -> Response:
    found = await runtime.desk.ticket(ticket_id)
    if found is None:
        detail = "There is no case of that id. See the list of cases."
        raise ProblemError(Problem(NOT_FOUND, detail))
    view = await runtime.journal.thread(found.line.thread_id, None)
    values = {
        "ticket": found,
        "case": case_card(found.line, runtime.clock()),
        "turns": [turn_card(turn) for turn in view.turns] if view else [],
        "names": await runtime.directory.names(_named(found)),
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


def _named(ticket: TicketView) -> set[str]:
    """Everybody whom the page of a case names."""
    beside = (ticket.line.opened_by, ticket.handoff.employee.manager)
    return {who for who in (*beside, *(step.by for step in ticket.history)) if who}


async def _check_open(request: Request, runtime: Runtime) -> None:
    if (await session_of(request, runtime)).person is None:
        detail = (
            "Nobody is signed in: sign-in is not configured. Start in demo mode to see the cases."
        )
        raise ProblemError(Problem(UNKNOWN_USER, detail))
