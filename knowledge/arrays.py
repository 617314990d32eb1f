"""Arrays of an index version that are read from their file row by row.

A mapped file would count as the process's memory, page by page, until it is all there.
"""

import os
from itertools import pairwise
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

Scalar = TypeVar("Scalar", bound=np.generic)
Rows = NDArray[np.int64]


class ArrayFile(Generic[Scalar]):
    """Rows of an array file: a small one in memory, of a large one only what is asked for."""

    def __init__(self, path: Path, kind: type[Scalar], *, held_bytes: int) -> None:
        mapped = np.load(path, mmap_mode="r")
        if mapped.dtype != kind:
            raise ValueError(f"{path.name} holds no numbers of the kind {kind.__name__}")
        self.shape: tuple[int, ...] = mapped.shape
        self._kind = mapped.dtype
        self._width = mapped.dtype.itemsize * int(np.prod(mapped.shape[1:], dtype=np.int64))
        self._held: NDArray[Scalar] | None = (
            np.array(mapped) if mapped.nbytes <= held_bytes else None
        )
        self._start = mapped.offset
        self._file = path.open("rb", buffering=0)

    def __len__(self) -> int:
        return self.shape[0]

    def read(self, rows: Rows) -> NDArray[Scalar]:
        """Some rows, given in ascending order."""
        if self._held is not None:
            return self._held[rows]
        found = np.empty((len(rows), *self.shape[1:]), dtype=self._kind)
        breaks = np.flatnonzero(np.diff(rows) != 1) + 1
        for begin, end in pairwise([0, *breaks.tolist(), len(rows)]):
            if end > begin:
                first = int(rows[begin])
                found[begin:end] = self.span(first, first + end - begin)
        return found

    def span(self, first: int, end: int) -> NDArray[Scalar]:
        """The rows from `first` up to `end`, as a view that must not be written to."""
        if self._held is not None:
            return self._held[first:end]
        wanted = (end - first) * self._width
        data = os.pread(self._file.fileno(), wanted, self._start + first * self._width)
        if len(data) != wanted:
            raise OSError(f"{self._file.name} ends before row {end}")
        read = np.frombuffer(data, dtype=self._kind).reshape(-1, *self.shape[1:])
        return cast("NDArray[Any]", read)

    def close(self) -> None:
        self._file.close()
