"""The operations of the API."""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Literal, TypeVar
from uuid import uuid4

from fastapi import APIRouter, Request, Response
from pydantic import AwareDatetime, BaseModel

from copilot.conversation import Feedback, Identifier, Inquiry, Reply, Value
from copilot.errors import (
    DeskUnavailableError,
    ForeignThreadError,
    UnknownInquiryError,
    UnknownThreadError,
    UnknownUserError,
)
from copilot.record import ThreadView
from integrations.access.identity import Identity, identity_in, is_own, may_ask_as
from integrations.access.rules import permits
from integrations.api import examples, problems
from integrations.api.bodies import json_object, read_as
from integrations.api.guard import identity_of
from integrations.api.problems import KINDS, Problem, ProblemError
from integrations.api.runtime import Runtime
from integrations.api.schemas import documents

_ASK_PROBLEMS = (
    problems.MALFORMED, problems.FOREIGN_THREAD, problems.UNKNOWN_USER, problems.CONFLICT,
    problems.TOO_LARGE, problems.WRONG_MEDIA_TYPE, problems.INVALID, problems.BROKEN, problems.UNAVAILABLE,
    problems.NOT_SIGNED_IN, problems.TOO_MANY,
)  # fmt: skip
_FEEDBACK_PROBLEMS = (
    problems.MALFORMED, problems.FOREIGN_THREAD, problems.UNKNOWN_INQUIRY, problems.TOO_LARGE,
    problems.WRONG_MEDIA_TYPE, problems.INVALID, problems.BROKEN, problems.UNAVAILABLE,
    problems.NOT_SIGNED_IN, problems.TOO_MANY,
)  # fmt: skip
_THREAD_PROBLEMS = (
    problems.FOREIGN_THREAD, problems.UNKNOWN_USER, problems.UNKNOWN_THREAD, problems.INVALID,
    problems.BROKEN, problems.UNAVAILABLE, problems.NOT_SIGNED_IN,
)  # fmt: skip
_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
T = TypeVar("T")
_NO_THREAD = "No conversation of that id is known. Use the `thread_id` of a reply."
_NO_INQUIRY = "No inquiry of that id is known. Use the `inquiry_id` of a reply."
Json = dict[str, str | bool | None]


class FeedbackBody(Feedback):
    """Feedback as it is sent: a time needs its zone."""

    at: AwareDatetime | None = None


class Reading(Value):
    """Who reads which conversation."""

    thread: Identifier
    user: Identifier


def api_routes(runtime: Runtime) -> APIRouter:
    """Everything but the pages."""
    router = APIRouter()
    _add_conversation(router, runtime)
    _add_operation(router, runtime)
    _add_documents(router)
    return router


def _add_conversation(router: APIRouter, runtime: Runtime) -> None:
    @router.post(
        "/v1/ask",
        summary="Ask, and get an answer, a question, a handoff or an honest no",
        response_model=Reply,
        responses={
            200: examples.answer("The reply.", examples.REPLY),
            **examples.problems(_ASK_PROBLEMS, "/v1/ask"),
        },
        openapi_extra=examples.ask_body({"$ref": "#/components/schemas/Inquiry"}),
        tags=["conversation"],
    )
    async def ask(request: Request) -> Response:
        identity = identity_of(request)
        inquiry = inquiry_of(await json_object(request), runtime, asker=_asker(identity))
        await _check_asker(runtime, identity, inquiry.user)
        return _json(await runtime.copilot.ask(inquiry))

    @router.post(
        "/v1/feedback",
        summary="Say what became of a reply",
        responses={
            200: examples.answer(
                "It is recorded; the latest verdict counts.", examples.FEEDBACK_DONE
            ),
            **examples.problems(_FEEDBACK_PROBLEMS, "/v1/feedback"),
        },
        openapi_extra=examples.feedback_body({"$ref": "#/components/schemas/Feedback"}),
        tags=["conversation"],
    )
    async def feedback(request: Request) -> Json:
        sent = read_as(FeedbackBody, await json_object(request))
        said = Feedback.model_validate({**dict(sent), "at": sent.at or runtime.clock()})
        await rate(said, identity_of(request), runtime)
        return {"inquiry_id": said.inquiry_id, "verdict": said.verdict, "recorded": True}

    _add_threads(router, runtime)


def _add_threads(router: APIRouter, runtime: Runtime) -> None:
    @router.get(
        "/v1/threads/{thread_id:path}",
        summary="Read a conversation, as its owner",
        response_model=ThreadView,
        responses={
            200: examples.answer("The conversation, oldest turn first.", examples.THREAD),
            **examples.problems(_THREAD_PROBLEMS, "/v1/threads/th-0001"),
        },
        tags=["conversation"],
    )
    async def thread(request: Request, thread_id: str, user: str) -> Response:
        reading = read_as(Reading, {"thread": thread_id, "user": user})
        identity = identity_of(request)
        if not is_own(identity, reading.user):
            await runtime.doors.keeper.refuse("other_user", identity, "/v1/threads")
            raise UnknownThreadError(_NO_THREAD)
        return _json(await read_thread(reading, runtime, hide=identity.how != "demo"))


def _add_operation(router: APIRouter, runtime: Runtime) -> None:
    @router.get(
        "/healthz",
        summary="The process lives",
        responses={200: examples.answer("It lives.", examples.ALIVE)},
        tags=["operation"],
    )
    async def healthz() -> dict[Literal["status"], str]:
        return {"status": "alive"}

    @router.get(
        "/readyz",
        summary="Index, policy, store and desk can be used",
        responses={
            200: examples.answer("They can.", examples.READY),
            **examples.problems([problems.NOT_READY], "/readyz"),
        },
        tags=["operation"],
    )
    async def readyz(request: Request) -> dict[Literal["status"], str]:
        reasons = [*await runtime.ready(), *await _desk_reasons(runtime)]
        if reasons:
            detail = f"{len(reasons)} part(s) can't be used. Mend what `reasons` lists, or run `copilot doctor`."
            told = tuple(reasons) if permits("operator", identity_in(request.scope)) else ()
            raise ProblemError(Problem(problems.NOT_READY, detail, reasons=told))
        return {"status": "ready"}

    _add_about(router, runtime)


def _add_about(router: APIRouter, runtime: Runtime) -> None:
    @router.get(
        "/v1/about",
        summary="What a client of this server goes by: its clock and, in a demonstration, its default user",
        responses={200: examples.answer("As it is now.", examples.ABOUT)},
        tags=["operation"],
    )
    async def about() -> Json:
        demo = runtime.settings.mode == "demo"
        return {
            "company": runtime.company.name,
            "mode": runtime.settings.mode,
            "now": runtime.clock().isoformat(),
            "default_user": runtime.default_user if demo else None,
            "version": version("it-support-copilot"),
        }

    @router.get(
        "/metrics",
        summary="Counters in Prometheus' text format",
        response_class=Response,
        responses={
            200: {
                "description": "Turns by disposition, failures, times.",
                "content": {
                    "text/plain": {"example": 'copilot_turns_total{disposition="answer"} 3.0\n'}
                },
            }
        },
        tags=["operation"],
    )
    async def metrics() -> Response:
        return Response(runtime.counters.exposed(), media_type=_METRICS_TYPE)


def _add_documents(router: APIRouter) -> None:
    published = documents()

    @router.get(
        "/schemas/{name}.json",
        summary="JSON Schema of an inquiry, a reply or a handoff",
        responses={
            200: examples.answer("The schema.", {"$id": "/schemas/reply.json", "type": "object"}),
            **examples.problems([problems.NOT_FOUND], "/schemas/reply.json"),
        },
        tags=["documents"],
    )
    async def schema(name: str) -> dict[str, object]:
        return _one_of(published, name, "schema")

    @router.get(
        "/problems/{slug}",
        summary="What a kind of problem means",
        responses={
            200: examples.answer(
                "The kind.",
                {"title": problems.CONFLICT.title, "meaning": problems.CONFLICT.meaning},
            ),
            **examples.problems([problems.NOT_FOUND], "/problems/inquiry-conflict"),
        },
        tags=["documents"],
    )
    async def problem(slug: str) -> dict[str, object]:
        kind = _one_of(KINDS, slug, "kind of problem")
        return {
            "type": kind.type,
            "title": kind.title,
            "status": kind.status,
            "meaning": kind.meaning,
        }


def inquiry_of(
    sent: Mapping[str, object], runtime: Runtime, *, asker: str | None = None
) -> Inquiry:
    """An inquiry of what was sent; a missing id and time are filled in, `null` counts as missing.

    `asker` is who asks where nobody is named.
    """
    given = {key: value for key, value in sent.items() if value is not None}
    known = {"id": uuid4().hex, "at": runtime.clock(), **({"user": asker} if asker else {})}
    return read_as(Inquiry, {**known, **given})


async def read_thread(reading: Reading, runtime: Runtime, *, hide: bool = False) -> ThreadView:
    """A conversation for its owner. Raises an `InquiryError` for anybody else.

    `hide`: somebody else's conversation looks like one that does not exist.
    """
    if await runtime.directory.person(reading.user) is None:
        raise UnknownUserError(
            "The directory knows nobody of that id. Use the id of a person in the directory."
        )
    try:
        view = await runtime.journal.thread(reading.thread, reading.user)
    except ForeignThreadError:
        if not hide:
            raise
        view = None
    if view is None:
        raise UnknownThreadError(_NO_THREAD)
    return view


async def rate(said: Feedback, identity: Identity, runtime: Runtime) -> None:
    """Record what became of a reply to them; somebody else's looks like one that does not exist."""
    if identity.how == "demo":
        await runtime.copilot.follow_up(said)
        return
    if not is_own(identity, said.user):
        await runtime.doors.keeper.refuse("other_user", identity, "/v1/feedback")
        raise UnknownInquiryError(_NO_INQUIRY)
    try:
        await runtime.copilot.follow_up(said)
    except (ForeignThreadError, UnknownInquiryError) as error:
        raise UnknownInquiryError(_NO_INQUIRY) from error


async def _check_asker(runtime: Runtime, identity: Identity, user: str) -> None:
    if not may_ask_as(identity, user):
        await runtime.doors.keeper.refuse("other_user", identity, "/v1/ask")
        detail = "You ask as yourself only. Leave `user` out, or send the id that you sign in with."
        raise ProblemError(Problem(problems.UNKNOWN_USER, detail))
    if user != identity.id and identity.how != "demo":
        await runtime.doors.keeper.note("asked_for_another", identity, reason=user)


def _asker(identity: Identity) -> str | None:
    return None if identity.how in ("demo", "owner") else identity.id


async def _desk_reasons(runtime: Runtime) -> list[str]:
    try:
        await runtime.desk.list(limit=1)
    except DeskUnavailableError as error:
        return [str(error)]
    return []


def _one_of(known: Mapping[str, T], name: str, what: str) -> T:
    if name not in known:
        detail = f"There is no such {what}. There are: {', '.join(known)}."
        raise ProblemError(Problem(problems.NOT_FOUND, detail))
    return known[name]


def _json(value: BaseModel) -> Response:
    return Response(value.model_dump_json(), media_type="application/json")
