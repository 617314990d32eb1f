"""Fusion of dense and lexical candidates into ranked articles. Pure numpy, no index behind it.

Whoever searches fills in `Candidates`. Articles become candidates by the best 50 rows by cosine, the
best 50 by BM25, and the best 20 articles by the BM25 of whole articles (a second lexical index, one
entry an article: title, aliases, all sections). Each candidate article brings all its rows, because
articles are compared by their best rows together, and every row carries all its values. A row is a
chunk of an article or a probe, that is an alias: another wording by which the article is asked for.
A probe speaks for its article by its cosine alone, and is never among the ranked chunks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
Values = NDArray[np.float32]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Weights:
    """How the signals of an article are mixed. Defaults are the shipped values.

    They were chosen on development halves of public questions, see docs/decisions/0003.
    """

    support: float = 0.4
    """Weight of the mean cosine of the article's best chunks against its single best cosine."""
    depth: int = 3
    """Of how many chunks that mean is taken."""
    lexical: float = 0.22
    """Share of the BM25 of the whole article, divided by the best among the candidates."""
    passage_lexical: float = 0.1
    """The same for the BM25 of a chunk. It orders the chunks of an article, not the articles."""
    prior: float = 0.3
    """Share of the square root of the classifiers' probability of the article's subcategory."""
    memory: float = 0.3
    """Share of the chance that the article helps by what resolved tickets like the question ended with."""


SHIPPED = Weights()


@dataclass(frozen=True, slots=True)
class Candidates:
    """Arrays over all rows of the candidate articles, one entry a row of the index."""

    chunk: Rows
    """Row number in the index, each at most once."""
    article: Rows
    """Row number of its article."""
    cosine: Values
    """To the question, exact, for every candidate."""
    lexical: Values
    """BM25 of the chunk, 0 where no term of the question occurs in it."""
    article_lexical: Values
    """BM25 of the chunk's whole article (title, aliases, all sections), from an index of articles."""
    coverage: Values
    """Idf-weighted share of the question's terms that occur in the chunk, zeros if unknown."""
    prior: Values
    """Probability of the article's subcategory by the classifiers, 0 where unknown."""
    probe: Flags | None = None
    """Whether the row is an alias and no chunk; `None` where there are no such rows."""
    memory: Values | None = None
    """Chance that the row's article helps by resolved tickets; `None` where none speak."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """Articles best first, with their chunks best first, and the signals behind the order."""

    articles: Rows
    scores: Values
    chunks: tuple[Rows, ...]
    """Row numbers of the chunks of each article; none where only an alias was found."""
    chunk_scores: tuple[Values, ...]
    """Scores of the same chunks: to order passages, not to compare with those of articles."""
    cosine: Values
    """Best cosine of each article."""
    lexical: Values
    """BM25 of each article's best chunk."""
    article_lexical: Values
    coverage: Values
    """Of each article's best covering chunk."""
    prior: Values


def fuse(candidates: Candidates, weights: Weights = SHIPPED) -> Ranked:
    """Rank the articles of the candidates. Equal scores are ordered by row number."""
    probe = _probes(candidates)
    lexical = np.where(probe, np.float32(0), candidates.lexical)
    points = candidates.cosine + weights.passage_lexical * _share(lexical)
    # Rows of an article become neighbours, and among them the best comes first.
    order = np.lexsort((candidates.chunk, -points, candidates.article))
    articles, starts = np.unique(candidates.article[order], return_index=True)
    held = candidates.article_lexical[order][starts] if len(starts) else lexical
    prior = candidates.prior[order][starts] if len(starts) else lexical
    cosine = _best(candidates.cosine[order], starts)
    best_lexical = _best(lexical[order], starts)
    chunks = [order[a:b][~probe[order[a:b]]] for a, b in _spans(starts, len(order))]
    support = _support(candidates.cosine, chunks, cosine, weights.depth)
    scores = (
        (1 - weights.support) * cosine
        + weights.support * support
        + weights.lexical * _share(held)
        + weights.prior * np.sqrt(prior)
    ).astype(np.float32)
    if candidates.memory is not None and len(starts):
        scores += np.float32(weights.memory) * candidates.memory[order][starts]
    ranking = np.lexsort((articles, -scores))
    return Ranked(
        articles=articles[ranking],
        scores=scores[ranking],
        chunks=tuple(candidates.chunk[chunks[place]] for place in ranking.tolist()),
        chunk_scores=tuple(points[chunks[place]] for place in ranking.tolist()),
        cosine=cosine[ranking],
        lexical=best_lexical[ranking],
        article_lexical=held[ranking],
        coverage=_best(candidates.coverage[order], starts)[ranking],
        prior=prior[ranking],
    )


def led_by(ranked: Ranked, article: int) -> Ranked:
    """The same ranking with one article moved to the front, all signals as they are."""
    place = ranked.articles.tolist().index(article)
    order = np.array([place, *(n for n in range(len(ranked.articles)) if n != place)])
    return Ranked(
        articles=ranked.articles[order],
        scores=ranked.scores[order],
        chunks=tuple(ranked.chunks[n] for n in order.tolist()),
        chunk_scores=tuple(ranked.chunk_scores[n] for n in order.tolist()),
        cosine=ranked.cosine[order],
        lexical=ranked.lexical[order],
        article_lexical=ranked.article_lexical[order],
        coverage=ranked.coverage[order],
        prior=ranked.prior[order],
    )


def _probes(candidates: Candidates) -> Flags:
    if candidates.probe is None:
        return np.zeros(len(candidates.chunk), dtype=np.bool_)
    return candidates.probe


def _spans(starts: Rows, end: int) -> list[tuple[int, int]]:
    return list(pairwise([*starts.tolist(), end]))


def _best(values: Values, starts: Rows) -> Values:
    """The highest value of each article."""
    return np.maximum.reduceat(values, starts) if len(starts) else values


def _support(cosine: Values, chunks: list[Rows], fallback: Values, depth: int) -> Values:
    """Mean of the highest cosines of each article's chunks, its best one where it has no chunk."""
    means = fallback.copy()
    for place, rows in enumerate(chunks):
        if len(rows):
            best = np.sort(cosine[rows])[-depth:]
            # What `mean` does, at a fraction of its price for three numbers.
            means[place] = np.add.reduce(best) / np.float32(len(best))
    return means


def _share(values: Values) -> Values:
    """Values divided by the best of them."""
    best = values.max(initial=np.float32(0))
    return values / best if best > 0 else values


_SHARPNESS = 0.06
"""Score distance at which a rival counts a third of the first article."""

FEATURES = (
    "lead", "cosine", "coverage", "prior", "prior_gap", "cosine_top", "cosine_lead", "lexical_lead",
    "agreement", "log_words",
)  # fmt: skip
"""Every name that `features` gives."""


def features(candidates: Candidates, ranked: Ranked, question_words: int) -> Mapping[str, float]:
    """What tells whether the first article is right, by name. All 0 when there is no candidate.

    lead          how far it stands out: softmax of the articles' scores
    cosine        its best cosine
    coverage      idf-weighted share of the question's terms in its best covering row
    prior         probability of its subcategory by the classifiers, 0 without them
    prior_gap     how much more probable another candidate's subcategory is, 0 or less
    cosine_top    best cosine of any candidate
    cosine_lead   its cosine less that of the best other article
    lexical_lead  its BM25 less that of the best other article, by the best BM25
    agreement     share of three rankings (cosine, BM25 of articles, BM25 of chunks) that put it first
    log_words     length of the question
    """
    if not len(ranked.articles):
        return dict.fromkeys(FEATURES, 0.0)
    firsts = (ranked.cosine.argmax(), ranked.article_lexical.argmax(), ranked.lexical.argmax())
    scores = ranked.scores.astype(np.float64)
    values = (
        1.0 / np.exp((scores - scores[0]) / _SHARPNESS).sum(),
        ranked.cosine[0],
        ranked.coverage[0],
        ranked.prior[0],
        ranked.prior[0] - ranked.prior.max(),
        candidates.cosine.max(),
        _lead(ranked.cosine),
        _lead(_share(ranked.article_lexical)),
        sum(first == 0 for first in firsts) / len(firsts),
        np.log1p(max(question_words, 1)),
    )
    return {name: float(value) for name, value in zip(FEATURES, values, strict=True)}


def _lead(values: Values) -> float:
    """The first article's value less the best of all others."""
    return float(values[0] - values[1:].max(initial=np.float32(0)))
