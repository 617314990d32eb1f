"""What a search is asked and what it finds. Light values: no index, no model behind them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

SectionKind = Literal[
    "in_short", "symptoms", "cause", "steps", "good_to_know", "check", "if_not", "who", "other"
]


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads, as far as it decides which articles may be shown. From the directory, not from text."""

    groups: frozenset[str] = frozenset({"all_staff"})
    platform: str | None = None
    """`windows`, `macos`, `ios`, `android` or `None` for unknown (then no article is left out)."""
    region: str | None = None


def may_read(
    audience: Sequence[str], regions: Sequence[str], platforms: Sequence[str], reader: Reader
) -> bool:
    """Whether an article is for this reader. Unknown region or platform leaves nothing out."""
    return (
        not reader.groups.isdisjoint(audience)
        and (reader.region is None or reader.region in regions or "any" in regions)
        and (
            reader.platform is None
            or reader.platform in platforms
            or not {"any", "web"}.isdisjoint(platforms)
        )
    )


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk of an article: one section (or a part of it) with its heading path."""

    chunk_id: str
    article_id: str
    section: str
    """Heading path, for example `Steps > macOS`."""
    kind: SectionKind
    platform: str | None
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class ArticleHit:
    """An article found, with the passages that speak for it, best first."""

    article_id: str
    title: str
    category: str | None
    subcategory: str | None
    reviewed_on: date
    version: str
    stale: bool
    score: float
    passages: tuple[Passage, ...]
    facts: int = 0
    """How many of the company's numbered facts the article states."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What a search found, and how sure it is that the first article answers the question."""

    hits: tuple[ArticleHit, ...] = ()
    """Current articles that the reader may read, best first."""
    stale_hits: tuple[ArticleHit, ...] = ()
    """Articles past their review date: they may inform a handoff, never an answer."""
    confidence: float = 0.0
    """Calibrated probability that the first article answers the question, 0 to 1."""
    answerable: bool = False
    """Whether the confidence reaches the threshold fitted for this language and index."""
    signals: Mapping[str, float] = field(default_factory=dict)
    """The features behind the confidence, for the record."""
    version: str = ""
    """The index version that was searched."""
    memory: str = ""
    """The memory of resolved tickets that weighed the articles, empty where none did."""
