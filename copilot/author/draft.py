"""A reply in pieces, each with the passage it stands on, so that each can be checked and cut."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from copilot.conversation import ActionType, Citation


@dataclass(frozen=True, slots=True)
class Statement:
    """A line of the reply.

    `phrase` is said by the copilot about itself or the case and states no fact of IT; `policy` comes from
    the decision; `quote` must be supported by its citation.
    """

    text: str
    kind: Literal["phrase", "policy", "quote"] = "phrase"
    citation: Citation | None = None
    part: int = 0
    """Which of the message's questions it belongs to."""
    needs_next: bool = False
    """A heading: cut when nothing that it introduces is left."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What the author wrote, before the check."""

    statements: tuple[Statement, ...] = ()
    action_type: ActionType = "none"
    author: str = "deterministic"
    topic: str | None = None
    """`category.subcategory` of the article that it answers from first."""
    cut: int = 0
    """How many statements the check removed."""
    instead: "Draft | None" = None
    """What to show when nothing of it is left: a chat model's draft brings the embedded author's."""
    signals: Mapping[str, float | int | str] = field(default_factory=dict)
    """What is recorded of how it came about."""
    prompt: str | None = None
    """What a chat model was sent to write it, redacted."""

    @property
    def text(self) -> str:
        return "\n".join(statement.text for statement in self.statements).strip()

    @property
    def citations(self) -> tuple[Citation, ...]:
        """Citations in order, one per quoted passage."""
        unique = {
            (s.citation.article_id, s.citation.section): s.citation
            for s in self.statements
            if s.citation
        }
        return tuple(unique.values())

    @property
    def grounded(self) -> bool:
        return any(statement.kind == "quote" for statement in self.statements)

    def followed_by(self, sentence: str) -> "Draft":
        """With a closing sentence of the copilot's own."""
        instead = self.instead.followed_by(sentence) if self.instead else None
        return replace(self, statements=(*self.statements, Statement(sentence)), instead=instead)

    def noting(self, **signals: float | str) -> "Draft":
        """With more to record."""
        return replace(self, signals={**self.signals, **signals})

    def of_attempt(self, attempt: "Draft") -> "Draft":
        """With what is recorded of the attempt that it came from, or that it stands in for."""
        return replace(
            self, signals={**attempt.signals, **self.signals}, prompt=attempt.prompt, instead=None
        )

    def without_statements(self) -> "Draft":
        """Nothing to show; who wrote it and how stays on record."""
        return Draft(author=self.author, signals=self.signals, prompt=self.prompt)

    def with_statements(self, statements: tuple[Statement, ...]) -> "Draft":
        cut = self.cut + len(self.statements) - len(statements)
        return replace(self, statements=statements, cut=cut)
