"""The memory that serves: confirmed resolutions as vectors in Chroma, and which articles they speak for.

A memory is a folder below the index that is never changed, `<index>/memory/<id>`. It holds vectors, ids
of articles and who may profit from them, and no text: nothing of a ticket can be quoted from it.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from knowledge.findings import Reader
from knowledge.index import VectorIndex
from knowledge.shelf import Card
from knowledge.versions import IndexUnavailableError
from knowledge.voting import chance, strengths

Vector = NDArray[np.float32]
Flags = NDArray[np.bool_]

COLLECTION = "resolutions"
MANIFEST = "memory.json"
_DEEPER = 4
"""Times the neighbours, since some of the nearest may not count for the reader."""


class Entry(BaseModel):
    """A resolved ticket without its words. Its row in the vector store is its place in the list."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seq: int
    ticket: str
    articles: tuple[str, ...]
    audience: tuple[str, ...]


class MemoryManifest(BaseModel):
    """What a memory says of itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    number: int
    """Counts up in one index folder."""
    model: str
    """Fingerprint of the embedding model."""
    neighbours: int
    cursor: int
    """The last confirmation or withdrawal that it knows of."""
    entries: tuple[Entry, ...]
    """In the order of their confirmation."""
    trust: tuple[float, ...]
    """What each strength of a vote is worth, see `knowledge.voting`."""


def memories_dir(index_dir: Path) -> Path:
    return index_dir / "memory"


def read_memory(folder: Path) -> MemoryManifest | None:
    """What a memory says of itself, `None` where it is missing or damaged."""
    try:
        manifest = MemoryManifest.model_validate_json((folder / MANIFEST).read_bytes())
    except (OSError, ValidationError):
        return None
    return manifest if manifest.version == folder.name else None


class Memory:
    """An open memory beside the articles of an index version."""

    def __init__(self, folder: Path, model: str, cards: Sequence[Card]) -> None:
        manifest = read_memory(folder)
        if manifest is None or manifest.model != model:
            raise IndexUnavailableError(
                f"The ticket memory {folder} is missing, damaged or of another embedding model. "
                "Search goes on without it; the next resolved ticket builds it again."
            )
        self.manifest = manifest
        self._cards = cards
        self._number_of = {card.id: number for number, card in enumerate(cards)}
        self._index = VectorIndex(folder, COLLECTION)
        if self._index.size != len(manifest.entries):
            self._index.close()
            raise IndexUnavailableError(
                f"The ticket memory {folder} holds {self._index.size} vectors, expected "
                f"{len(manifest.entries)}. Search goes on without it; the next resolved ticket "
                "builds it again."
            )
        self._visible = lru_cache(maxsize=64)(self._visible_to)

    @property
    def version(self) -> str:
        return self.manifest.version

    def close(self) -> None:
        self._index.close()

    def votes(self, vector: Vector, reader: Reader) -> Mapping[int, float]:
        """How likely an article helps, by its number; only what this reader may profit from counts."""
        entries, visible = self.manifest.entries, self._visible(reader)
        wanted = min(self.manifest.neighbours, int(visible.sum()))
        if not wanted:
            return {}
        for depth in (wanted, wanted * _DEEPER, len(entries)):
            rows, cosines = self._index.near(vector, depth)
            seen = visible[rows]
            if seen.sum() >= wanted:
                break
        near = rows[seen][:wanted].tolist()
        found = strengths(cosines[seen][:wanted], [entries[row].articles for row in near])
        chances = {name: chance(strength, self.manifest.trust) for name, strength in found.items()}
        return {
            self._number_of[name]: value
            for name, value in chances.items()
            if value > 0 and name in self._number_of
        }

    def _visible_to(self, reader: Reader) -> Flags:
        """Resolutions of tickets that are for the reader, by articles that they have a right to."""
        hidden = {card.id for card in self._cards if reader.groups.isdisjoint(card.audience)}
        return np.array(
            [
                not reader.groups.isdisjoint(entry.audience) and hidden.isdisjoint(entry.articles)
                for entry in self.manifest.entries
            ],
            dtype=np.bool_,
        )
