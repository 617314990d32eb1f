"""Search: dense and lexical candidates, fused, filtered for the reader, with a calibrated doubt."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from threading import RLock
from typing import Self

import numpy as np

from knowledge.article import Article
from knowledge.edition import CONFIDENCE_FILE, DEPTH, NO_VOTES, Edition, Question, Rated, Vector
from knowledge.findings import Findings, Reader
from knowledge.memory import Memory, memories_dir
from knowledge.ranking import Weights
from knowledge.shelf import Card
from knowledge.versions import (
    IndexUnavailableError,
    VersionManifest,
    current_dir,
    memory_of,
    memory_stamp,
    pointer_stamp,
)

__all__ = ["CONFIDENCE_FILE", "Library", "Rated", "UnknownArticleError"]


class UnknownArticleError(LookupError):
    """The serving version has no article of that id."""


class Library:
    """One open index version; follows the pointer when `refresh` is called. Thread-safe."""

    def __init__(self, index_dir: Path | None, opened: Edition) -> None:
        self._index_dir = index_dir
        self._opened = opened
        self._stamp = pointer_stamp(index_dir) if index_dir else (0, 0)
        self._lock = RLock()
        self.problem: str | None = None
        """Why the version that the pointer names does not serve, `None` when it does."""
        self.memory_problem: str | None = None
        """Why the memory of resolved tickets has no say, `None` when it has or there is none."""
        self._memory: Memory | None = None
        self._open_memory()

    @staticmethod
    def open(index_dir: Path, *, weights: Weights = Weights()) -> "Library":  # noqa: B008
        """Open the serving version, or `IndexUnavailableError`. This process then owns it."""
        return Library(index_dir, Edition(current_dir(index_dir), weights))

    @staticmethod
    def at(folder: Path, *, weights: Weights = Weights()) -> "Library":  # noqa: B008
        """Open the version in a folder, for a build that calibrates what it is building."""
        return Library(None, Edition(folder, weights))

    @property
    def version(self) -> str:
        return self._opened.manifest.version

    @property
    def memory(self) -> str:
        """The memory of resolved tickets in use, empty where there is none."""
        return self._memory.version if self._memory else ""

    @property
    def folder(self) -> Path:
        """Where the files of the version lie."""
        return self._opened.folder

    @property
    def manifest(self) -> VersionManifest:
        return self._opened.manifest

    @property
    def cards(self) -> Sequence[Card]:
        """Every article of the version, ordered by id."""
        return self._opened.shelf.cards

    def search(
        self,
        text: str,
        vector: Vector,
        reader: Reader,
        *,
        at: date,
        prior: Mapping[str, float] | None = None,
        language: str = "en",
        limit: int = 5,
    ) -> Findings:
        """Articles for a question: current ones that the reader may read, and stale ones apart."""
        question = Question(text, _flat(vector), prior or {}, language)
        with self._lock:
            votes = self._votes(question.vector, reader)
            found = self._opened.search(question, reader, at, limit, votes)
            return replace(found, memory=self.memory)

    def _votes(self, vector: Vector, reader: Reader) -> Mapping[int, float]:
        """What resolved tickets say. A memory that fails is let go: search is as it was without."""
        if self._memory is None:
            return NO_VOTES
        try:
            return self._memory.votes(vector, reader)
        except IndexUnavailableError as error:
            self.memory_problem = str(error)
            self._close_memory()
            return NO_VOTES

    def _open_memory(self) -> None:
        self._close_memory()
        self._memory_stamp = memory_stamp(self._opened.folder)
        self.memory_problem = None
        named = memory_of(self._opened.folder)
        if self._index_dir is None or named is None or self._opened.weights.memory == 0:
            return
        try:
            folder = memories_dir(self._index_dir) / named
            self._memory = Memory(folder, self.manifest.model, self.cards)
        except IndexUnavailableError as error:
            self.memory_problem = str(error)

    def _close_memory(self) -> None:
        if self._memory is not None:
            self._memory.close()
            self._memory = None

    def rate(
        self,
        text: str,
        vector: Vector,
        *,
        prior: Mapping[str, float] | None = None,
        language: str = "en",
    ) -> Rated:
        """Candidates and ranking of a question over all articles, whoever reads and whenever."""
        question = Question(text, _flat(vector), prior or {}, language)
        with self._lock:
            everything = np.ones(len(self.cards), dtype=np.bool_)
            return self._opened.rate(question, self._opened.pool(question, DEPTH), everything)

    def article(self, article_id: str) -> Article:
        """An article of this version, or `UnknownArticleError`."""
        with self._lock:
            return self._opened.article(self._number(article_id))

    def passage(self, chunk_id: str) -> str | None:
        """The text of a passage as the record of a turn names it."""
        with self._lock:
            return self._opened.shelf.passage(chunk_id)

    def sentences(self, article_id: str, vector: Vector) -> Sequence[tuple[str, str, float]]:
        """Quotable sentences of an article: (sentence, section, cosine), nearest first."""
        with self._lock:
            return self._opened.shelf.sentences(self._number(article_id), _flat(vector))

    def refresh(self) -> bool:
        """Follow the pointer if it was swapped; whether it was. Two `stat` calls when it was not.

        A version that can't be opened changes nothing but `problem`: the old one serves on. A memory
        that was swapped beside the version is followed as well.
        """
        if self._index_dir is None:
            return False
        if pointer_stamp(self._index_dir) == self._stamp:
            self._follow_memory()
            return False
        with self._lock:
            self._stamp = pointer_stamp(self._index_dir)
            self.problem = None
            try:
                folder = current_dir(self._index_dir)
                if folder.name == self.version:
                    return False
                opened = Edition(folder, self._opened.weights)
            except IndexUnavailableError as error:
                self.problem = str(error)
                return False
            self._opened.close()
            self._opened = opened
            self._open_memory()
        return True

    def _follow_memory(self) -> None:
        if memory_stamp(self._opened.folder) != self._memory_stamp:
            with self._lock:
                self._open_memory()

    def close(self) -> None:
        """Give the version up, so that another process may own it."""
        with self._lock:
            self._close_memory()
            self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _number(self, article_id: str) -> int:
        number = self._opened.shelf.number_of.get(article_id)
        if number is None:
            raise UnknownArticleError(
                f"Article {article_id!r} is not in index version {self.version}."
            )
        return number


def _flat(vector: Vector) -> Vector:
    return np.asarray(vector, dtype=np.float32).reshape(-1)
