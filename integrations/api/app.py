"""The API as one application."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException

from copilot.conversation import Feedback
from copilot.errors import CopilotError
from integrations.api import problems
from integrations.api.edge import Edge
from integrations.api.examples import PROBLEM_SCHEMA
from integrations.api.guard import Guard
from integrations.api.problems import FieldFault, Present, Problem, ProblemError
from integrations.api.routes import api_routes
from integrations.api.runtime import Metrics, Runtime
from integrations.api.schemas import documents

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]
Handler = Callable[[Request, Exception], Awaitable[Response]]


def create_app(
    runtime: Runtime,
    *,
    present: Present = problems.as_json,
    hosts: Iterable[str] = (),
    lifespan: Lifespan | None = None,
) -> FastAPI:
    """The API over a running copilot. `present` shows problems; `hosts` are served besides loopback."""
    present = _counted(present, runtime.counters)
    app = _Documented(
        title=f"IT support copilot of {runtime.company.name}",
        version=version("it-support-copilot"),
        description="Ask, and get a grounded answer with its source, or the right human. "
        "Every error is `application/problem+json` (RFC 9457).",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
        lifespan=lifespan,
    )
    app.include_router(api_routes(runtime))
    hotline = runtime.company.hotline_text()
    app.add_middleware(Guard, runtime=runtime)
    app.add_middleware(
        Edge,
        present=present,
        counters=runtime.counters,
        hotline=hotline,
        max_body_bytes=runtime.settings.max_body_bytes,
        body_seconds=runtime.settings.body_seconds,
        hosts=(*hosts, *runtime.doors.hosts),
    )
    _handle(app, present, runtime)
    return app


def _counted(present: Present, counters: Metrics) -> Present:
    def counted(request: Request, problem: Problem) -> Response:
        counters.problem(problem.kind.slug)
        return present(request, problem)

    return counted


def _handle(app: FastAPI, present: Present, runtime: Runtime) -> None:
    hotline = runtime.company.hotline_text()

    async def ours(request: Request, error: Exception) -> Response:
        return present(request, problems.of_error(error, hotline))

    async def invalid(request: Request, error: Exception) -> Response:
        return present(request, problems.listed(_parameter_faults(error)))

    async def http(request: Request, error: Exception) -> Response:
        return present(request, _http_problem(request, error))

    handlers: tuple[tuple[type[Exception], Handler], ...] = (
        (CopilotError, ours),
        (ProblemError, ours),
        (RequestValidationError, invalid),
        (HTTPException, http),
    )
    for kind, handler in handlers:
        app.add_exception_handler(kind, handler)


def _parameter_faults(error: Exception) -> list[FieldFault]:
    found = error.errors() if isinstance(error, RequestValidationError) else []
    return [
        FieldFault(
            str(item["loc"][-1]),
            "The parameter is missing. Add it to the address."
            if item["type"] == "missing"
            else "It does not fit. Correct it.",
        )
        for item in found
    ]


def _http_problem(request: Request, error: Exception) -> Problem:
    status = error.status_code if isinstance(error, HTTPException) else 500
    path = request.url.path
    if status == problems.NOT_FOUND.status:
        return problems.nothing_at(path)
    if status == problems.WRONG_METHOD.status:
        methods = _headers(error).get("Allow", "").replace(",", " ").split()
        return problems.wrong_method(path, request.method, methods)
    if status >= problems.BROKEN.status:
        return problems.of_error(error, "")
    return Problem(
        problems.REFUSED, "The request can't be read. Check its address, headers and body."
    )


def _headers(error: Exception) -> dict[str, str]:
    headers = getattr(error, "headers", None) or {}
    return {str(name).title(): str(value) for name, value in dict(headers).items()}


class _Documented(FastAPI):
    """Adds what FastAPI can't infer: bodies that the routes read themselves, and problems."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = get_openapi(
                title=self.title,
                version=self.version,
                description=self.description,
                routes=self.routes,
            )
            schemas = self.openapi_schema["components"]["schemas"]
            for name in ("HTTPValidationError", "ValidationError"):
                schemas.pop(name, None)
            schemas |= {"Problem": PROBLEM_SCHEMA, **_body_schemas()}
            _drop_assumed_errors(self.openapi_schema["paths"])
        return self.openapi_schema


def _drop_assumed_errors(paths: Mapping[str, Mapping[str, Any]]) -> None:
    """FastAPI documents a 422 of its own form wherever there is a parameter; ours are problems."""
    for methods in paths.values():
        for operation in methods.values():
            assumed = operation["responses"].get("422", {}).get("content", {})
            if "application/json" in assumed:
                del assumed["application/json"]
                if not assumed:
                    del operation["responses"]["422"]


def _body_schemas() -> Any:
    """Inquiry and feedback, with their parts beside them."""
    template = "#/components/schemas/{model}"
    inquiry = dict(documents()["inquiry"])
    parts: Any = inquiry.pop("$defs", {})
    for key in ("$schema", "$id"):
        inquiry.pop(key, None)
    found: dict[str, Any] = {**parts, "Inquiry": inquiry}
    found["Feedback"] = Feedback.model_json_schema(ref_template=template)
    return _relinked(found)


def _relinked(value: Any) -> Any:
    """The same schemas with their references pointing into the OpenAPI document."""
    if isinstance(value, dict):
        return {
            key: item.replace("#/$defs/", "#/components/schemas/")
            if key == "$ref"
            else _relinked(item)
            for key, item in value.items()
        }
    return [_relinked(item) for item in value] if isinstance(value, list) else value
