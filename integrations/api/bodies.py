"""Reading a JSON body: every way it can be wrong has its own sentence."""

import json
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from integrations.api.faults import faults_of
from integrations.api.problems import (
    MALFORMED,
    WRONG_MEDIA_TYPE,
    Problem,
    ProblemError,
    listed,
)

Document = TypeVar("Document", bound=BaseModel)
_MAX_NESTING_HINT = "Its lists and objects are nested too deeply. Send a flat object."


async def json_object(request: Request) -> dict[str, object]:
    """The body as a JSON object. Raises `ProblemError` for anything else."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        # A browser sends other kinds across sites without asking us first.
        raise ProblemError(
            Problem(
                WRONG_MEDIA_TYPE,
                f"The body's media type is '{kind[:60] or 'not named'}'. "
                "Send JSON with the header 'Content-Type: application/json'.",
            )
        )
    found = _parsed(await request.body())
    if not isinstance(found, dict):
        raise _malformed(
            f"The body is a JSON {_NAMES.get(type(found), 'value')}, not an object. "
            'Send an object like {"text": "…", "user": "…"}.'
        )
    return found


def read_as(model: type[Document], data: Mapping[str, object]) -> Document:
    """Check an object. Raises `ProblemError` with every faulty field."""
    try:
        return model.model_validate(dict(data))
    except ValidationError as error:
        raise ProblemError(listed(faults_of(error))) from error


_NAMES: dict[type, str] = {
    list: "list", str: "text", int: "number", float: "number", bool: "truth value", type(None): "null",
}  # fmt: skip


def _parsed(body: bytes) -> object:
    if not body.strip():
        raise _malformed('The body is empty. Send an object like {"text": "…", "user": "…"}.')
    try:
        return cast(
            Any,
            json.loads(
                body.decode("utf-8"),
                parse_constant=_refuse_constant,
                object_pairs_hook=_refuse_repeats,
            ),
        )
    except UnicodeDecodeError as error:
        raise _malformed(
            f"The body is not UTF-8 (byte {error.start}). Encode it as UTF-8."
        ) from error
    except json.JSONDecodeError as error:
        raise _malformed(
            f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}. Correct it there."
        ) from error
    except _RepeatedKeyError as error:
        raise _malformed(
            "An object of the body names a field twice. Send every field once."
        ) from error
    except RecursionError as error:
        raise _malformed(_MAX_NESTING_HINT) from error
    except ValueError as error:
        raise _malformed(
            "The body holds a number that JSON does not know or that is too long. Remove it."
        ) from error


class _RepeatedKeyError(Exception):
    """Two readers of such an object may see two different messages."""


def _refuse_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _RepeatedKeyError
    return found


def _refuse_constant(name: str) -> object:
    raise ValueError(name)


def _malformed(detail: str) -> ProblemError:
    return ProblemError(Problem(MALFORMED, detail))
