"""What a knowledge base lacks: facts and labels without an article; stale, ownerless, like and odd ones."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from knowledge.article import Article, Vocabulary
from knowledge.lexical import terms
from knowledge.scanning import signs

Kind = Literal[
    "fact_without_article",
    "label_without_article",
    "stale",
    "soon_stale",
    "reviewed_ahead",
    "ownerless",
    "like_titles",
    "like_articles",
    "odd_text",
]
Embed = Callable[[Sequence[str]], NDArray[np.float32]]

SOON_DAYS = 30
LIKE_TITLES = 0.75
"""Share of common words from which two titles count as one."""
LIKE_ARTICLES = 0.88
"""Cosine of titles with summaries from which two articles count as one."""
ERRORS: frozenset[Kind] = frozenset({"fact_without_article", "label_without_article", "ownerless"})


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that somebody should mend."""

    kind: Kind
    subject: str
    """Id of the article (or of the first of two), the fact or the label."""
    message: str

    @property
    def is_error(self) -> bool:
        """Whether a release must wait for it; the rest are warnings."""
        return self.kind in ERRORS


def audit(
    articles: Sequence[Article], vocabulary: Vocabulary, *, at: date, embed: Embed | None = None
) -> tuple[Finding, ...]:
    """Everything found, the gravest kinds first. With `embed`, also articles that say the same."""
    found = [
        *_facts(articles, vocabulary),
        *_labels(articles, vocabulary),
        *_ownerless(articles, vocabulary),
        *_stale(articles, at),
        *_odd_text(articles),
        *_like_titles(articles),
        *(_like_articles(articles, embed) if embed else ()),
    ]
    return tuple(sorted(found, key=lambda finding: not finding.is_error))


def _facts(articles: Sequence[Article], vocabulary: Vocabulary) -> Iterator[Finding]:
    covered = {fact for article in articles for fact in article.facts}
    for fact in sorted((vocabulary.facts or frozenset()) - covered):
        yield Finding(
            "fact_without_article",
            fact,
            f"No article states fact {fact}. Add it to one that should.",
        )


def _labels(articles: Sequence[Article], vocabulary: Vocabulary) -> Iterator[Finding]:
    covered = {(article.category, article.subcategory) for article in articles}
    for category, subcategories in (vocabulary.labels or {}).items():
        for subcategory in sorted(subcategories):
            if (category, subcategory) not in covered:
                label = f"{category}.{subcategory}"
                yield Finding(
                    "label_without_article", label, f"No article is about {label}. Write one."
                )


def _ownerless(articles: Sequence[Article], vocabulary: Vocabulary) -> Iterator[Finding]:
    for article in articles:
        if vocabulary.owners is not None and article.owner not in vocabulary.owners:
            yield Finding(
                "ownerless",
                article.id,
                f"{article.id} belongs to {article.owner!r}, which is no queue. Name its owner.",
            )


def _stale(articles: Sequence[Article], at: date) -> Iterator[Finding]:
    for article in articles:
        due = article.review_due()
        if article.reviewed_on > at:
            message = (
                f"{article.id} says it was reviewed on {article.reviewed_on}. Correct the date."
            )
            yield Finding("reviewed_ahead", article.id, message)
        elif due < at:
            message = f"{article.id} was due for review on {due}. {article.owner} should review it."
            yield Finding("stale", article.id, message)
        elif due <= at + timedelta(days=SOON_DAYS):
            message = f"{article.id} is due for review on {due}. {article.owner} should plan it."
            yield Finding("soon_stale", article.id, message)


def _odd_text(articles: Sequence[Article]) -> Iterator[Finding]:
    for article in articles:
        for sign in signs(article):
            message = (
                f"{article.id}, line {sign.line}: read this, {sign.reason}: {sign.quote!r}. "
                "An article speaks to employees only."
            )
            yield Finding("odd_text", article.id, message)


def _like_titles(articles: Sequence[Article]) -> Iterator[Finding]:
    """Compares only titles that share a word, so that large bases are quick."""
    words = [frozenset(terms(article.title)) for article in articles]
    holders: dict[str, list[int]] = {}
    for number, title in enumerate(words):
        for word in title:
            holders.setdefault(word, []).append(number)
    pairs = {pair for numbers in holders.values() for pair in combinations(numbers, 2)}
    for left, right in sorted(pairs):
        together = words[left] | words[right]
        if len(words[left] & words[right]) >= LIKE_TITLES * len(together):
            first, second = articles[left], articles[right]
            yield Finding(
                "like_titles",
                first.id,
                f"{first.id} {first.title!r} and {second.id} {second.title!r} have like titles. "
                "Merge them or say in the titles how they differ.",
            )


def _like_articles(articles: Sequence[Article], embed: Embed) -> Iterator[Finding]:
    vectors = embed([_gist(article) for article in articles])
    near = np.triu(vectors @ vectors.T, k=1)
    for left, right in np.argwhere(near >= LIKE_ARTICLES).tolist():
        first, second = articles[left], articles[right]
        yield Finding(
            "like_articles",
            first.id,
            f"{first.id} and {second.id} say much the same (cosine {near[left, right]:.2f}). "
            "Merge them, or retire one.",
        )


def _gist(article: Article) -> str:
    return f"{article.title}\n{article.sections[0].text}" if article.sections else article.title
