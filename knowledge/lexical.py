"""BM25 over passages, memory-mapped. The only module that imports bm25s and Stemmer."""

import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from Stemmer import Stemmer

Rows = NDArray[np.int64]
Values = NDArray[np.float32]

K1 = 1.2
B = 0.75
_MAX_TERMS = 600
"""Of a question; the rest of a pasted log adds time and no sense."""
_NOTHING = "\0"
"""Stands in a text without terms, so that an index of such texts can be made."""
_TOKEN = re.compile(r"[^\W_]+")
_STOPWORDS = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "but",
        "by",
        "for",
        "if",
        "in",
        "into",
        "is",
        "it",
        "no",
        "not",
        "of",
        "on",
        "or",
        "such",
        "that",
        "the",
        "their",
        "then",
        "there",
        "these",
        "they",
        "this",
        "to",
        "was",
        "will",
        "with",
    ]
)


def terms(text: str) -> list[str]:
    """Stemmed words of a text, in order, without words that say nothing."""
    words = [word for word in _TOKEN.findall(text.lower()) if word not in _STOPWORDS]
    # A new stemmer each time: making one costs microseconds, and one must not serve two threads.
    return list(Stemmer("english").stemWords(words))


def write_lexicon(folder: Path, texts: Sequence[str]) -> None:
    """Index the texts by their position and save the index into `folder`."""
    import bm25s

    # The library sets its own logger to debug, and says on standard error what nobody asked.
    logging.getLogger("bm25s").setLevel(logging.WARNING)
    index = bm25s.BM25(k1=K1, b=B)
    index.index([terms(text) or [_NOTHING] for text in texts], show_progress=False)
    folder.mkdir(parents=True, exist_ok=True)
    index.save(folder, show_progress=False)


class Match(NamedTuple):
    """Rows that share terms with a question, best first."""

    rows: Rows
    scores: Values


class Lexicon:
    """An opened BM25 index."""

    def __init__(self, folder: Path) -> None:
        import bm25s

        self._index = bm25s.BM25.load(folder, mmap=True, show_progress=False, verbosity=0)
        for name, values in self._index.scores.items():
            if isinstance(values, np.ndarray):
                # A plain view of the mapped file: numpy slices it much faster.
                self._index.scores[name] = values.view(np.ndarray)
        self._vocabulary: dict[str, int] = self._index.vocab_dict
        self._starts = np.asarray(self._index.scores["indptr"])
        self._rows = self._index.scores["indices"]
        self.size = int(self._index.scores["num_docs"])

    def scores(self, text: str) -> Values:
        """BM25 of every row."""
        known = [self._vocabulary[t] for t in terms(text)[:_MAX_TERMS] if t in self._vocabulary]
        if not known:
            return np.zeros(self.size, dtype=np.float32)
        return np.asarray(self._index.get_scores_from_ids(known), dtype=np.float32)

    def coverage(self, text: str, rows: Rows) -> Values:
        """Idf-weighted share of the question's terms that each row holds, 0 to 1.

        A term that occurs nowhere counts as the rarest: what no passage mentions is not covered.
        """
        if not len(rows):
            return np.zeros(0, dtype=np.float32)
        asked = list(dict.fromkeys(terms(text)[:_MAX_TERMS]))
        covered = np.zeros(len(rows), dtype=np.float32)
        total = 0.0
        for term in asked:
            number = self._vocabulary.get(term)
            holders = self._holders(number) if number is not None else np.empty(0, dtype=np.int64)
            weight = float(np.log1p(self.size / (1 + len(holders))))
            total += weight
            covered[_isin_sorted(rows, holders)] += weight
        return covered / np.float32(total) if total else covered

    def _holders(self, number: int) -> Rows:
        return np.asarray(self._rows[self._starts[number] : self._starts[number + 1]])


def best(scores: Values, count: int) -> Match:
    """The rows of the highest scores above zero; ties by row number."""
    rows = np.flatnonzero(scores > 0)
    if len(rows) > count:
        rows = rows[np.argpartition(scores[rows], len(rows) - count)[-count:]]
    rows = rows[np.lexsort((rows, -scores[rows]))].astype(np.int64)
    return Match(rows, scores[rows])


def _isin_sorted(rows: Rows, ordered: Rows) -> NDArray[np.bool_]:
    if not len(ordered):
        return np.zeros(len(rows), dtype=np.bool_)
    places = np.minimum(np.searchsorted(ordered, rows), len(ordered) - 1)
    return np.asarray(ordered[places] == rows)
