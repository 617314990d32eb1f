"""The label passes of a suite: `labels/pass-1.jsonl` and `labels/pass-2.jsonl`, a label a line.

Each pass was made from the text and the guide alone. Agreement is computed from the two; what differs is
settled elsewhere and never here.
"""

from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import NamedTuple

from pydantic import Field, ValidationError

from evals.agreement import Agreement, agreement
from evals.case import ActionType, Disposition, Identifier, Priority, Value
from evals.errors import Finding, SuiteError
from evals.suite import entries

FOLDER, FIRST, SECOND = "labels", "pass-1.jsonl", "pass-2.jsonl"


class Label(Value):
    """What one annotator says of one case."""

    id: Identifier
    annotator: str
    dispositions: tuple[Disposition, ...] = Field(min_length=1)
    """The best first."""
    mandatory: bool
    queue: str | None = None
    action_type: ActionType
    label: str
    """category.subcategory"""
    priority: Priority
    solvable_by_bot: bool


class _Compared(NamedTuple):
    value: Callable[[Label], Hashable]
    order: tuple[Hashable, ...] | None = None


_FIELDS: Mapping[str, _Compared] = {
    "disposition": _Compared(lambda label: label.dispositions[0]),
    "mandatory": _Compared(lambda label: label.mandatory),
    "queue": _Compared(lambda label: label.queue or "none"),
    "action type": _Compared(lambda label: label.action_type),
    "category": _Compared(lambda label: label.label),
    "priority": _Compared(lambda label: label.priority, ("P1", "P2", "P3", "P4")),
    "solvable by a bot": _Compared(lambda label: label.solvable_by_bot),
}


def read(file: Path) -> Mapping[str, Label]:
    """A pass by case id. Raises `SuiteError` with everything that is wrong in it."""
    if not file.is_file():
        message = "The label pass is not there. Put both passes into the suite's labels/ folder."
        raise SuiteError([Finding(str(file), None, message)])
    findings: list[Finding] = []
    labels: dict[str, Label] = {}
    for entry in entries(file, findings):
        try:
            label = Label.model_validate(entry.data)
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            key = ".".join(map(str, fault["loc"])) or "the label"
            findings.append(Finding(entry.path, entry.line, f"{key}: {fault['msg']}."))
            continue
        if label.id in labels:
            message = f"Case '{label.id}' is labelled twice in one pass. Keep one."
            findings.append(Finding(entry.path, entry.line, message))
        labels[label.id] = label
    if findings:
        raise SuiteError(findings)
    return labels


def compared(
    first: Mapping[str, Label], second: Mapping[str, Label], *, seed: int
) -> tuple[Agreement, ...]:
    """How far two passes agree, field by field, on the cases that both labelled.

    Raises `SuiteError` where there is no such case.
    """
    if not first.keys() & second.keys():
        message = "The passes share no case. Give both the same cases."
        raise SuiteError([Finding(SECOND, None, message)])
    return tuple(
        agreement(
            name,
            {case: field.value(label) for case, label in first.items()},
            {case: field.value(label) for case, label in second.items()},
            seed=seed,
            order=field.order,
        )
        for name, field in _FIELDS.items()
    )


def of(folder: Path, *, seed: int) -> tuple[Agreement, ...]:
    """The agreement of the two passes of a suite; empty where it has none."""
    place = folder / FOLDER
    if not place.is_dir():
        return ()
    return compared(read(place / FIRST), read(place / SECOND), seed=seed)
