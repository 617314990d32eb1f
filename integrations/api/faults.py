"""Pydantic's findings as sentences for whoever sent the value."""

import json
from collections.abc import Mapping

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from integrations.api.problems import FieldFault

_SHOWN_CHARS = 60
_SENTENCES = {
    "missing": "The field is missing. Add it.",
    "extra_forbidden": "No such field is known. Remove it.",
    "string_pattern_mismatch": "It holds control characters. Remove them.",
    "string_too_short": "It is empty. Write something.",
    "string_too_long": "It is longer than {max_length} characters. Shorten it.",
    "too_long": "It has {actual_length} entries; at most {max_length} are read. Send the latest ones.",
    "string_unicode": "It holds half a character (a lone surrogate). Send valid Unicode.",
    "string_type": "{value} is not a text. Put it in quotes.",
    "timezone_aware": "{value} names no time zone. Write it like 2026-11-22T09:30:00Z.",
    "literal_error": "{value} is not one of {expected}. Use one of these.",
}
_OF_A_TIME = "{value} is not a time. Write it like 2026-11-22T09:30:00Z."
_PREFIX = "Value error, "


def faults_of(error: ValidationError) -> list[FieldFault]:
    """Every fault, with the field's path and without the rest of what was sent."""
    return [FieldFault(_path(found), _sentence(found)) for found in error.errors(include_url=False)]


def shown(value: object) -> str:
    """A value short enough to quote, with nothing in it that a terminal would act on."""
    try:
        text = json.dumps(value, ensure_ascii=True, default=lambda _: "…")
    except (ValueError, RecursionError):
        text = "This value"
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}…"


def _path(found: ErrorDetails) -> str:
    return ".".join(str(part) for part in found["loc"]) or "body"


def _sentence(found: ErrorDetails) -> str:
    kind = found["type"]
    if kind == "value_error":
        return found["msg"].removeprefix(_PREFIX)
    if kind.startswith(("datetime", "date_")):
        return _OF_A_TIME.format(value=shown(found["input"]))
    template = _SENTENCES.get(kind)
    if template is None:
        return f"{shown(found['input'])} does not fit: {found['msg']}. Correct it."
    context: Mapping[str, object] = found.get("ctx", {})
    return template.format(value=shown(found["input"]), **context)
