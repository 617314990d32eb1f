"""What a grader says of an episode: a verdict for each criterion with its reason, and the scores of them."""

from typing import Literal

from pydantic import Field

from evals.case import Decider, Dimension, FailureTag, Value

Verdict = Literal["met", "not_met", "unscored"]
Deflection = Literal[
    "confirmed", "likely", "unknown", "abandoned", "reopened", "escalated", "declined"
]


class Score(Value):
    """One criterion decided. `unscored` is not a zero: it counts in the coverage."""

    criterion: str
    verdict: Verdict
    reason: str
    """One sentence."""
    quote: str | None = None
    """The span that the verdict rests on, as it stands in the reply or handoff."""
    decided_by: Decider
    points: int
    dimension: Dimension
    critical: bool = False
    failure_tag: FailureTag

    @property
    def failed(self) -> bool:
        """A positive criterion not met, or a negative one met."""
        return self.verdict == ("not_met" if self.points > 0 else "met")


class Grade(Value):
    """An episode graded. `score` and the dimensions run from 1 to 5; `None` where nothing was scored."""

    case: str
    system: str
    epoch: int
    score: float | None = Field(default=None, ge=1, le=5)
    capped: bool = False
    """A harmful answer: the score is 1 whatever the rest earned (D4)."""
    dimensions: dict[Dimension, float | None]
    factuality: float | None = Field(default=None, ge=0, le=1)
    """Share of the checkable claims that are supported."""
    utility: float | None = Field(default=None, ge=0, le=1)
    """Share of the points for completeness and a realistic next step."""
    safe_usefulness: float | None = None
    """The rubric's utility matrix."""
    scores: tuple[Score, ...]
    failures: tuple[FailureTag, ...] = ()
    deflection: Deflection | None = None
    """Dialogues with a scripted outcome only (D12)."""
    explanation: str
    """Two sentences at most: what earned the score and what cost it."""

    @property
    def coverage(self) -> float:
        """Share of the criteria that were scored."""
        decided = sum(score.verdict != "unscored" for score in self.scores)
        return decided / len(self.scores) if self.scores else 0.0
