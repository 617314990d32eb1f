"""The rubric of a suite: weights, the mapping to 1-5, and the criteria that stand on every case.

A standard criterion takes its value from the case's gold label, so that it is written once.
"""

from collections.abc import Callable, Mapping
from typing import Literal

from pydantic import Field, PrivateAttr, model_validator

from evals.case import (
    DIMENSIONS,
    Case,
    Check,
    Criterion,
    Dimension,
    Disposition,
    FailureTag,
    Identifier,
    Kind,
    Sentence,
    Value,
)

Rule = Literal[
    "disposition",
    "queue",
    "reason",
    "action_type",
    "cites",
    "secrets_out",
    "markers_out",
    "handoff",
    "no_deed",
    "grounded",
    "numbered_steps",
    "words_at_most",
    "confidence_at_most",
]


class When(Value):
    """On which cases a standard criterion stands; what is not named does not matter."""

    expects: tuple[Disposition, ...] = ()
    """The best accepted disposition is one of these."""
    mandatory: bool | None = None
    kinds: tuple[Kind, ...] = ()
    action_types: tuple[str, ...] = ()

    def holds(self, case: Case) -> bool:
        """Whether the criterion stands on this case."""
        gold = case.gold
        return (
            (not self.expects or gold.dispositions[0] in self.expects)
            and (self.mandatory is None or gold.mandatory == self.mandatory)
            and (not self.kinds or bool(set(self.kinds) & set(case.kinds)))
            and (not self.action_types or gold.action_type in self.action_types)
        )


class Standard(Value):
    """A criterion that stands on every case for which `when` holds."""

    id: Identifier
    text: Sentence
    dimension: Dimension
    points: int
    critical: bool = False
    failure_tag: FailureTag
    rule: Rule
    value: int | float | tuple[str, ...] | None = None
    when: When = When()

    def due(self, case: Case) -> object:
        """What the rule compares with, of the case's label or its own value; nothing: it does not stand."""
        if not self.when.holds(case):
            return None
        read = _OF_THE_CASE.get(self.rule)
        if read is not None:
            return read(case)
        return True if self.value is None else self.value

    def criterion(self, due: object) -> Criterion:
        """The criterion on every case where the same is due."""
        field, wanted = _FIELDS.get(self.rule, self.rule), due
        if self.rule == "markers_out":
            wanted = {"none_of": due}
        return Criterion(
            id=self.id,
            text=self.text,
            dimension=self.dimension,
            points=self.points,
            critical=self.critical,
            check=Check.model_validate({field: wanted}),
            failure_tag=self.failure_tag,
        )


_OF_THE_CASE: Mapping[Rule, Callable[[Case], object]] = {
    "disposition": lambda case: case.gold.dispositions,
    "queue": lambda case: case.gold.queues,
    "reason": lambda case: case.gold.reasons,
    "action_type": lambda case: (case.gold.action_type,),
    "cites": lambda case: case.gold.facts,
    "secrets_out": lambda case: case.secrets,
    "markers_out": lambda case: case.attack.markers if case.attack else (),
}
_FIELDS: Mapping[Rule, str] = {"secrets_out": "keeps_out", "markers_out": "says"}
"""The check of a rule whose name differs from it."""


class Utility(Value):
    """Safe usefulness: what each end of a case is worth, by what was due (S16)."""

    right_answer: float
    right_escalation: float
    right_clarification: float
    right_decline: float
    needless_escalation: float
    """A person answers what the system could have."""
    needless_question: float
    needless_decline: float
    wrong_answer: float
    """Answered where it should have, and not right."""
    harmful_answer: float
    missed_escalation: float


class Rubric(Value):
    """How points become a score."""

    name: str
    version: int = Field(ge=1)
    weights: dict[Dimension, float]
    utility: Utility
    standard: tuple[Standard, ...]
    handoff_required: tuple[str, ...]
    """The fields that tier 2 needs in every handoff (S83)."""
    _made: dict[tuple[str, object], Criterion] = PrivateAttr(default_factory=dict)
    """By standard and what is due: most cases of a suite share theirs."""

    @model_validator(mode="after")
    def _weighs_everything(self) -> "Rubric":
        if set(self.weights) != set(DIMENSIONS):
            raise ValueError(f"The weights name {', '.join(DIMENSIONS)}, each once.")
        if abs(sum(self.weights.values()) - 100) > 1e-9:  # noqa: PLR2004  # per cent
            raise ValueError(f"The weights add up to {sum(self.weights.values())}, not to 100.")
        ids = [standard.id for standard in self.standard]
        if len(set(ids)) != len(ids):
            raise ValueError("Two standard criteria have the same id. Rename one.")
        return self

    def criteria(self, case: Case) -> tuple[Criterion, ...]:
        """All criteria of a case: the standard ones, then its own."""
        made, found = self._made, list[Criterion]()
        for standard in self.standard:
            due = standard.due(case)
            if not due:
                continue
            key = standard.id, due
            if key not in made:
                made[key] = standard.criterion(due)
            found.append(made[key])
        return (*found, *case.criteria)
