"""Makes memory versions of confirmed resolutions, and removes what must be forgotten.

<index>/memory/<id>/              a complete memory, never changed
<index>/versions/<id>/memory      the memory that an index version was used with, swapped by one rename
"""

import hashlib
import shutil
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from knowledge.index import BuildError, VectorIndex, store_vectors
from knowledge.memory import (
    COLLECTION,
    MANIFEST,
    Entry,
    MemoryManifest,
    memories_dir,
    read_memory,
)
from knowledge.versions import (
    IndexUnavailableError,
    UnknownVersionError,
    list_versions,
    owning,
    read_manifest,
    read_pointer,
    state_memory,
    version_dir,
    write_durably,
)
from knowledge.voting import learn_trust

Vectors = NDArray[np.float32]

LAYOUT = "1"
"""Version of the files in a memory's folder."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """A ticket that a person said was solved by these articles."""

    seq: int
    """Its place among all confirmations and withdrawals."""
    ticket: str
    problem: str
    """What the employee wrote, redacted."""
    articles: tuple[str, ...]
    audience: tuple[str, ...]
    """Groups whose members may profit from it."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What happened since a cursor; of each ticket only how it ended."""

    cursor: int
    confirmed: tuple[Resolution, ...] = ()
    withdrawn: frozenset[str] = frozenset()
    """Tickets whose resolution counts no more."""
    forgotten: frozenset[str] = frozenset()
    """Tickets of which no memory may keep anything, not even one that is kept for rolling back."""

    @property
    def gone(self) -> frozenset[str]:
        return self.withdrawn | self.forgotten

    def __bool__(self) -> bool:
        return bool(self.confirmed or self.gone)


class ProblemEmbedder(Protocol):
    """What a memory needs of `knowledge.embedding.Embedder`: problems are read as questions are."""

    @property
    def fingerprint(self) -> str: ...

    @property
    def dimensions(self) -> int: ...

    def embed_queries(self, texts: Sequence[str]) -> Vectors: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """How a memory is made."""

    neighbours: int = 20
    """Resolved tickets that speak for articles at a question."""
    size: int = 5_000
    """Latest resolutions that are remembered."""
    keep: int = 3
    """Memories kept for rolling back."""


class DamagedMemoryError(Exception):
    """The newest memory can't be read; it was removed, and all resolutions are needed again."""


def cursor_of(index_dir: Path, model: str, limits: Limits) -> int:
    """Where the newest memory stands; 0 when all resolutions have to be read (again)."""
    newest = _newest(index_dir, model, limits)
    return newest.cursor if newest else 0


def take_in(
    index_dir: Path, changes: Changes, embedder: ProblemEmbedder, limits: Limits
) -> str | None:
    """Make a memory of the newest one and the changes, and use the serving index with it.

    `None` while nothing was ever confirmed. Without changes the memory in use stays: one that was rolled
    back to is overtaken by the next change only.
    """
    base = _newest(index_dir, embedder.fingerprint, limits)
    if base is None and not changes.confirmed:
        _drop(index_dir, changes.forgotten)
        _tidy(index_dir)
        return None
    memories_dir(index_dir).mkdir(parents=True, exist_ok=True)
    with owning(memories_dir(index_dir)):
        _tidy(index_dir)
        newest = _build(index_dir, base, changes, embedder, limits) if changes or not base else base
        _state(index_dir, newest, swap=bool(changes))
        _prune(index_dir, limits.keep)
    return newest.version


def use_memory(index_dir: Path, memory: str) -> None:
    """Use the serving index version with another kept memory, or `UnknownVersionError`."""
    known = {manifest.version: manifest for manifest in _memories(index_dir)}
    if memory not in known:
        kept = ", ".join(sorted(known)) or "none"
        raise UnknownVersionError(f"Ticket memory {memory!r} is unknown. Memories here: {kept}.")
    folder = version_dir(index_dir, read_pointer(index_dir) or "none")
    serving = read_manifest(folder)
    if serving is None or serving.model != known[memory].model:
        raise UnknownVersionError(
            f"Ticket memory {memory!r} was made with another embedding model than the serving index."
        )
    state_memory(folder, memory)


def _build(
    index_dir: Path,
    base: MemoryManifest | None,
    changes: Changes,
    embedder: ProblemEmbedder,
    limits: Limits,
) -> MemoryManifest:
    replaced = changes.gone | {resolution.ticket for resolution in changes.confirmed}
    entries, vectors = _kept(index_dir, base, replaced, embedder.dimensions)
    fresh = sorted(changes.confirmed, key=lambda resolution: resolution.seq)[-limits.size :]
    read = embedder.embed_queries([resolution.problem for resolution in fresh])
    entries += [
        Entry(seq=r.seq, ticket=r.ticket, articles=r.articles, audience=r.audience) for r in fresh
    ]
    entries, vectors = entries[-limits.size :], np.concatenate([vectors, read])[-limits.size :]
    parts = (LAYOUT, embedder.fingerprint, limits.neighbours, changes.cursor, entries)
    manifest = MemoryManifest(
        version=hashlib.sha256(repr(parts).encode()).hexdigest()[:12],
        number=1 + max((known.number for known in _memories(index_dir)), default=0),
        model=embedder.fingerprint,
        neighbours=limits.neighbours,
        cursor=changes.cursor,
        entries=tuple(entries),
        trust=learn_trust(vectors, [entry.articles for entry in entries], limits.neighbours),
    )
    # First what must be forgotten goes: whatever happens to the new memory, and whenever this is killed,
    # either it is gone or the cursor still stands before the word to forget it.
    _drop(index_dir, changes.forgotten)
    _write(memories_dir(index_dir) / manifest.version, manifest, vectors)
    return manifest


def _kept(
    index_dir: Path, base: MemoryManifest | None, replaced: frozenset[str], dimensions: int
) -> tuple[list[Entry], Vectors]:
    """What goes over from the newest memory. Its vectors are read, so that nothing is embedded twice."""
    if base is None or not base.entries:
        return [], np.zeros((0, dimensions), dtype=np.float32)
    folder = memories_dir(index_dir) / base.version
    vectors = _stored(folder)
    if len(vectors) != len(base.entries):
        shutil.rmtree(folder, ignore_errors=True)
        raise DamagedMemoryError(
            f"The ticket memory {base.version} is damaged and was removed. Read all resolutions again."
        )
    rows = [row for row, entry in enumerate(base.entries) if entry.ticket not in replaced]
    return [base.entries[row] for row in rows], vectors[rows]


def _stored(folder: Path) -> Vectors:
    """The vectors of a memory, none where they can't be read."""
    try:
        with VectorIndex(folder, COLLECTION) as index:
            return index.vectors()
    except IndexUnavailableError:
        return np.zeros((0, 0), dtype=np.float32)


def _write(folder: Path, manifest: MemoryManifest, vectors: Vectors) -> None:
    building = folder.with_name(f"{folder.name}.building")
    try:
        building.mkdir()
        store_vectors(building, vectors, COLLECTION)
        write_durably(building / MANIFEST, manifest.model_dump_json())
        shutil.rmtree(folder, ignore_errors=True)
        building.replace(folder)
    except (OSError, sqlite3.Error, IndexUnavailableError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise BuildError(
            f"The new ticket memory can't be written to {folder.parent}: {reason}. The one before "
            "serves on. Free some space or check the rights there."
        ) from error
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _drop(index_dir: Path, forgotten: frozenset[str]) -> None:
    """Remove every memory that holds a forgotten ticket: Chroma keeps the bytes of deleted vectors."""
    for manifest in _memories(index_dir):
        if any(entry.ticket in forgotten for entry in manifest.entries):
            shutil.rmtree(memories_dir(index_dir) / manifest.version)


def _tidy(index_dir: Path) -> None:
    """Clear what a crash left half built or half removed, and what can't be read."""
    there = {manifest.version for manifest in _memories(index_dir)}
    for folder in memories_dir(index_dir).glob("*/"):
        if folder.name not in there:
            shutil.rmtree(folder, ignore_errors=True)


def _state(index_dir: Path, newest: MemoryManifest, *, swap: bool) -> None:
    """Use the serving index version with the newest memory, and those whose own is gone as well."""
    serving = read_pointer(index_dir)
    there = {manifest.version for manifest in _memories(index_dir)}
    for version in list_versions(index_dir):
        folder = version_dir(index_dir, version.id)
        manifest = read_manifest(folder)
        lost = version.memory not in there and (version.memory or version.id == serving)
        if lost or (swap and version.id == serving):
            fits = manifest is not None and manifest.model == newest.model
            state_memory(folder, newest.version if fits else None)


def _prune(index_dir: Path, keep: int) -> None:
    """Remove memories beyond the newest, never one that an index version is used with."""
    used = {version.memory for version in list_versions(index_dir)}
    for manifest in _memories(index_dir)[keep:]:
        if manifest.version not in used:
            shutil.rmtree(memories_dir(index_dir) / manifest.version, ignore_errors=True)


def _newest(index_dir: Path, model: str, limits: Limits) -> MemoryManifest | None:
    made_alike = (model, limits.neighbours)
    alike = (m for m in _memories(index_dir) if (m.model, m.neighbours) == made_alike)
    return next(alike, None)


def _memories(index_dir: Path) -> list[MemoryManifest]:
    """Every complete memory, newest first."""
    folders = memories_dir(index_dir).glob("*/")
    found = [m for folder in folders if (m := read_memory(folder)) is not None]
    return sorted(found, key=lambda manifest: -manifest.number)
