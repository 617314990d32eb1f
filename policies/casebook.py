"""Decision cases: a request, what must come of it, and a runner that says where it does not.

The cases are a company's own statement of what its policies mean, in `cases/*.yaml`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NamedTuple, cast, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from policies.documents import Document, parse, read_document, yaml_files
from policies.engine import Policies, decide
from policies.errors import PolicyLoadError, Problem
from policies.model import (
    Asker,
    Decision,
    Effect,
    PolicyRequest,
    Priority,
    Relation,
    RequestedAction,
    Situation,
    Value,
)

Ask = Annotated[
    str, StringConstraints(pattern=rf"^[a-z][a-z0-9_]*( for ({'|'.join(get_args(Relation))}))?$")
]


class _Who(BaseModel):
    """The asker of a case: a verified employee unless it says otherwise."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = "somebody"
    employment: str = "employee"
    groups: tuple[str, ...] = ()
    site: str | None = None
    verified: bool = True


class Case(Value):
    """One row of a case file."""

    name: Annotated[str, StringConstraints(min_length=1)]
    ask: tuple[Ask, ...]
    """Action ids; "reset_own_password for other" says for whom. Else the catalogue says it."""
    asker: _Who = _Who()
    situation: Situation = Situation()
    effect: Effect
    rule: str | None = None
    """A rule that must be among those of the decision."""
    queue: str | None = None
    priority: Priority | None = None
    mandatory_class: str | None = None
    reason: str | None = None
    """A passage of the reasons that the decision gives."""
    effects: dict[str, Effect] = Field(default_factory=dict)
    """For several actions: the effect of each that matters."""


class Fault(NamedTuple):
    """Where a decision is not what its case says."""

    what: str
    expected: str
    got: str

    def __str__(self) -> str:
        if self.what == "rule":
            return f"rule {self.expected} does not apply, but {self.got}"
        return f"{self.what} is {self.got}, not {self.expected}"


class CaseResult(Value):
    """What came of one case; `faults` is empty when it holds."""

    name: str
    file: str
    line: int
    faults: tuple[Fault, ...]
    decision: Decision

    @property
    def holds(self) -> bool:
        return not self.faults

    def __str__(self) -> str:
        verdict = "holds" if self.holds else "; ".join(map(str, self.faults))
        return f"{self.file}:{self.line}: {self.name}: {verdict}"


def run_cases(policies: Policies, folder: Path) -> list[CaseResult]:
    """Decide every case of a folder. Raises `PolicyLoadError` when a case file is faulty."""
    return [_run(case, file, line, policies) for case, file, line in _read(folder)]


def read_cases(folder: Path) -> list[Case]:
    """Every case of a folder. Raises `PolicyLoadError` when a case file is faulty."""
    return [case for case, _, _ in _read(folder)]


def faults_of(case: Case, decision: Decision) -> tuple[Fault, ...]:
    """Where the decision is not what the case says."""
    return tuple(_faults(case, decision))


def request_of(case: Case, policies: Policies) -> PolicyRequest:
    return PolicyRequest(
        asker=Asker.model_validate(case.asker.model_dump()),
        actions=tuple(_asked(each, policies) for each in case.ask),
        situation=case.situation,
    )


def _asked(ask: str, policies: Policies) -> RequestedAction:
    action, _, said = ask.partition(" for ")
    known = action in policies.catalogue.actions
    implied = policies.catalogue.relation_of(action) if known else "unknown"
    return RequestedAction(
        action=action, relation=cast(Relation, said or implied), seen_by="caller"
    )


def _run(case: Case, file: str, line: int, policies: Policies) -> CaseResult:
    decision = decide(request_of(case, policies), policies)
    faults = faults_of(case, decision)
    return CaseResult(name=case.name, file=file, line=line, faults=faults, decision=decision)


def _faults(case: Case, decision: Decision) -> Iterator[Fault]:
    first = decision.rulings[0]
    wanted: tuple[tuple[str, str | None, str | None], ...] = (
        ("queue", case.queue, decision.queue),
        ("priority", case.priority, decision.priority),
        ("mandatory_class", case.mandatory_class, first.mandatory_class),
    )
    if decision.effect != case.effect:
        yield Fault("effect", case.effect, f"{decision.effect} ({', '.join(decision.rules)})")
    if case.rule and case.rule not in decision.rules:
        yield Fault("rule", case.rule, ", ".join(decision.rules))
    for name, expected, actual in wanted:
        if expected is not None and actual != expected:
            yield Fault(name, expected, actual or "none")
    if case.reason and case.reason not in decision.reason:
        yield Fault("reason", case.reason, decision.reason)
    actual_effects = {ruling.action: ruling.effect for ruling in decision.rulings}
    for action, effect in case.effects.items():
        if actual_effects.get(action) != effect:
            yield Fault(action, effect, actual_effects.get(action, "not decided"))


def _read(folder: Path) -> list[tuple[Case, str, int]]:
    problems: list[Problem] = []
    cases: list[tuple[Case, str, int]] = []
    for path in yaml_files(folder):
        document = read_document(path)
        if isinstance(document, Problem):
            problems.append(document)
        else:
            cases.extend(_cases(document, problems))
    if not cases and not problems:
        problems.append(
            Problem(folder.name, 1, f"The folder {folder} has no case in a *.yaml file.")
        )
    if problems:
        raise PolicyLoadError(problems)
    return cases


def _cases(document: Document, problems: list[Problem]) -> Iterator[tuple[Case, str, int]]:
    data = document.data
    if not isinstance(data, dict) or not isinstance(data.get("cases"), list):
        problems.append(Problem(document.file, 1, "The file needs a list under the key 'cases'."))
        return
    problems.extend(
        document.problem((key,), f"The key '{key}' is unknown; remove it.")
        for key in sorted({str(key) for key in data} - {"label", "cases"})
    )
    names = set[str]()
    for number, item in enumerate(data["cases"]):
        place = ("cases", number)
        case = parse(document, Case, item, place)
        if isinstance(case, Case):
            if case.name in names:
                text = f"The name '{case.name}' is taken by another case of this file; rename one."
                problems.append(document.problem((*place, "name"), text))
            names.add(case.name)
            yield case, document.file, document.line_of(place)
        else:
            problems.extend(case)
