"""BM25 over passages. The only module that imports bm25s and Stemmer.

The library builds and writes an index; a question reads the few columns of it that it needs. So
serving does without the library, and of a large index only those columns are ever in memory.
"""

import json
import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from Stemmer import Stemmer

from knowledge.arrays import ArrayFile

Rows = NDArray[np.int64]
Values = NDArray[np.float32]

K1 = 1.2
B = 0.75
_MAX_TERMS = 600
"""Of a question; the rest of a pasted log adds time and no sense."""
_FEW = 2 * 2**20
"""Bytes of an array that are kept in memory."""
_NOBODY = np.empty(0, dtype=np.int32)
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
    """An opened BM25 index: the columns of its score matrix, a column a term."""

    def __init__(self, folder: Path) -> None:
        settings = json.loads((folder / "params.index.json").read_text("utf-8"))
        vocabulary = json.loads((folder / "vocab.index.json").read_text("utf-8"))
        self._vocabulary: dict[str, int] = vocabulary
        self._starts: list[int] = np.load(folder / "indptr.csc.index.npy").tolist()
        self._rows = ArrayFile(folder / "indices.csc.index.npy", np.int32, held_bytes=_FEW)
        self._values = ArrayFile(folder / "data.csc.index.npy", np.float32, held_bytes=_FEW)
        self.size = int(settings["num_docs"])
        if not len(self._rows) == len(self._values) == self._starts[-1]:
            raise ValueError("the files of the lexical index disagree about its size")

    def close(self) -> None:
        self._rows.close()
        self._values.close()

    def scores(self, text: str) -> Values:
        """BM25 of every row."""
        scores = np.zeros(self.size, dtype=np.float32)
        for term in terms(text)[:_MAX_TERMS]:
            number = self._vocabulary.get(term)
            if number is not None:
                first, end = self._starts[number], self._starts[number + 1]
                np.add.at(scores, self._rows.span(first, end), self._values.span(first, end))
        return scores

    def coverage(self, text: str, rows: Rows) -> Values:
        """Idf-weighted share of the question's terms that each row holds, 0 to 1.

        A term that occurs nowhere counts as the rarest: what no passage mentions is not covered.
        """
        if not len(rows):
            return np.zeros(0, dtype=np.float32)
        asked = dict.fromkeys(terms(text)[:_MAX_TERMS])
        covered = np.zeros(len(rows), dtype=np.float32)
        wanted = rows.astype(np.int32)
        total = 0.0
        for term in asked:
            holders = self._holders(term)
            weight = float(np.log1p(self.size / (1 + len(holders))))
            total += weight
            if len(holders):
                covered[_isin_sorted(wanted, holders)] += weight
        return covered / np.float32(total) if total else covered

    def _holders(self, term: str) -> NDArray[np.int32]:
        number = self._vocabulary.get(term)
        if number is None:
            return _NOBODY
        return self._rows.span(self._starts[number], self._starts[number + 1])


def best(scores: Values, count: int) -> Match:
    """The rows of the highest scores above zero; ties by row number."""
    rows = np.flatnonzero(scores > 0)
    if len(rows) > count:
        rows = rows[np.argpartition(scores[rows], len(rows) - count)[-count:]]
    rows = rows[np.lexsort((rows, -scores[rows]))].astype(np.int64)
    return Match(rows, scores[rows])


def _isin_sorted(rows: NDArray[np.int32], ordered: NDArray[np.int32]) -> NDArray[np.bool_]:
    places = np.minimum(np.searchsorted(ordered, rows), len(ordered) - 1)
    return np.asarray(ordered[places] == rows)
