"""What kind of move the copilot makes next. Pure: decided from what was read and what came before."""

from dataclasses import dataclass, field
from typing import Literal

MoveKind = Literal[
    "answer",  # look for an article and answer from it
    "say",  # a social or conversational reply, no article needed
    "clarify",  # ask the one question
    "handoff",  # a person takes over
    "decline",  # not ours to answer
    "update",  # more about a case that people already have
]


@dataclass(frozen=True, slots=True)
class Move:
    """The next move and why."""

    kind: MoveKind
    reason: str
    """Reason code, for the handoff and the record."""
    phrase: str | None = None
    """Key of the sentence to say, where the move is a sentence."""
    focus: str | None = None
    """Label that the employee chose, where a question was answered."""
    resolved: bool | None = None
    queue: str | None = None
    labels: tuple[str, ...] = field(default=())
    """Labels between which to ask."""
