"""One Cedar rule as the officer wrote it: where it stands, what it is called, what follows from it.

Cedar itself neither knows our annotations nor notices two rules of the same name, so both are
checked here.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Literal, cast, get_args

import cedarpy

from policies.catalogue import MANDATORY_CLASSES, unknown_queue
from policies.errors import Problem
from policies.model import Effect, Priority

Outcome = Literal["escalate", "decline"]
OUTCOMES: tuple[str, ...] = get_args(Outcome)
PRIORITIES: tuple[str, ...] = get_args(Priority)
KNOWN = ("id", "outcome", "escalate_to", "reason", "priority", "mandatory_class")
RESERVED = ("default-escalate", "unknown-action", "policy-error")
"""Names under which the engine itself escalates."""

_TOKEN = re.compile(r'//[^\n]*|"(?:\\.|[^"\\])*"|;', re.DOTALL)
_NEXT = re.compile(r"^\s*@id\b", re.MULTILINE)
_COMMENT = re.compile(r"(?:\s+|//[^\n]*)+")


@dataclass(frozen=True)
class Rule:
    """A permit, or a forbid that escalates or declines."""

    id: str
    effect: Effect
    reason: str
    queue: str | None
    """Where this rule sends the case; without it the catalogue says where."""
    priority: Priority | None
    mandatory_class: str | None
    file: str
    line: int
    cedar: str
    syntax: str
    """Cedar's JSON form in one spelling: no comments, no layout."""


@dataclass(frozen=True)
class _Source:
    """The text of one rule, as cut out of its file."""

    file: str
    line: int
    text: str

    def problem(self, text: str, annotation: str | None = None) -> Problem:
        if annotation is None:
            return Problem(self.file, self.line, text)
        match = re.search(rf"@{re.escape(annotation)}\b", self.text)
        offset = self.text.count("\n", 0, match.start()) if match else 0
        return Problem(self.file, self.line + offset, text)


def read_rules(
    folder: Path, queues: frozenset[str] | None
) -> tuple[tuple[Rule, ...], list[Problem]]:
    """Every rule of a folder's `*.cedar` files in the order of their ids, and every fault."""
    rules: dict[str, Rule] = {}
    problems: list[Problem] = []
    for source in _sources(folder, problems):
        rule = _read(source, queues, problems)
        if rule is None:
            continue
        twin = rules.get(rule.id)
        if twin is not None:
            text = (
                f"The id '{rule.id}' is taken by the rule in {twin.file}:{twin.line}; rename one."
            )
            problems.append(source.problem(text, "id"))
        rules.setdefault(rule.id, rule)
    if not rules and not problems:
        text = f"The folder {folder} has no rule in a *.cedar file; put the rules there."
        problems.append(Problem(folder.name, 1, text))
    return tuple(rules[name] for name in sorted(rules)), problems


def _sources(folder: Path, problems: list[Problem]) -> Iterator[_Source]:
    for path in sorted(folder.glob("*.cedar")):
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            problems.append(Problem(path.name, 1, f"Not readable as UTF-8 text: {error}."))
            continue
        yield from _split(path.name, text, problems)


def _split(file: str, text: str, problems: list[Problem]) -> Iterator[_Source]:
    """Cut at the semicolons that end rules, so that each fault can be pinned to its rule."""
    start = 0
    for token in _TOKEN.finditer(text):
        if token.group() != ";":
            continue
        yield _cut(file, text, start, token.end())
        start = token.end()
    if _COMMENT.sub("", text[start:]):
        rest = _cut(file, text, start, len(text))
        problems.append(rest.problem("The rule that starts here does not end; close it with ';'."))


def _cut(file: str, text: str, start: int, end: int) -> _Source:
    blank = _COMMENT.match(text, start, end)
    begin = blank.end() if blank else start
    return _Source(file, text.count("\n", 0, begin) + 1, text[begin:end])


def _read(source: _Source, queues: frozenset[str] | None, problems: list[Problem]) -> Rule | None:
    try:
        parsed = json.loads(cedarpy.policies_to_json_str(source.text))
    except ValueError as error:
        text = f"The rule that starts here is not Cedar: {error}. Compare it with its neighbours."
        if len(_NEXT.findall(source.text)) > 1:
            text = "The rule that starts here runs into the next one; close it with ';'."
        problems.append(source.problem(text))
        return None
    if parsed["templates"]:
        problems.append(source.problem("Templates (?principal, ?resource) are not used here."))
        return None
    syntax = next(iter(parsed["staticPolicies"].values()))
    notes: Mapping[str, str | None] = MappingProxyType(syntax.get("annotations", {}))
    faults = list(_faults(source, syntax["effect"], notes, queues))
    problems.extend(faults)
    return None if faults else _rule(source, syntax, notes)


def _rule(source: _Source, syntax: dict[str, object], notes: Mapping[str, str | None]) -> Rule:
    return Rule(
        id=notes["id"] or "",
        effect=cast(Effect, notes.get("outcome", "permit")),
        reason=notes["reason"] or "",
        queue=notes.get("escalate_to"),
        priority=cast(Priority | None, notes.get("priority")),
        mandatory_class=notes.get("mandatory_class"),
        file=source.file,
        line=source.line,
        cedar=source.text,
        syntax=json.dumps(syntax, sort_keys=True),
    )


def _faults(
    source: _Source,
    effect: object,
    notes: Mapping[str, str | None],
    queues: frozenset[str] | None,
) -> Iterator[Problem]:
    for name, value in notes.items():
        if name not in KNOWN:
            close = get_close_matches(name, KNOWN, n=1)
            hint = f"Did you mean @{close[0]}?" if close else f"Known are @{', @'.join(KNOWN)}."
            yield source.problem(f"The annotation @{name} is unknown. {hint}", name)
        elif not (value or "").strip():
            yield source.problem(f'The annotation @{name} is empty; write @{name}("…").', name)
    if notes.get("id") in RESERVED:
        yield source.problem(f"The id '{notes['id']}' belongs to the engine; choose another.", "id")
    yield from _missing(source, effect, notes)
    yield from _wrong_values(source, notes, queues)


def _missing(source: _Source, effect: object, notes: Mapping[str, str | None]) -> Iterator[Problem]:
    for name in ("id", "reason"):
        if name not in notes:
            yield source.problem(f'This rule has no @{name}; add @{name}("…") above it.')
    if effect == "forbid" and "outcome" not in notes:
        yield source.problem('This forbid has no @outcome; add @outcome("escalate") or "decline".')
    if effect == "permit":
        for name in sorted({"outcome", "escalate_to", "priority", "mandatory_class"} & set(notes)):
            yield source.problem(f"A permit has no @{name}; only a forbid has.", name)


def _wrong_values(
    source: _Source, notes: Mapping[str, str | None], queues: frozenset[str] | None
) -> Iterator[Problem]:
    sets = {"outcome": OUTCOMES, "priority": PRIORITIES, "mandatory_class": MANDATORY_CLASSES}
    for name, allowed in sets.items():
        if notes.get(name) and notes[name] not in allowed:
            text = f"@{name} is '{notes[name]}'; it must be one of {', '.join(allowed)}."
            yield source.problem(text, name)
    queue = notes.get("escalate_to")
    if queue and queues is not None and queue not in queues:
        yield source.problem(unknown_queue(queue, queues), "escalate_to")
    if queue and notes.get("outcome") == "decline":
        text = "A rule that declines has no queue; remove @escalate_to or escalate."
        yield source.problem(text, "escalate_to")
