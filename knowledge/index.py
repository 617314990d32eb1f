"""Builds index versions and asks the vector store. The only module that imports chromadb."""

import hashlib
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

import chromadb
import numpy as np
from chromadb.config import Settings
from chromadb.errors import ChromaError
from numpy.typing import NDArray

from knowledge.article import Article
from knowledge.chunking import CHUNKER, Count, chunks, sentences
from knowledge.corpus import Corpus
from knowledge.lexical import write_lexicon
from knowledge.shelf import Contents, ContentVectors, arrange, digests, write_shelf
from knowledge.versions import (
    IndexUnavailableError,
    VersionManifest,
    carry_memory,
    damage,
    file_sizes,
    install,
    next_number,
    owning,
    prune,
    read_manifest,
    read_pointer,
    remove_leftovers,
    version_dir,
    versions_dir,
    write_manifest,
    write_pointer,
)

Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]
Progress = Callable[[str, int, int], None]

LAYOUT = "3"
"""Version of the files in an index folder."""
PASSAGES = "passages"
"""Name of the collection of an index version."""
_BATCH = 4096
_SAMPLES = 25


class DocumentEmbedder(Protocol):
    """What a build needs of `knowledge.embedding.Embedder`."""

    @property
    def fingerprint(self) -> str: ...

    @property
    def dimensions(self) -> int: ...

    @property
    def max_tokens(self) -> int: ...

    @property
    def count_tokens(self) -> Count: ...

    def embed_documents(
        self, texts: Sequence[str], progress: Progress | None = None
    ) -> Vectors: ...

    def uncached(self, texts: Sequence[str]) -> int: ...


class BuildError(Exception):
    """A new version failed its check and was thrown away; the old one serves on."""


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did."""

    version: str
    articles: int
    passages: int
    reused: bool
    """Nothing had changed: an existing version serves."""
    added: int = 0
    """Passages that the version before did not hold."""
    unchanged: int = 0
    deleted: int = 0
    embedded: int = 0
    """Texts that the model had to read; all others came from the cache."""
    removed_versions: tuple[str, ...] = ()


def no_extras(folder: Path) -> None:
    """Put nothing more into an index version."""
    del folder


def version_id(corpus: Corpus, model: str, extras_key: str = "") -> str:
    """Names what an index is made from. The same parts give the same id."""
    parts = (LAYOUT, CHUNKER, model, corpus.digest, extras_key)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def build_version(
    index_dir: Path,
    corpus: Corpus,
    embedder: DocumentEmbedder,
    *,
    extras: Callable[[Path], None] = no_extras,
    extras_key: str = "",
    keep: int = 3,
    progress: Progress | None = None,
) -> BuildReport:
    """Build a version aside, check it, and let it serve by one rename.

    `extras` puts further files into the folder before the swap and may open it with `Library.at`;
    `extras_key` names what they are made from. A crash anywhere leaves the old version serving.
    """
    versions_dir(index_dir).mkdir(parents=True, exist_ok=True)
    version = version_id(corpus, embedder.fingerprint, extras_key)
    with owning(index_dir):
        remove_leftovers(index_dir)
        target = version_dir(index_dir, version)
        manifest = read_manifest(target)
        if manifest is not None and damage(target) is None:
            write_pointer(index_dir, version)
            return BuildReport(version, manifest.articles, manifest.passages, reused=True)
        contents = _contents(corpus, embedder)
        known = _known_passages(index_dir)
        embedded = embedder.uncached([*_texts(contents)])
        manifest = VersionManifest(
            version=version,
            number=next_number(index_dir),
            model=embedder.fingerprint,
            chunker=CHUNKER,
            corpus=corpus.digest,
            extras=extras_key,
            dimensions=embedder.dimensions,
            articles=len(contents.articles),
            passages=len(contents.rows),
            sizes={},
        )
        building = target.with_name(f"{version}.building")
        with _written_aside(building):
            _write(building, contents, embedder, manifest, progress)
            extras(building)
            write_manifest(building, manifest.model_copy(update={"sizes": file_sizes(building)}))
            carry_memory(index_dir, install(index_dir, building, version))
        write_pointer(index_dir, version)
        removed = prune(index_dir, keep)
    return _report(contents, manifest, known, embedded, removed)


@contextmanager
def _written_aside(building: Path) -> Iterator[None]:
    """Leaves nothing of a build that fails; one that can't be written raises `BuildError`."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise BuildError(
            f"The new index can't be written to {building.parent}: {reason}. What served before "
            "serves on. Free some space or check the rights there, then run `copilot index sync`."
        ) from error
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _report(
    contents: Contents,
    manifest: VersionManifest,
    known: Mapping[str, str],
    embedded: int,
    removed: tuple[str, ...],
) -> BuildReport:
    now = {row.id: row.digest for row in contents.rows}
    unchanged = sum(known.get(name) == digest for name, digest in now.items())
    return BuildReport(
        version=manifest.version,
        articles=manifest.articles,
        passages=manifest.passages,
        reused=False,
        added=len(now) - unchanged,
        unchanged=unchanged,
        deleted=len(known.keys() - now.keys()),
        embedded=embedded,
        removed_versions=removed,
    )


def _contents(corpus: Corpus, embedder: DocumentEmbedder) -> Contents:
    count, limit = embedder.count_tokens, embedder.max_tokens
    return arrange((a, chunks(a, count, limit), sentences(a)) for a in corpus.articles)


def texts_to_embed(corpus: Corpus, embedder: DocumentEmbedder) -> list[str]:
    """Every text that an index of this corpus needs a vector for, each once."""
    return list(dict.fromkeys(_texts(_contents(corpus, embedder))))


def _texts(contents: Contents) -> Iterator[str]:
    yield from (row.embedded for row in contents.rows)
    yield from (alias.text for alias in contents.aliases)
    yield from (sentence.text for _, sentence in contents.sentences)


def _known_passages(index_dir: Path) -> Mapping[str, str]:
    """Passages of the serving version, none where there is no version that can be read."""
    version = read_pointer(index_dir)
    if version is None or damage(version_dir(index_dir, version)) is not None:
        return {}
    try:
        return digests(version_dir(index_dir, version))
    except sqlite3.DatabaseError:
        return {}


def _write(
    folder: Path,
    contents: Contents,
    embedder: DocumentEmbedder,
    manifest: VersionManifest,
    progress: Progress | None,
) -> None:
    """Fill a folder so that it can be searched, and check that it can."""
    folder.mkdir()
    vectors = embedder.embed_documents([row.embedded for row in contents.rows], progress)
    aliases = embedder.embed_documents([alias.text for alias in contents.aliases], progress)
    said = embedder.embed_documents([s.text for _, s in contents.sentences], progress)
    write_shelf(folder, contents, ContentVectors(vectors, aliases, said))
    write_lexicon(folder / "lexical" / "rows", [row.embedded for row in contents.rows])
    write_lexicon(folder / "lexical" / "articles", [_whole(a) for a in contents.articles])
    write_manifest(folder, manifest)
    store_vectors(folder, vectors, progress=progress)


def store_vectors(
    folder: Path, vectors: Vectors, collection: str = PASSAGES, progress: Progress | None = None
) -> None:
    """Put vectors into a new vector store, and check that they are found there."""
    try:
        with VectorIndex(folder, collection, create=True) as index:
            index.add(vectors, progress)
            index.check(vectors)
    except ChromaError as error:
        raise OSError(f"the vector store failed with {type(error).__name__}") from error


def _whole(article: Article) -> str:
    """Everything an article says, as the lexical index of articles reads it."""
    aliases = [text for texts in article.aliases.values() for text in texts]
    said = [line for section in article.sections for line in (section.heading, section.text)]
    return "\n".join((article.title, *aliases, *said))


class VectorIndex:
    """The vectors of one version in Chroma. Ids are row numbers; nothing else is stored there.

    Filters are applied by the caller: Chroma's own cost with the number of rows that match.
    """

    def __init__(self, folder: Path, collection: str = PASSAGES, *, create: bool = False) -> None:
        path = folder / "chroma"
        if not create and not path.is_dir():
            raise IndexUnavailableError(
                f"The vector store {path} is missing. Build again with `copilot index sync`."
            )
        settings = Settings(anonymized_telemetry=False)
        try:
            self._client = chromadb.PersistentClient(path=str(path), settings=settings)
            self._collection = (
                self._client.create_collection(
                    collection,
                    embedding_function=None,
                    configuration={"hnsw": {"space": "cosine"}},
                )
                if create
                else self._client.get_collection(collection, embedding_function=None)
            )
            self.size = self._collection.count()
        except Exception as error:
            raise IndexUnavailableError(
                f"The vector store {path} can't be opened ({type(error).__name__}). "
                "Go back with `copilot index use VERSION` or build with `copilot index sync`."
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._client.close()  # type: ignore[attr-defined]  # Chroma's Client has it, its interface not

    def add(self, vectors: Vectors, progress: Progress | None = None) -> None:
        for start in range(0, len(vectors), _BATCH):
            batch = vectors[start : start + _BATCH]
            rows = range(start, start + len(batch))
            self._collection.add(ids=[str(row) for row in rows], embeddings=batch)
            if progress:
                progress("indexing passages", rows.stop, len(vectors))
        self.size = self._collection.count()

    def nearest(self, vector: Vectors, count: int) -> Rows:
        """Rows nearest to a vector, nearest first."""
        with _failing():
            return self._query(vector, count, [])[0]

    def near(self, vector: Vectors, count: int) -> tuple[Rows, Vectors]:
        """The same with their cosines."""
        with _failing():
            rows, found = self._query(vector, count, ["distances"])
            distances = found["distances"][0] if found else []
            return rows, np.float32(1) - np.array(distances, dtype=np.float32)

    def vectors(self) -> Vectors:
        """Every vector, in the order of rows."""
        with _failing():
            found = self._collection.get(include=["embeddings"])
            order = np.argsort(np.array(found["ids"], dtype=np.int64))
            return np.asarray(found["embeddings"], dtype=np.float32)[order]

    def _query(self, vector: Vectors, count: int, include: list[str]) -> tuple[Rows, Any]:
        count = min(count, self.size)
        if count < 1:
            return np.empty(0, dtype=np.int64), None
        found = self._collection.query(
            query_embeddings=vector[np.newaxis],
            n_results=count,
            include=include,  # type: ignore[arg-type]  # Chroma wants literals
        )
        return np.array([int(name) for name in found["ids"][0]], dtype=np.int64), found

    def check(self, vectors: Vectors) -> None:
        """Raise `BuildError` unless every row is there and samples find themselves.

        A few may not: the search is approximate, and a graph of very many near copies loses some.
        """
        if self.size != len(vectors):
            raise BuildError(
                f"The new index holds {self.size} rows, expected {len(vectors)}. The old version "
                "serves on; check the disk and build again."
            )
        samples = np.linspace(0, len(vectors) - 1, min(_SAMPLES, len(vectors)), dtype=int).tolist()
        lost = [row for row in samples if not self._finds(row, vectors)]
        if len(lost) > _LOST * len(samples):
            raise BuildError(
                f"The new index does not find row {lost[0]} by its own vector, nor "
                f"{len(lost) - 1} more of {len(samples)} samples. The old version serves on; "
                "check the disk and build again."
            )

    def _finds(self, row: int, vectors: Vectors) -> bool:
        near = self.nearest(vectors[row], 5).tolist()
        return any(float(vectors[n] @ vectors[row]) > _SAME for n in near)


@contextmanager
def _failing() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise IndexUnavailableError(
            f"The vector store failed ({type(error).__name__}). Go back with "
            "`copilot index use VERSION` or build again with `copilot index sync`."
        ) from error


_LOST = 0.2
"""Share of the samples that may not be found."""
_SAME = 0.999
