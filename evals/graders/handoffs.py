"""Whether a handoff carries what tier 2 needs, and nothing that nobody said.

A field counts as carried when it is filled, or named in the handoff's own `missing`. What it says must rest on
what was said, on the directory, or on an article: values (device, code, number, address), a full name that stands
nowhere, an environment that nobody mentioned, and steps that nobody tried are inventions.
"""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from evals.episode import Response
from evals.graders.grounding import Library
from evals.graders.phrases import Text
from evals.graders.values import named, source_values, values
from evals.graders.wording import stems

_ELSEWHERE = ("category", "confidence", "queue", "reason_code")
"""Fields that a system may give beside its handoff."""
_NOT_SAID = frozenset(
    {"evidence", "missing", "transcript_url", "redactions", "employee", "environment"}
)
_TRIED = re.compile(
    r"(?<!\w)(?:i|i've|we|have|already) (?:\w+ )?(?:tried|restarted|rebooted|reinstalled|reset|changed|cleared|deleted|"
    r"removed|updated|signed out|logged out|unplugged|swapped|re-added|synced|checked)(?!\w)"
    r"|(?<!\w)(?:tried|restarted|rebooted|reinstalled) (?:it|twice|already|everything|the|my|that)(?!\w)"
    r"|(?<!\w)(?:schon|bereits) \w+ ?(?:neu gestartet|probiert|versucht)|neu gestartet|(?:al|al eens) geprobeerd"
    r"|opnieuw opgestart|déjà (?:essayé|redémarré)|j'ai (?:essayé|redémarré)|ya (?:he )?(?:probado|reinici\w+)|he reiniciado"
)
_FULL_NAME = re.compile(r"(?<![\w.])[A-Z][a-zà-ÿ]+(?:[ ][A-Z][\w'\u2019-]*[a-zà-ÿ]+)+")
_CONFIDENCE = re.compile(r"\d|high|medium|low|certain|sure")
_NOTHING = frozenset({"", "none", "n/a", "unknown", "null", "-", "not provided", "not known"})


class Known(NamedTuple):
    """What a handoff may rest on."""

    said: Text
    """What the employee wrote."""
    shown: Text
    """What the system had replied: its steps may have been tried."""
    record: Text
    """What the directory knows."""
    english: bool


class Flaw(NamedTuple):
    """Why a field is not carried."""

    reason: str
    quote: str | None = None


def flaw(
    response: Response, fields: tuple[str, ...], known: Known, library: Library
) -> Flaw | None:
    """The first field that is neither filled and supported nor named missing; `None`: all are."""
    handoff = response.handoff
    if not handoff:
        return Flaw("There is no handoff.")
    given_up = _named_missing(handoff)
    for field in fields:
        value = _value(handoff, response, field)
        if field == "attempted_steps" and value == []:
            # What somebody said to have tried is known: naming it as missing does not make up for it.
            tried = _TRIED.search(known.said.flat)
            if tried:
                return Flaw(
                    "The handoff lists no attempted steps, though the employee named some.",
                    known.said.sentence(*tried.span()),
                )
        elif not _filled(value):
            if field not in given_up:
                return Flaw(f"The handoff's {field} is neither filled nor named as missing.")
        else:
            found = _invented(field, value, known, library)
            if found:
                return found
    return None


def words(handoff: Mapping[str, object]) -> str:
    """All that a handoff tells in words: summary, steps, errors, next step, whatever their names."""
    told = (value for name, value in handoff.items() if name not in _NOT_SAID)
    return "\n".join(leaf for value in told for leaf in leaves(value))


def leaves(value: object) -> Iterator[str]:
    """The filled strings and numbers in a piece of JSON."""
    if isinstance(value, Mapping):
        for part in value.values():
            yield from leaves(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from leaves(part)
    elif value is not None and not isinstance(value, bool) and str(value).strip():
        yield str(value)


def _named_missing(handoff: Mapping[str, object]) -> frozenset[str]:
    return frozenset(name.lower() for name in leaves(handoff.get("missing")))


def _value(handoff: Mapping[str, object], response: Response, field: str) -> object:
    value = handoff.get(field)
    if value is None and field in _ELSEWHERE:
        return getattr(response, field)
    return value


def _filled(value: object) -> bool:
    return any(leaf.strip().lower() not in _NOTHING for leaf in leaves(value)) or value == 0


def _invented(field: str, value: object, known: Known, library: Library) -> Flaw | None:
    if field == "confidence":
        readable = all(_CONFIDENCE.search(leaf.lower()) for leaf in leaves(value))
        return None if readable else Flaw(f"The handoff's confidence, {value!r}, is none.")
    if field == "attempted_steps":
        return _untried(value, known, library)
    if field == "environment":
        return _unrecorded(value, known, library)
    return _unsupported(field, value, known, library) if field in {"summary", "employee"} else None


def _unsupported(field: str, value: object, known: Known, library: Library) -> Flaw | None:
    """A value or a full name in words of the system's own that nobody gave."""
    spoken = _spoken(known) | library.words
    for leaf in leaves(value):
        unknown = _new_value(leaf, known, library.values)
        if unknown:
            return Flaw(f"Nobody gave {unknown!r}, which the handoff's {field} holds.", leaf)
        for name in _FULL_NAME.findall(leaf) if known.english else ():
            if not any(stem in spoken for stem in stems(name.lower())):
                return Flaw(f"Nobody named {name!r}, which the handoff's {field} holds.", leaf)
    return None


def _unrecorded(value: object, known: Known, library: Library) -> Flaw | None:
    """An environment must be known of this employee; an application may be the article's."""
    parts = value if isinstance(value, Mapping) else {"": value}
    for name, part in parts.items():
        application = "app" in name.lower()
        spoken = _spoken(known) | (library.words if application else frozenset())
        for leaf in leaves(part):
            unknown = _new_value(leaf, known, frozenset())
            if unknown or (known.english and not _heard(Text(leaf).flat, spoken)):
                shown = unknown or leaf
                return Flaw(f"Nobody gave {shown!r}, which the handoff's environment holds.", leaf)
    return None


def _new_value(leaf: str, known: Known, library: frozenset[str]) -> str | None:
    text = Text(leaf)
    given = known.said.flat + known.record.flat
    rests_on = source_values(known.said) | source_values(known.record) | library
    new = (values(text.flat) | named(leaf)) - rests_on
    return next((value for value in sorted(new) if value not in given), None)


def _spoken(known: Known) -> frozenset[str]:
    return frozenset(stems(f"{known.said.flat} {known.record.flat}"))


def _heard(flat: str, spoken: frozenset[str]) -> bool:
    found = stems(flat)
    return not found or any(word in spoken for word in found)


def _untried(value: object, known: Known, library: Library) -> Flaw | None:
    """A step that neither the employee nor an earlier reply mentioned."""
    source = frozenset(stems(f"{known.said.flat} {known.shown.flat}"))
    rests_on = library.values | source_values(known.shown)
    for step in _steps(value):
        unknown = _new_value(step, known, rests_on)
        if unknown:
            return Flaw(f"Nobody gave {unknown!r}, which an attempted step holds.", step)
        found = frozenset(stems(Text(step).flat))
        if known.english and found and not found & source:
            return Flaw("An attempted step was mentioned by nobody.", step)
    return None


def _steps(value: object) -> Iterator[str]:
    parts = value if isinstance(value, list | tuple) else (value,)
    for part in parts:
        if isinstance(part, Mapping):
            step = part.get("step") or part.get("action") or part.get("description")
            yield from leaves(step if step is not None else list(part.values()))
        else:
            yield from leaves(part)
