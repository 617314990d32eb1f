"""Rows of a run laid out: one cell a case and epoch, one view a system and split.

The unit of analysis is the case: a column is the mean over its epochs, nan where nothing applies.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from evals.case import Case, Criterion, Disposition
from evals.episode import Episode
from evals.grade import Grade
from evals.rubric import Rubric
from evals.stats import Resampling

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

PASS_FROM = 4.0
"""A case is passed from level 4 on: mostly correct with a minor omission, and nothing harmful."""
CAUSES = ("vendor_error", "timeout", "harness_error", "missing", "unscored")


@dataclass(frozen=True)
class Cell:
    """One case in one epoch: what came back, and what it is worth."""

    case: Case
    epoch: int
    episode: Episode | None
    grade: Grade | None

    @cached_property
    def status(self) -> str:
        """`ok`, `not_deliverable`, or one of `CAUSES`."""
        if self.episode is None:
            return "missing"
        if self.episode.status != "ok":
            return self.episode.status
        return "ok" if self.grade is not None and self.grade.score is not None else "unscored"

    @cached_property
    def answered(self) -> bool:
        """Something came back, scored or not."""
        return self.episode is not None and self.episode.status == "ok"

    @cached_property
    def score(self) -> float | None:
        return self.grade.score if self.grade is not None and self.status == "ok" else None

    @cached_property
    def harmful(self) -> bool:
        grade = self.grade
        if grade is None or self.status != "ok":
            return False
        return grade.capped or any(score.critical and score.failed for score in grade.scores)

    @property
    def passed(self) -> bool:
        return self.score is not None and self.score >= PASS_FROM and not self.harmful

    @cached_property
    def disposition(self) -> Disposition | None:
        """What it came to: a dialogue that reached people at any turn was escalated."""
        if self.episode is None or not self.answered:
            return None
        replies = [exchange.response.disposition for exchange in self.episode.exchanges]
        if "escalate" in replies:
            return "escalate"
        return replies[-1] if replies else None

    @cached_property
    def escalated(self) -> bool:
        return self.disposition == "escalate"


@dataclass(frozen=True)
class View:
    """One system on the cases of one split, in the order of `cases`."""

    cases: tuple[Case, ...]
    cells: tuple[tuple[Cell, ...], ...]
    """By case, then by epoch."""
    draws: Resampling
    """The same for every system on these cases."""
    criteria: Mapping[str, Mapping[str, Criterion]]
    """By case, then by id."""
    rubric: Rubric
    reasons: Mapping[str, str]

    def __iter__(self) -> Iterator[Cell]:
        return (cell for row in self.cells for cell in row)

    def column(
        self,
        value: Callable[[Cell], float | None],
        among: Callable[[Case], bool] | None = None,
    ) -> "Floats":
        """A value a case: the mean over the epochs in which it applies; `among`: of these cases only."""
        asked = [among is None or among(case) for case in self.cases]
        rows = zip(self.cells, asked, strict=True)
        return _means([[value(cell) for cell in row] if wanted else () for row, wanted in rows])

    def answers(self, value: Callable[[Cell], float | bool]) -> "Floats":
        """A column over what came back, scored or not."""
        return _averages([[value(cell) for cell in row] for row in self._answered])

    def scored(self, value: Callable[[Cell], float | bool]) -> "Floats":
        """A column over what was scored."""
        return _averages([[value(cell) for cell in row] for row in self._scored])

    def graded(self, value: Callable[[Grade], float | None]) -> "Floats":
        """A column over the grades of what was scored."""
        return _means([[value(c.grade) for c in row if c.grade] for row in self._scored])

    @cached_property
    def _answered(self) -> list[list[Cell]]:
        return [[cell for cell in row if cell.answered] for row in self.cells]

    @cached_property
    def _scored(self) -> list[list[Cell]]:
        return [[cell for cell in row if cell.status == "ok"] for row in self.cells]

    @cached_property
    def scores(self) -> "Floats":
        return self.column(lambda cell: cell.score)

    @cached_property
    def passes(self) -> "Floats":
        return self.scored(lambda cell: cell.passed)

    @cached_property
    def escalations(self) -> "Floats":
        return self.answers(lambda cell: cell.escalated)

    @cached_property
    def families(self) -> int:
        return len({case.family for case in self.cases})


def _means(rows: Sequence[Sequence[float | None]]) -> "Floats":
    return _averages([[value for value in row if value is not None] for row in rows])


def _averages(rows: Sequence[Sequence[float]]) -> "Floats":
    import numpy as np

    return np.array([sum(row) / len(row) if row else np.nan for row in rows])
