"""What serves from the index and follows its pointer: no restart after a sync or a roll-back."""

import zipfile
import zlib
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Protocol

from copilot.ports import Vector
from copilot.understanding.classifier import Classifiers
from copilot.understanding.message import Question, Understanding
from copilot.understanding.reader import MessageReader
from integrations.home import CLASSIFIERS_FILE
from knowledge.article import Article
from knowledge.embedding import Embedder
from knowledge.findings import Findings, Reader
from knowledge.ranking import SHIPPED, Weights
from knowledge.search import Library
from knowledge.versions import IndexUnavailableError, read_pointer, version_dir


class FollowingLibrary:
    """The serving index version; a swapped pointer takes effect with the next question."""

    def __init__(self, index_dir: Path, weights: Weights = SHIPPED) -> None:
        self._index_dir = index_dir
        self.library = Library.open(index_dir, weights=weights)
        self.folder = version_dir(index_dir, self.library.version)

    @property
    def version(self) -> str:
        return self.library.version

    @property
    def memory(self) -> str:
        """The memory of resolved tickets in use, empty where there is none."""
        return self.library.memory

    @property
    def article_ids(self) -> frozenset[str]:
        return frozenset(card.id for card in self.library.cards)

    def refresh(self) -> bool:
        changed = self.library.refresh()
        if changed:
            self.folder = version_dir(self._index_dir, self.library.version)
        return changed

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
        return self.library.search(
            text, vector, reader, at=at, prior=prior, language=language, limit=limit
        )

    def article(self, article_id: str) -> Article:
        return self.library.article(article_id)

    def sentences(self, article_id: str, vector: Vector) -> Sequence[tuple[str, str, float]]:
        return self.library.sentences(article_id, vector)

    def close(self) -> None:
        self.library.close()


class Edition(Protocol):
    """An index version, as far as reading messages needs it."""

    @property
    def folder(self) -> Path: ...

    def refresh(self) -> bool: ...


class CurrentEdition:
    """The version in use now, without opening its search: also beside the process that searches it."""

    def __init__(self, index_dir: Path) -> None:
        version = read_pointer(index_dir)
        if version is None:
            raise IndexUnavailableError(f"{index_dir} has no index. Run `copilot index sync`.")
        self.folder = version_dir(index_dir, version)
        self.version = version

    def refresh(self) -> bool:
        return False


class FollowingReader:
    """A message reader whose classifiers belong to the serving index version."""

    def __init__(self, library: Edition, search: Embedder, tuned: Embedder) -> None:
        self._library = library
        self._search = search
        self._tuned = tuned
        self._reader = self._load()

    def warm(self) -> None:
        """Open the models now. Raises `ModelMissingError` where one can't be opened."""
        self._search.warm()
        self._tuned.warm()

    def read(self, raw: str, *, language: str = "en") -> Understanding:
        if self._library.refresh():
            self._reader = self._load()
        return self._reader.read(raw, language=language)

    def question(self, text: str) -> Question:
        return self._reader.question(text)

    def _load(self) -> MessageReader:
        classifiers = read_classifiers(self._library.folder / CLASSIFIERS_FILE)
        if classifiers.fingerprint != self._tuned.fingerprint:
            raise IndexUnavailableError(
                f"The index was built with model {classifiers.fingerprint}, but {self._tuned.fingerprint} "
                "is in use. Run `copilot index sync`."
            )
        if classifiers.recogniser is None or not classifiers.recogniser.fits:
            raise IndexUnavailableError(
                "The index has no recogniser of requested actions that fits the cues in use. "
                "Run `copilot index sync`."
            )
        return MessageReader(classifiers, classifiers.recogniser, self._search, self._tuned)


def read_classifiers(file: Path) -> Classifiers:
    """The classifiers of an index version, or `IndexUnavailableError`."""
    try:
        return Classifiers.load(file)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise IndexUnavailableError(
            f"The classifiers {file} can't be read ({type(error).__name__}). Go back with "
            "`copilot index use VERSION`, or remove their folder and run `copilot index sync`."
        ) from error
