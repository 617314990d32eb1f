"""What an author is given, and what it must be able to do."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from copilot.author.draft import Draft
from copilot.prompts.phrases import Phrases
from copilot.understanding.message import Question, Understanding
from knowledge.article import Article


@dataclass(frozen=True, slots=True)
class Source:
    """An article chosen to answer from, with its sentences nearest to the question first."""

    article: Article
    nearest: Sequence[tuple[str, str, float]]


@dataclass(frozen=True, slots=True)
class Manner:
    """How to say it."""

    phrases: Phrases
    language: str
    tone: str = "neutral"
    urgency: str = "normal"
    platform: str | None = None
    tentative: bool = False
    forms: frozenset[str] = frozenset()
    """Ids of the company's forms."""
    again: bool = False
    """An earlier article did not help."""
    asks_back: Understanding | None = None
    """What is asked about an answer given before, in place of a question of its own."""


class Part(NamedTuple):
    """One question with what it is to be answered from."""

    question: Question
    source: Source


@dataclass(frozen=True, slots=True)
class Hearsay:
    """What else the channel brought. Redacted, untrusted: it informs wording and decides nothing."""

    display_name: str | None = None
    history: tuple[str, ...] = ()
    case: str | None = None
    """What the open case of this conversation says."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """One reply to write."""

    parts: Sequence[Part]
    manner: Manner
    hearsay: Hearsay = field(default_factory=Hearsay)


class Author(Protocol):
    """Whoever writes. What it writes is checked outside it, whoever it is."""

    async def write(self, assignment: Assignment) -> Draft: ...
