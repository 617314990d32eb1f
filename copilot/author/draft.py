"""A reply in pieces, each with the passage it stands on, so that each can be checked and cut."""

from dataclasses import dataclass, replace
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
        return replace(self, statements=(*self.statements, Statement(sentence)))

    def with_statements(self, statements: tuple[Statement, ...]) -> "Draft":
        return replace(self, statements=statements, cut=len(self.statements) - len(statements))
