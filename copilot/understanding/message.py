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
    asks_time: bool = False
    """Whether it is a duration that is asked for, and not another number."""

    @property
    def label(self) -> str:
        return max(self.labels, key=lambda label: self.labels[label])

    @property
    def certainty(self) -> float:
        return self.labels[self.label]


@dataclass(frozen=True, slots=True)
class Signs:
    """How the text refers back and what it says of the outcome, on its surface."""

    step: int | None = None
    """Number of the step that it asks about."""
    place: bool = False
    """Asks where something is."""
    meaning: bool = False
    """Asks what something means or how exactly it is done."""
    asks: bool = False
    """Holds a question, whatever surrounds it."""
    works_now: bool = False
    unchanged: bool = False
    """Says that nothing got better."""
    pleads: bool = False
    """Calls for help and says nothing else."""


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
    readable: bool = True
    """Whether it is written in a language that the embedded default reads."""
    suspect: frozenset[str] = frozenset()
    """Parts in which an action was seen, whether or not it was seen better in the whole."""
    signs: Signs = Signs()
    alone: Question | None = None
    """The message by itself, where `main` is read together with what was said before."""
    asks_back: bool = False
    """Asks about the answer or the case before; set where the conversation is known."""
    signals: Mapping[str, float] = field(default_factory=dict)
    notes: Mapping[str, float | int | str] = field(default_factory=dict)
    """What came of asking a chat model too."""

    @property
    def itself(self) -> Question:
        """The message without what was said before."""
        return self.alone or self.main

    @property
    def main(self) -> Question:
        """The message as a whole."""
        return self.questions[0]
