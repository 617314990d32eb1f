"""What was understood of one message, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from copilot.conversation import AttemptedStep


@dataclass(frozen=True, slots=True)
class SeenAction:
    """A requested action, and who saw it: the embedded recogniser or a chat model."""

    action: str
    confidence: float
    segment: str
    """The part of the message in which it was seen."""
    seen_by: Literal["recogniser", "model"] = "recogniser"


@dataclass(frozen=True, slots=True)
class Question:
    """One thing that is asked; a message may hold several."""

    text: str
    vector: NDArray[np.float32]
    labels: Mapping[str, float]
    """Probability of each `category.subcategory`."""
    form: str = "problem"
    """`yes_no`, `how_long` or `problem`."""

    @property
    def label(self) -> str:
        return max(self.labels, key=lambda label: self.labels[label])

    @property
    def certainty(self) -> float:
        return self.labels[self.label]


@dataclass(frozen=True, slots=True)
class Understanding:
    """A message, read."""

    text: str
    language: str
    questions: tuple[Question, ...]
    actions: tuple[SeenAction, ...]
    act: str
    acts: Mapping[str, float]
    tone: str
    urgency: str
    platform: str | None = None
    location: str | None = None
    attempted: tuple[AttemptedStep, ...] = ()
    error_messages: tuple[str, ...] = ()
    disguised: bool = False
    suspect: frozenset[str] = frozenset()
    """Parts in which an action was seen, whether or not it was seen better in the whole."""
    signals: Mapping[str, float] = field(default_factory=dict)
    notes: Mapping[str, float | int | str] = field(default_factory=dict)
    """What came of asking a chat model too."""

    @property
    def main(self) -> Question:
        """The message as a whole."""
        return self.questions[0]
