"""Pydantic's findings as sentences for whoever sent the value.

No value is quoted, and no name of a field that is not ours: either may be a password in the wrong place.
"""

from collections.abc import Mapping

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from integrations.api.problems import FieldFault

_SENTENCES = {
    "missing": "The field is missing. Add it.",
    "extra_forbidden": "It holds a field that is not known. Remove what /openapi.json does not list.",
    "string_pattern_mismatch": "It holds control characters. Remove them.",
    "string_too_short": "It is empty. Write something.",
    "string_too_long": "It is longer than {max_length} characters. Shorten it.",
    "too_long": "It has {actual_length} entries; at most {max_length} are read. Send the latest ones.",
    "string_unicode": "It holds half a character (a lone surrogate). Send valid Unicode.",
    "string_type": "It is not a text. Put it in quotes.",
    "timezone_aware": "It names no time zone. Write it like 2026-11-22T09:30:00Z.",
    "literal_error": "It is not one of {expected}. Use one of these.",
}
_OF_A_TIME = "It is not a time. Write it like 2026-11-22T09:30:00Z."
_PREFIX = "Value error, "


def faults_of(error: ValidationError) -> list[FieldFault]:
    """Every fault, with the field's path and without anything of what was sent."""
    faults = (
        FieldFault(path_of(found), _sentence(found))
        for found in error.errors(include_url=False, include_input=False)
    )
    return list(dict.fromkeys(faults))


def path_of(found: ErrorDetails, whole: str = "body") -> str:
    """Where the fault is: the field, or for an unknown one what holds it."""
    known = found["loc"][:-1] if found["type"] == "extra_forbidden" else found["loc"]
    return ".".join(str(part) for part in known) or whole


def _sentence(found: ErrorDetails) -> str:
    kind = found["type"]
    if kind == "value_error":
        return found["msg"].removeprefix(_PREFIX)
    if kind.startswith(("datetime", "date_")):
        return _OF_A_TIME
    template = _SENTENCES.get(kind)
    if template is None:
        return f"It does not fit: {found['msg']}. Correct it."
    context: Mapping[str, object] = found.get("ctx", {})
    return template.format(**context)
