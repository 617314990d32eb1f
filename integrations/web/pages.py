"""Templates, and how problems look in a browser."""

from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from integrations.api import problems
from integrations.api.problems import INVALID, Problem
from integrations.shown.moments import day, moment
from integrations.shown.replies import facts_of, missing_words, status_words

_FOLDER = Path(__file__).parent
STATIC = _FOLDER / "static"
_API_PATHS = ("/v1/", "/schemas/", "/problems/", "/openapi.json", "/healthz", "/readyz", "/metrics")


def environment() -> Environment:
    """Everything is escaped; a name that a template misspells is an error."""
    made = Environment(
        loader=FileSystemLoader(_FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {
        "moment": moment,
        "day": day,
        "facts": facts_of,
        "missing_words": missing_words,
        "status_words": status_words,
    }
    return made


class Pages:
    """Renders templates of one company's site."""

    def __init__(self, company: str, hotline: str) -> None:
        self._environment = environment()
        self._common = {"company": company, "hotline": hotline}

    def html(self, template: str, values: Mapping[str, object]) -> str:
        return self._environment.get_template(template).render({**self._common, **values})

    def response(
        self, template: str, values: Mapping[str, object], *, status: int = 200
    ) -> HTMLResponse:
        return HTMLResponse(self.html(template, values), status)

    def problem(self, request: Request, problem: Problem) -> Response:
        """A page or a fragment for browsers, problem+json for everybody else."""
        if request.url.path.startswith(_API_PATHS):
            return problems.as_json(request, problem)
        values = {"problem": problem, "sentences": sentences_of(problem)}
        if is_fragment(request):
            return self.response("fragments/problem.html", values, status=problem.kind.status)
        if "text/html" not in request.headers.get("accept", ""):
            return problems.as_json(request, problem)
        response = self.response("problem.html", values, status=problem.kind.status)
        response.headers.update(problems.headers_of(problem))
        return response


def is_fragment(request: Request) -> bool:
    """Whether the page's script asks for a part of a page."""
    return request.headers.get("hx-request") == "true"


def sentences_of(problem: Problem) -> list[str]:
    """What to show: in a page the fields need no names."""
    if problem.kind is INVALID and problem.faults:
        return [fault.detail for fault in problem.faults]
    return [problem.detail, *problem.reasons]
