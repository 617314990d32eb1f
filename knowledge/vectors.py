"""Vectors kept by model fingerprint and text, so that nothing is embedded twice."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

BUNDLED = Path(__file__).parent / "bundled"
"""Vectors of the shipped articles, one file a fingerprint. Never written by the running product."""


def text_key(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


class VectorStore:
    """Reads the bundled file and its own; writes its own, whole and atomically, on `save`.

    Vectors are kept in half precision, which costs no quality, and come back as float32.
    """

    def __init__(
        self, fingerprint: str, folder: Path | None, bundled: Path | None = BUNDLED
    ) -> None:
        self._own = folder / f"{fingerprint}.npz" if folder else None
        self._known: dict[bytes, NDArray[np.float16]] = {}
        self._bundled_keys: frozenset[bytes] = frozenset()
        if bundled is not None:
            self._known.update(read_vectors(bundled / f"{fingerprint}.npz"))
            self._bundled_keys = frozenset(self._known)
        if self._own is not None:
            self._known.update(read_vectors(self._own))
        self._fresh: dict[bytes, NDArray[np.float16]] = {}

    def __len__(self) -> int:
        return len(self._known)

    def __contains__(self, text: str) -> bool:
        return text_key(text) in self._known

    def get(self, texts: Sequence[str]) -> list[Vectors | None]:
        found = (self._known.get(text_key(text)) for text in texts)
        return [None if vector is None else vector.astype(np.float32) for vector in found]

    def put(self, texts: Sequence[str], vectors: Vectors) -> None:
        for text, vector in zip(texts, vectors, strict=True):
            key = text_key(text)
            self._known[key] = self._fresh[key] = vector.astype(np.float16)

    def save(self) -> int:
        """Write what is new beside what other processes wrote meanwhile; how many were new."""
        count = len(self._fresh)
        if self._own is None or not self._fresh:
            return count
        self._own.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self._own.with_suffix(".lock")):
            write_vectors(self._own, read_vectors(self._own) | self._fresh)
        self._fresh = {}
        return count

    def keep_only(self, texts: Sequence[str]) -> int:
        """Drop vectors of texts that are not served any more from the own file; how many went."""
        if self._own is None or not self._own.exists():
            return 0
        wanted = {text_key(text) for text in texts} - self._bundled_keys
        with FileLock(self._own.with_suffix(".lock")):
            there = read_vectors(self._own)
            kept = {key: vector for key, vector in there.items() if key in wanted}
            if len(kept) < len(there):
                write_vectors(self._own, kept)
        return len(there) - len(kept)


def read_vectors(path: Path) -> dict[bytes, NDArray[np.float16]]:
    """Vectors by key; none where the file is missing or damaged, since all can be made again."""
    try:
        with np.load(path, allow_pickle=False) as file:
            keys, vectors = file["keys"], file["vectors"]
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return {}
    if len(keys) != len(vectors) or keys.dtype != np.uint8 or vectors.dtype != np.float16:
        return {}
    return {key.tobytes(): vector for key, vector in zip(keys, vectors, strict=True)}


def write_vectors(path: Path, vectors: Mapping[bytes, NDArray[np.float16]]) -> None:
    """Write aside and swap, ordered by key, so that equal contents give equal files."""
    keys = sorted(vectors)
    table = np.array([np.frombuffer(key, dtype=np.uint8) for key in keys], dtype=np.uint8)
    values = np.array([vectors[key] for key in keys], dtype=np.float16)
    aside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with aside.open("wb") as file:
            np.savez(file, keys=table.reshape(len(keys), 32), vectors=values)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
