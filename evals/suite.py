"""Reads a suite: cases, rubric, people, label passes; everything that is wrong in it at once."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import AwareDatetime, Field, ValidationError, field_validator

from evals.bounds import Bounds
from evals.case import Case, Split, Value
from evals.documents import Document, DocumentError, document, lines_of, text_of
from evals.errors import Finding, SuiteError
from evals.rubric import Rubric

Model = TypeVar("Model", bound=Value)
SHIPPED = Path(__file__).parent / "suites"
_FEWEST_CRITERIA, _MOST_CRITERIA = 4, 12


class Margins(Value):
    """Declared before a run: below these a difference does not matter."""

    score: float = Field(default=0.10, gt=0)
    rate: float = Field(default=0.02, gt=0)


class Header(Value):
    """`suite.yaml`."""

    name: str
    version: int = Field(ge=1)
    label: Literal["synthetic", "real", "mixed"]
    description: str
    at: AwareDatetime
    """The clock of every case that names none."""
    demand: dict[str, float]
    """Share of tickets by category in the company's real mix; adds up to 1."""
    queues: tuple[str, ...] = ()
    """The queues that a label may name; none: any. No figure depends on it."""
    margins: Margins = Margins()
    seed: int = 0
    audit: Bounds = Bounds()
    """What `evals check` asks of the suite; no figure depends on it."""

    @field_validator("demand")
    @classmethod
    def _are_shares(cls, demand: dict[str, float]) -> dict[str, float]:
        for category, share in demand.items():
            if share < 0:
                raise ValueError(f"The share of {category} is {share:g}. A share is 0 or more.")
        if not sum(demand.values()):
            raise ValueError("No category has a share. Give each its share of the tickets.")
        return demand


class Person(Value):
    """What the directory knows of a user; every system gets the same."""

    name: str
    site: str | None = None
    country: str | None = None
    employment: str | None = None
    department: str | None = None
    location: str | None = None
    device: str | None = None
    os: str | None = None
    os_version: str | None = None
    managed: bool | None = None
    compliant: bool | None = None
    app_versions: dict[str, str] = Field(default_factory=dict)
    """Versions of the applications on the device."""


@dataclass(frozen=True, slots=True)
class Located:
    """A piece of data and where it stands."""

    data: Mapping[str, object]
    path: str
    line: int | None


@dataclass(frozen=True)
class Suite:
    """A suite that can be run."""

    header: Header
    rubric: Rubric
    cases: tuple[Case, ...]
    people: Mapping[str, Person]
    reasons: Mapping[str, str]
    """Class of each reason code, in words that fit every system."""
    folder: Path

    @property
    def at(self) -> datetime:
        return self.header.at

    @cached_property
    def by_id(self) -> Mapping[str, Case]:
        return {case.id: case for case in self.cases}

    @cached_property
    def hash(self) -> str:
        """Hash of cases, rubric, people and header: what two runs must share to be compared (D11)."""
        header = self.header.model_dump(mode="json", exclude={"audit", "queues"})
        parts = [header, self.rubric.model_dump(mode="json")]
        parts += [self.people[name].model_dump() | {"id": name} for name in sorted(self.people)]
        parts.append(dict(self.reasons))
        parts += [case.model_dump(mode="json") for case in sorted(self.cases, key=lambda c: c.id)]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def only(self, split: Split) -> "Suite":
        """The cases of one split; the hash stays that of the whole suite's cases that are left."""
        kept = tuple(case for case in self.cases if case.split == split)
        return replace(self, cases=kept)


def named(name: str | None) -> Path:
    """The folder of that name, else the shipped suite of that name; without one, the only shipped one.

    Raises `SuiteError` where several are shipped.
    """
    if name is not None:
        folder, shipped = Path(name), SHIPPED / name
        return shipped if not folder.is_dir() and shipped.is_dir() else folder
    found = sorted(path.parent for path in SHIPPED.glob("*/suite.yaml"))
    if len(found) != 1:
        message = f"Name a suite. Shipped are: {', '.join(path.name for path in found)}."
        raise SuiteError([Finding(str(SHIPPED), None, message)])
    return found[0]


def load(folder: Path) -> Suite:
    """The suite in a folder. Raises `SuiteError` with all findings: file, line and what to do."""
    if not folder.is_dir():
        message = "There is no such folder. Name one that holds suite.yaml, rubric.yaml and cases/."
        raise SuiteError([Finding(str(folder), None, message)])
    findings: list[Finding] = []
    header = _one(folder / "suite.yaml", Header, findings)
    rubric = _one(folder / "rubric.yaml", Rubric, findings)
    people = _people(folder / "people.yaml", findings)
    reasons = _reasons(folder / "reasons.yaml", findings)
    cases = _cases(folder / "cases", findings)
    if header and rubric:
        known = frozenset({*reasons, *reasons.values()})
        findings += _across(cases, _Around(rubric, header, people, known))
    if findings or header is None or rubric is None:
        raise SuiteError(findings)
    found = tuple(case for case, _ in cases)
    return Suite(header, rubric, found, people, reasons, folder)


@dataclass(frozen=True, slots=True)
class _Around:
    """What a case may name."""

    rubric: Rubric
    header: Header
    people: Mapping[str, Person]
    reasons: frozenset[str]
    """Classes and codes; none: any."""


def _across(cases: Sequence[tuple[Case, Located]], around: _Around) -> Iterator[Finding]:
    """What no case can know of itself."""
    ids = Counter(case.id for case, _ in cases)
    sides: dict[str, set[str]] = {}
    for case, _ in cases:
        sides.setdefault(case.family, set()).add(case.split)
    for case, at in cases:
        for message in (*_misplaced(case, ids, sides), *_unknown(case, around)):
            yield Finding(at.path, at.line, f"{case.id}: {message}")


def _misplaced(case: Case, ids: Mapping[str, int], sides: Mapping[str, set[str]]) -> Iterator[str]:
    if ids[case.id] > 1:
        yield f"the id stands {ids[case.id]} times. Rename all but one."
    if len(sides[case.family]) > 1:
        yield f"family '{case.family}' stands in both splits. Move it to one."
    if case.twin_of and case.twin_of not in ids:
        yield f"twin_of names '{case.twin_of}', which is no case."


def _unknown(case: Case, around: _Around) -> Iterator[str]:
    header = around.header
    if case.user not in around.people:
        yield f"user '{case.user}' is not in people.yaml. Add the person or correct the name."
    if case.category not in header.demand:
        yield f"category '{case.category}' has no share in the demand of suite.yaml."
    for queue in case.gold.queues:
        if header.queues and queue not in header.queues:
            yield f"the queue '{queue}' is not among the queues of suite.yaml. Correct or add it."
    for reason in case.gold.reasons:
        if around.reasons and reason not in around.reasons:
            yield f"the reason '{reason}' is no class and no code of reasons.yaml. Correct or add it."
    number = len(around.rubric.criteria(case))
    if not _FEWEST_CRITERIA <= number <= _MOST_CRITERIA:
        yield (
            f"it has {number} criteria with the rubric's; {_FEWEST_CRITERIA} to {_MOST_CRITERIA} "
            "are wanted. Add or merge some."
        )


def _cases(folder: Path, findings: list[Finding]) -> list[tuple[Case, Located]]:
    files = sorted((*folder.glob("*.yaml"), *folder.glob("*.jsonl")))
    if not files:
        findings.append(Finding(str(folder), None, "There are no cases. Add *.yaml or *.jsonl."))
    cases: list[tuple[Case, Located]] = []
    for file in files:
        for entry in entries(file, findings):
            try:
                cases.append((Case.model_validate(entry.data), entry))
            except ValidationError as error:
                findings += _described(error, entry)
    return cases


def entries(file: Path, findings: list[Finding]) -> Iterator[Located]:
    """The entries of a file of cases or labels with their lines; what can't be read is a finding."""
    lines = file.suffix == ".jsonl"
    yield from (_json_entries if lines else _yaml_entries)(file, findings)


def _json_entries(file: Path, findings: list[Finding]) -> Iterator[Located]:
    for number, line in lines_of(_text(file, findings)):
        try:
            data = json.loads(line)
        except json.JSONDecodeError as error:
            findings.append(Finding(str(file), number, f"This is no JSON: {error.msg}."))
            continue
        if isinstance(data, dict):
            yield Located(data, str(file), number)
        else:
            findings.append(Finding(str(file), number, "A line holds one JSON object."))


def _yaml_entries(file: Path, findings: list[Finding]) -> Iterator[Located]:
    found = _document(file, findings)
    if found is None:
        return
    if found.root is None or not isinstance(found.data, list):
        findings.append(Finding(str(file), 1, "The file holds a list of entries, each with an id."))
        return
    for node, entry in zip(found.root.value, found.data, strict=True):
        line = node.start_mark.line + 1
        if isinstance(entry, dict):
            yield Located(entry, str(file), line)
        else:
            findings.append(Finding(str(file), line, "An entry is a mapping with an id."))


def _text(file: Path, findings: list[Finding]) -> str:
    """The text of a file; none of one that is not UTF-8, which is a finding."""
    try:
        return text_of(file)
    except DocumentError as error:
        findings += error.findings
        return ""


def _document(file: Path, findings: list[Finding]) -> Document | None:
    """A YAML file; `None` where it can't be read. What is wrong is added to the findings."""
    try:
        found = document(file)
    except DocumentError as error:
        findings += error.findings
        return None
    for line, key in found.repeated:
        message = f"The key '{key}' stands twice in one entry. Keep one, or begin the next entry with '- '."
        findings.append(Finding(str(file), line, message))
    return found


def _mapping(file: Path, findings: list[Finding]) -> tuple[Mapping[str, object], Mapping[str, int]]:
    """The data of a file that maps, and the line of each key."""
    if not file.is_file():
        findings.append(Finding(str(file), None, "The file is not there. A suite needs it."))
        return {}, {}
    found = _document(file, findings)
    if found is None:
        return {}, {}
    if not isinstance(found.data, dict):
        findings.append(Finding(str(file), 1, "The file holds a mapping."))
        return {}, {}
    return found.data, found.lines


def _one(file: Path, model: type[Model], findings: list[Finding]) -> Model | None:
    before = len(findings)
    data, lines = _mapping(file, findings)
    if len(findings) > before:
        return None
    try:
        return model.model_validate(data)
    except ValidationError as error:
        findings += _described(error, Located(data, str(file), None), lines)
        return None


def _people(file: Path, findings: list[Finding]) -> Mapping[str, Person]:
    people: dict[str, Person] = {}
    found, lines = _mapping(file, findings)
    for name, data in found.items():
        try:
            people[name] = Person.model_validate(data)
        except ValidationError as error:
            findings += _described(error, Located({"id": name}, str(file), lines[name]))
    return people


def _reasons(file: Path, findings: list[Finding]) -> Mapping[str, str]:
    classes: dict[str, str] = {}
    found, lines = _mapping(file, findings)
    for name, codes in found.items():
        if not isinstance(codes, list):
            findings.append(Finding(str(file), lines[name], f"{name}: a class lists its codes."))
            continue
        classes |= dict.fromkeys(map(str, codes), name)
    return classes


def _described(
    error: ValidationError, entry: Located, lines: Mapping[str, int] | None = None
) -> Iterator[Finding]:
    """What pydantic found, as sentences that name the key and the value. `lines`: where each key stands."""
    name = entry.data.get("id")
    for fault in error.errors(include_url=False):
        line = (lines or {}).get(str(fault["loc"][0]) if fault["loc"] else "", entry.line)
        key = ".".join(str(part) for part in fault["loc"]) or "the entry"
        said = fault["msg"].removeprefix("Value error, ")
        shown = repr(fault["input"])
        value = f" (value: {shown[:80]})" if fault["loc"] else ""
        prefix = f"{name}: " if name else ""
        yield Finding(entry.path, line, f"{prefix}{key}: {said}{value}")
