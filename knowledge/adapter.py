"""A small change to an embedding model's weights, kept as data: low-rank matrices for its linear layers.

The adapted model tells apart what people ask for; the plain one stays the one that searches. Numpy
only: `knowledge.tuning` makes an adapter, `knowledge.export` adds it to the weights.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

SHIPPED = Path(__file__).parent / "bundled" / "adapters"
"""One file a base model, named by the fingerprint of its weights."""

Matrix = NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class Adapter:
    """For each linear layer, by its name in the encoder, two factors of what is added to its weights."""

    factors: Mapping[str, tuple[Matrix, Matrix]]
    """Shapes (outputs, rank) and (rank, inputs)."""

    def changes(self) -> Iterator[tuple[str, NDArray[np.float32]]]:
        """What is added to the weights of each layer, shape (outputs, inputs)."""
        for layer, (up, down) in self.factors.items():
            yield layer, up.astype(np.float32) @ down.astype(np.float32)

    @property
    def digest(self) -> str:
        found = hashlib.sha256()
        for layer, (up, down) in sorted(self.factors.items()):
            found.update(f"{layer} {up.shape} {down.shape}\n".encode())
            found.update(up.tobytes() + down.tobytes())
        return found.hexdigest()

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays = {
            f"{layer}:{side}": matrix
            for layer, pair in self.factors.items()
            for side, matrix in zip(("up", "down"), pair, strict=True)
        }
        with path.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path) -> Self:
        with np.load(path, allow_pickle=False) as stored:
            layers = sorted({name.rpartition(":")[0] for name in stored.files})
            return cls({name: (stored[f"{name}:up"], stored[f"{name}:down"]) for name in layers})


def shipped_adapter(fingerprint: str, folder: Path = SHIPPED) -> Adapter | None:
    """The adapter of the base model with this fingerprint, `None` where there is none for it."""
    path = folder / f"{fingerprint}.npz"
    return Adapter.load(path) if path.is_file() else None


def tuned_fingerprint(fingerprint: str, adapter: Adapter) -> str:
    """Names the vectors of the base model with the adapter."""
    return hashlib.sha256(f"{fingerprint} {adapter.digest}".encode()).hexdigest()[:16]


def tuned_name(model: str) -> str:
    """How the export of a model with its adapter is called."""
    return f"{model}+adapter"
