"""What systems give back, in whatever shape, as a `Response`; a disposition that is not told is read."""

from collections.abc import Callable, Mapping
from typing import cast, get_args

from pydantic import Field, ValidationError

from evals.case import ActionType, Disposition, Value
from evals.episode import Response
from evals.systems.system import HopelessError

FIELDS = tuple(name for name in Response.model_fields if name != "declared")
"""What a system may tell; only `text` must be there."""
_DISPOSITIONS: tuple[Disposition, ...] = get_args(Disposition)
_ACTIONS: tuple[ActionType, ...] = get_args(ActionType)


class Words(Value):
    """A vendor's own words for ours, whatever their case."""

    disposition: dict[str, Disposition] = Field(default_factory=dict)
    action_type: dict[str, ActionType] = Field(default_factory=dict)


def response_of(
    told: Mapping[str, object], words: Words, *, full_confidence: float = 1.0
) -> Response:
    """The reply of a system. Raises `HopelessError` with what does not fit and what to do."""
    from evals.reading import read

    given = {key: _writable(value) for key, value in told.items() if value is not None}
    unknown = sorted(set(given) - set(FIELDS))
    if unknown:
        raise HopelessError(f"Unknown key(s) {', '.join(unknown)}. Known are {', '.join(FIELDS)}.")
    text = given.get("text", "")
    if not isinstance(text, str):
        raise HopelessError(f"The reply's text is {_shown(text)}, not text. Correct its path.")
    shaped = {key: _SHAPES[key](value) if key in _SHAPES else value for key, value in given.items()}
    shaped |= _worded(given, words)
    if isinstance(given.get("confidence"), int | float | str):
        shaped["confidence"] = _number(given["confidence"]) / full_confidence
    if "disposition" not in given:
        shaped |= {"disposition": read(text).disposition, "declared": False}
    try:
        return Response.model_validate({**shaped, "text": text})
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        key = ".".join(map(str, fault["loc"]))
        raise HopelessError(
            f"The reply's {key} is {_shown(fault['input'])}: {fault['msg']}. Correct its path or its words."
        ) from error


def _writable(value: object) -> object:
    """The value with a replacement sign for each half of a sign (a lone surrogate): no file can hold those."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, Mapping):
        return {_writable(key): _writable(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_writable(part) for part in value]
    return value


def _worded(given: Mapping[str, object], words: Words) -> dict[str, object]:
    found: dict[str, object] = {}
    if "disposition" in given:
        found["disposition"] = _one_of(
            given["disposition"], words.disposition, _DISPOSITIONS, "disposition"
        )
    if "action_type" in given:
        found["action_type"] = _one_of(
            given["action_type"], words.action_type, _ACTIONS, "action_type"
        )
    return found


def _one_of(said: object, words: Mapping[str, str], ours: tuple[str, ...], key: str) -> str:
    told = str(said).strip().casefold()
    known = {word.casefold(): meaning for word, meaning in words.items()}
    if told in known:
        return known[told]
    if told in ours:
        return told
    raise HopelessError(
        f"The reply's {key} is {_shown(said)}. Say under `words.{key}` which of {', '.join(ours)} it means."
    )


def _number(value: object) -> float:
    try:
        return float(cast(str, value))
    except ValueError:
        raise HopelessError(
            f"The reply's confidence is {_shown(value)}, not a number. Correct its path."
        ) from None


def _citations(value: object) -> object:
    """A list; a citation that is only a text is a title."""
    parts = value if isinstance(value, list | tuple) else [value]
    return [{"title": part} if isinstance(part, str) else part for part in parts]


def _named(key: str) -> Callable[[object], object]:
    """An object; a bare text is the object's first field."""
    return lambda value: {key: value} if isinstance(value, str | int) else value


def _texts(value: object) -> object:
    return [str(part) for part in value] if isinstance(value, list | tuple) else [str(value)]


def _text(value: object) -> str:
    return str(value)


def _versions(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): str(part) for key, part in value.items()}
    return {"system": str(value)}


_SHAPES: Mapping[str, Callable[[object], object]] = {
    "citations": _citations,
    "handoff": _named("summary"),
    "ticket": _named("id"),
    "rules": _texts,
    "versions": _versions,
    "category": _text,
    "subcategory": _text,
    "queue": _text,
    "reason_code": _text,
}


def _shown(value: object) -> str:
    return repr(value)[:120]
