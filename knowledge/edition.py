"""The open files of one index version, and how a question is ranked against them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from knowledge.article import Article
from knowledge.confidence import ConfidenceMismatchError, ConfidenceModel, default_model
from knowledge.findings import ArticleHit, Findings, Passage, Reader, may_read
from knowledge.index import VectorIndex
from knowledge.lexical import Lexicon, best
from knowledge.ranking import Candidates, Ranked, Weights, features, fuse, led_by
from knowledge.shelf import Passing, Shelf, day
from knowledge.versions import IndexUnavailableError, VersionManifest, own, read_manifest

Rows = NDArray[np.int64]
Flags = NDArray[np.bool_]
Vector = NDArray[np.float32]

CONFIDENCE_FILE = "confidence.json"
"""Name of a confidence model in a version's folder; the shipped default serves where it is absent."""
DEPTH = 50
_DEEPER = 8
"""Times the depth, when the reader may not see most of what was found."""
_PASSAGES = 5
_LIKELY = 0.15
"""Probability from which the articles of a label are candidates, whatever their wording."""
_LIKELY_ARTICLES = 12
_WHOLE_ARTICLES = 20
"""Articles that come in by the BM25 of all they say."""
_ALIASES = 20
"""Aliases whose articles come in."""
_ROWS_OF_ONE = 40


class Rated(NamedTuple):
    """Candidates and their ranking, before anything is read from disk. For calibration."""

    candidates: Candidates
    ranked: Ranked


_NO_ROWS, _NO_VALUES = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
_EMPTY = Candidates(_NO_ROWS, _NO_ROWS, _NO_VALUES, _NO_VALUES, _NO_VALUES, _NO_VALUES, _NO_VALUES)
_NOTHING = Rated(_EMPTY, fuse(_EMPTY))


NO_VOTES: Mapping[int, float] = {}


class _Doubt(NamedTuple):
    """How sure a ranking is of its first article, and by what."""

    confidence: float
    answerable: bool
    signals: Mapping[str, float]


class Question(NamedTuple):
    text: str
    vector: Vector
    prior: Mapping[str, float]
    language: str


class Pool(NamedTuple):
    """What the indexes gave for a question."""

    rows: Rows
    lexical: Vector
    """BM25 of every row."""
    whole: Vector
    """BM25 of every article."""
    aliases: Vector
    """Cosine of every alias, -1 where it was not compared."""


@dataclass(frozen=True, slots=True)
class _Parts:
    shelf: Shelf
    lexicon: Lexicon
    articles: Lexicon
    dense: VectorIndex


class Edition:
    """The open files of one version."""

    def __init__(self, folder: Path, weights: Weights) -> None:
        self._lock: FileLock = own(folder)
        self.folder = folder
        try:
            parts = _open_parts(folder)
            self.manifest = _manifest(folder)
            self._confidence = _confidence(folder, self.manifest)
        except BaseException:
            self._lock.release()
            raise
        self.shelf, self._dense = parts.shelf, parts.dense
        self._lexicon, self._article_lexicon = parts.lexicon, parts.articles
        self.weights = weights
        self._due = np.array([card.due for card in self.shelf.cards], dtype=np.int64)
        self._labels: dict[str, list[int]] = {}
        for number, card in enumerate(self.shelf.cards):
            self._labels.setdefault(f"{card.category}.{card.subcategory}", []).append(number)
        self._alias_of = np.array(
            [n for n, card in enumerate(self.shelf.cards) for _ in card.aliases], dtype=np.int64
        )
        self._readable = lru_cache(maxsize=64)(self._readable_by)
        self.article = lru_cache(maxsize=256)(self.shelf.article)

    def close(self) -> None:
        self._dense.close()
        self.shelf.close()
        self._lexicon.close()
        self._article_lexicon.close()
        self._lock.release()

    def search(
        self,
        question: Question,
        reader: Reader,
        at: date,
        limit: int,
        votes: Mapping[int, float] = NO_VOTES,
    ) -> Findings:
        """`votes`: how likely articles help by resolved tickets. They reorder and raise no confidence."""
        readable = self._readable(reader)
        current = readable & (self._due >= at.toordinal())
        pool, found, old = self._both(question, current, readable & ~current, limit)
        doubt = self._doubt(question, found)
        shown = found.ranked
        heard = {number: vote for number, vote in votes.items() if current[number]}
        if heard:
            shown, doubt = self._heard(question, pool, found, heard, doubt)
        hits = self._hits(shown, reader, limit, stale=False)
        return Findings(
            hits=hits,
            stale_hits=self._hits(old.ranked, reader, limit, stale=True),
            confidence=doubt.confidence if hits else 0.0,
            answerable=bool(hits) and doubt.answerable,
            signals=doubt.signals,
            version=self.manifest.version,
        )

    def _doubt(self, question: Question, rated: Rated) -> _Doubt:
        signals = features(rated.candidates, rated.ranked, len(question.text.split()))
        cosine = float(rated.candidates.cosine.max(initial=0.0))
        return _Doubt(
            self._confidence.probability(signals, question.language),
            self._confidence.answerable(signals, question.language, cosine),
            signals,
        )

    def _heard(
        self,
        question: Question,
        pool: Pool,
        found: Rated,
        votes: Mapping[int, float],
        doubt: _Doubt,
    ) -> tuple[Ranked, _Doubt]:
        """The ranking with the votes of resolved tickets, and the doubt about its first article.

        The doubt was calibrated without a memory, so it is the greater one of two: that about what
        would be first without it, and that about what is first with it, by all signals but the memory.
        """
        passages = found.candidates.chunk[found.candidates.chunk < len(self.shelf.article_of)]
        added = self._rows_of(sorted(votes), pool.lexical)
        unaided = self._rated(question, pool, np.union1d(passages, added))
        memory = [votes.get(number, 0.0) for number in unaided.candidates.article.tolist()]
        aided = replace(unaided.candidates, memory=np.array(memory, dtype=np.float32))
        ranked = fuse(aided, self.weights)
        first = int(ranked.articles[0])
        if len(found.ranked.articles) and first == found.ranked.articles[0]:
            return ranked, doubt
        other = self._doubt(question, Rated(unaided.candidates, led_by(unaided.ranked, first)))
        return ranked, _Doubt(
            min(doubt.confidence, other.confidence),
            doubt.answerable and other.answerable,
            other.signals,
        )

    def _both(
        self, question: Question, current: Flags, stale: Flags, limit: int
    ) -> tuple[Pool, Rated, Rated]:
        """Current and stale articles, looking deeper when most of what is near is neither.

        At last every current article that may be read is compared, so a narrow right to read
        never hides an article.
        """
        wanted = min(limit, int(current.sum()))
        for depth in (DEPTH, DEPTH * _DEEPER):
            pool = self.pool(question, depth)
            found = self.rate(question, pool, current)
            if len(found.ranked.articles) >= wanted:
                break
        else:
            every = np.flatnonzero(current[self.shelf.article_of])
            found = self.rate(question, pool._replace(rows=every), current)
        return pool, found, self.rate(question, pool, stale)

    def pool(self, question: Question, depth: int) -> Pool:
        """The `depth` best rows by cosine and by BM25, whoever may read them."""
        lexical = self._lexicon.scores(question.text)
        near = self._dense.nearest(question.vector, depth)
        rows = np.unique(np.concatenate([near, best(lexical, depth).rows]))
        whole = self._article_lexicon.scores(question.text)
        aliases = self.shelf.alias_cosines(question.vector, question.language)
        return Pool(rows, lexical, whole, aliases)

    def rate(self, question: Question, pool: Pool, allowed: Flags) -> Rated:
        """Rank the allowed articles: those of the pool, and the best as wholes or by their label."""
        if not allowed.any():
            return _NOTHING
        whole = np.where(allowed, pool.whole, np.float32(0))
        near = pool.rows[allowed[self.shelf.article_of[pool.rows]]]
        articles = {
            *self.shelf.article_of[near].tolist(),
            *best(whole, _WHOLE_ARTICLES).rows.tolist(),
            *(n for n in self._alias_of[best(pool.aliases, _ALIASES).rows].tolist() if allowed[n]),
            *self._likely(question, allowed),
        }
        # Articles are compared by their best rows together, so each brings all it has.
        rows = np.concatenate([near, self._rows_of(sorted(articles), pool.lexical)])
        return self._rated(question, pool, np.unique(rows))

    def _rated(self, question: Question, pool: Pool, rows: Rows) -> Rated:
        aliases = self._aliases_of(np.unique(self.shelf.article_of[rows]), pool)
        articles = np.concatenate([self.shelf.article_of[rows], self._alias_of[aliases]])
        none = np.zeros(len(aliases), dtype=np.float32)
        candidates = Candidates(
            # Aliases are numbered after the passages.
            chunk=np.concatenate([rows, len(self.shelf.article_of) + aliases]),
            article=articles,
            cosine=np.concatenate(
                [self.shelf.cosines(rows, question.vector), pool.aliases[aliases]]
            ),
            lexical=np.concatenate([pool.lexical[rows], none]),
            article_lexical=pool.whole[articles],
            coverage=np.concatenate([self._lexicon.coverage(question.text, rows), none]),
            prior=self._priors(articles, question.prior),
            probe=np.arange(len(articles)) >= len(rows),
        )
        return Rated(candidates, fuse(candidates, self.weights))

    def _likely(self, question: Question, allowed: Flags) -> list[int]:
        """Articles of the labels that the classifiers think likely."""
        labels = [label for label, chance in question.prior.items() if chance >= _LIKELY]
        found = [n for label in labels for n in self._labels.get(label, ()) if allowed[n]]
        return found[:_LIKELY_ARTICLES]

    def _rows_of(self, articles: Sequence[int], lexical: Vector) -> Rows:
        """The rows of some articles; of a very long one those with the most of the question."""
        found: list[Rows] = [np.empty(0, dtype=np.int64)]
        for number in articles:
            card = self.shelf.cards[number]
            rows = np.array(card.rows, dtype=np.int64)
            if len(rows) > _ROWS_OF_ONE:
                rows = rows[np.argsort(-lexical[rows], kind="stable")[:_ROWS_OF_ONE]]
            found.append(rows)
        return np.concatenate(found)

    def _aliases_of(self, articles: Rows, pool: Pool) -> Rows:
        """The compared aliases of some articles."""
        cards = self.shelf.cards
        rows = [row for number in articles.tolist() for row in cards[number].aliases]
        found = np.array(rows, dtype=np.int64)
        return found[pool.aliases[found] > -1]

    def _priors(self, articles: Rows, prior: Mapping[str, float]) -> Vector:
        if not prior:
            return np.zeros(len(articles), dtype=np.float32)
        cards = self.shelf.cards
        known = {n: cards[n] for n in set(articles.tolist())}
        value = {n: prior.get(f"{c.category}.{c.subcategory}", 0.0) for n, c in known.items()}
        return np.array([value[n] for n in articles.tolist()], dtype=np.float32)

    def _readable_by(self, reader: Reader) -> Flags:
        return np.array(
            [may_read(c.audience, c.regions, c.platforms, reader) for c in self.shelf.cards],
            dtype=np.bool_,
        )

    def _hits(
        self, ranked: Ranked, reader: Reader, limit: int, *, stale: bool
    ) -> tuple[ArticleHit, ...]:
        numbers = ranked.articles.tolist()[:limit]
        texts = self.shelf.passages(
            [row for chunks in ranked.chunks[: len(numbers)] for row in chunks[:_PASSAGES].tolist()]
        )
        hits = []
        for position, number in enumerate(numbers):
            article = self.article(number)
            # The filter was an array; what is handed out is checked against the article itself.
            if may_read(article.audience, article.regions, article.platforms, reader):
                passages = _passages(article, ranked, position, texts)
                score = float(ranked.scores[position])
                hits.append(self._hit(article, number, score, passages, stale=stale))
        return tuple(hits)

    def _hit(
        self,
        article: Article,
        number: int,
        score: float,
        passages: tuple[Passage, ...],
        *,
        stale: bool,
    ) -> ArticleHit:
        card = self.shelf.cards[number]
        return ArticleHit(
            article_id=article.id,
            title=article.title,
            category=article.category,
            subcategory=article.subcategory,
            reviewed_on=day(card.reviewed_on),
            version=article.version,
            stale=stale,
            score=score,
            passages=passages,
            facts=len(article.facts),
        )


def _passages(
    article: Article, ranked: Ranked, position: int, texts: Mapping[int, Passing]
) -> tuple[Passage, ...]:
    rows = ranked.chunks[position][:_PASSAGES].tolist()
    scores = ranked.chunk_scores[position][:_PASSAGES].tolist()
    return tuple(
        Passage(
            chunk_id=texts[row].id,
            article_id=article.id,
            section=texts[row].section,
            kind=texts[row].kind,
            platform=texts[row].platform,
            text=texts[row].text,
            score=score,
        )
        for row, score in zip(rows, scores, strict=True)
    )


def _open_parts(folder: Path) -> _Parts:
    try:
        shelf = Shelf(folder)
        lexicon = Lexicon(folder / "lexical" / "rows")
        articles = Lexicon(folder / "lexical" / "articles")
    except Exception as error:
        raise IndexUnavailableError(
            f"The knowledge index {folder.name} can't be read ({type(error).__name__}). Go back "
            "with `copilot index use VERSION` or build again with `copilot index sync`."
        ) from error
    return _Parts(shelf, lexicon, articles, VectorIndex(folder))


def _manifest(folder: Path) -> VersionManifest:
    manifest = read_manifest(folder)
    if manifest is None:
        raise IndexUnavailableError(
            f"The knowledge index {folder.name} has no manifest. "
            "Build again with `copilot index sync`."
        )
    return manifest


def _confidence(folder: Path, manifest: VersionManifest) -> ConfidenceModel:
    """The model fitted for this version, the default where none was; refused when it does not fit."""
    path = folder / CONFIDENCE_FILE
    if not path.exists():
        return default_model()
    try:
        return ConfidenceModel.from_json(path.read_text("utf-8"), manifest.version)
    except ConfidenceMismatchError as error:
        raise IndexUnavailableError(str(error)) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IndexUnavailableError(
            f"The confidence model of index {folder.name} can't be read ({type(error).__name__}). "
            "Go back with `copilot index use VERSION` or build again with `copilot index sync`."
        ) from error
