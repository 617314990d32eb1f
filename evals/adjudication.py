"""What was settled where the label passes differ: `labels/adjudication.yaml`, an entry by case id.

    vpn-201:
      settled: {disposition: answer, queue: network}
      by: NAME
      why: One sentence.

A case needs an entry where the two passes differ from each other, and where they agree and the case's gold label does
not accept what they say. A case that is not settled is blocked: no run asks it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from pydantic import Field, ValidationError

from evals.case import ActionType, Case, Disposition, Priority, Sentence, Value
from evals.documents import DocumentError, unambiguous
from evals.errors import Finding, SuiteError
from evals.labels import FIRST, FOLDER, SECOND, Label, read
from evals.suite import Suite

FILE = "adjudication.yaml"
_URGENT_FIRST: tuple[Priority, ...] = ("P1", "P2", "P3", "P4")
_NEAR = 1
"""Priorities may differ by so many steps."""
Said = str | bool | None


class Settled(Value):
    """The fields that were settled, each as the case's gold label has it now."""

    disposition: Disposition | None = None
    mandatory: bool | None = None
    queue: str | None = None
    action_type: ActionType | None = None
    label: str | None = None
    """category.subcategory"""
    priority: Priority | None = None


class Settlement(Value):
    """One entry."""

    settled: Settled
    by: str = Field(min_length=1)
    why: Sentence

    @property
    def values(self) -> Mapping[str, Said]:
        return self.settled.model_dump(exclude_none=True)


class _Field(NamedTuple):
    """A field that two passes must not differ in."""

    said: Callable[[Label], Said]
    accepted: Callable[[Case, Said], bool]
    """Whether the gold label accepts it."""
    gold: Callable[[Case], object]
    alike: Callable[[Said, Said], bool] = lambda one, other: one == other


def _steps(one: Said, other: Said) -> int:
    return abs(_URGENT_FIRST.index(_priority(one)) - _URGENT_FIRST.index(_priority(other)))


def _priority(said: Said) -> Priority:
    return next(priority for priority in _URGENT_FIRST if priority == said)


def _escalated_to(label: Label) -> Said:
    return label.queue if label.dispositions[0] == "escalate" else None


def _can_go_to(case: Case, queue: Said) -> bool:
    return queue is None or not case.gold.queues or queue in case.gold.queues


_FIELDS: Mapping[str, _Field] = {
    "disposition": _Field(
        lambda label: label.dispositions[0],
        lambda case, said: said in case.gold.dispositions,
        lambda case: " or ".join(case.gold.dispositions),
    ),
    "mandatory": _Field(
        lambda label: label.mandatory,
        lambda case, said: said == case.gold.mandatory,
        lambda case: case.gold.mandatory,
    ),
    "queue": _Field(
        _escalated_to,
        _can_go_to,
        lambda case: " or ".join(case.gold.queues) or "any",
        # Where only one of them escalates, they differ in the disposition.
        lambda one, other: one is None or other is None or one == other,
    ),
    "action_type": _Field(
        lambda label: label.action_type,
        lambda case, said: said == case.gold.action_type,
        lambda case: case.gold.action_type,
    ),
    "label": _Field(
        lambda label: label.label,
        lambda case, said: said == case.label,
        lambda case: case.label,
    ),
    "priority": _Field(
        lambda label: label.priority,
        lambda case, said: _steps(said, case.gold.priority) <= _NEAR,
        lambda case: case.gold.priority,
        lambda one, other: _steps(one, other) <= _NEAR,
    ),
}


@dataclass(frozen=True, slots=True)
class Passes:
    """Both label passes of a suite, and what was settled between them."""

    first: Mapping[str, Label]
    second: Mapping[str, Label]
    settlements: Mapping[str, Settlement] = field(default_factory=dict)

    def open_on(self, case: Case) -> tuple[str, ...]:
        """Why the case is blocked, a sentence each; empty where it is not."""
        needed = dict(self._disputed(case))
        entry = self.settlements.get(case.id)
        if entry is None:
            return tuple(f"{name}: {why}" for name, why in needed.items())
        return tuple(_unsettled(case, entry, needed))

    def _disputed(self, case: Case) -> Iterator[tuple[str, str]]:
        """The fields to settle, and what was said of each."""
        one, other = self.first.get(case.id), self.second.get(case.id)
        if one is None or other is None:
            return
        for name, asked in _FIELDS.items():
            said, again = asked.said(one), asked.said(other)
            if not asked.alike(said, again):
                yield name, f"the passes say {said} and {again}"
            elif not (asked.accepted(case, said) or asked.accepted(case, again)):
                yield name, f"the passes say {said}, the case says {asked.gold(case)}"


def _unsettled(case: Case, entry: Settlement, needed: Mapping[str, str]) -> Iterator[str]:
    for name, why in needed.items():
        if name not in entry.values:
            yield f"{name}: {why}, and its entry in {FILE} does not settle it"
    for name, value in entry.values.items():
        asked = _FIELDS[name]
        if not asked.accepted(case, value):
            yield f"{name}: settled as {value}, and the case says {asked.gold(case)}"


def passes(folder: Path) -> Passes | None:
    """Both passes of the suite in a folder; `None` where it has no labels. Raises `SuiteError`."""
    place = folder / FOLDER
    if not place.is_dir():
        return None
    return Passes(read(place / FIRST), read(place / SECOND), settlements(place / FILE))


def blocked(suite: Suite) -> Mapping[str, tuple[str, ...]]:
    """Why each blocked case is, by its id, in the suite's order. Raises `SuiteError` for unreadable labels."""
    both = passes(suite.folder)
    if both is None:
        return {}
    found = {case.id: both.open_on(case) for case in suite.cases}
    return {case: reasons for case, reasons in found.items() if reasons}


def settlements(file: Path) -> Mapping[str, Settlement]:
    """The entries by case id; none where there is no file. Raises `SuiteError` with all that is wrong in them."""
    if not file.is_file():
        return {}
    try:
        found = unambiguous(file)
    except DocumentError as error:
        raise SuiteError(error.findings) from error
    if found.root is None:
        return {}
    if not isinstance(found.data, dict):
        raise SuiteError([Finding(str(file), 1, "The file maps case ids to what was settled.")])
    return _read(file, {str(name): entry for name, entry in found.data.items()}, found.lines)


def _read(
    file: Path, data: Mapping[str, object], lines: Mapping[str, int]
) -> Mapping[str, Settlement]:
    findings: list[Finding] = []
    found: dict[str, Settlement] = {}
    for name, line in lines.items():
        try:
            found[name] = Settlement.model_validate(data[name])
        except ValidationError as error:
            for fault in error.errors(include_url=False):
                key = ".".join(map(str, fault["loc"])) or "the entry"
                findings.append(Finding(str(file), line, f"{name}: {key}: {fault['msg']}."))
    if findings:
        raise SuiteError(findings)
    return found
