"""Products of many small counts with a few columns, in blocks that fit a cache.

A block is also too small for BLAS to start threads, which on a busy machine cost ten times the product.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Counts = NDArray[np.uint8]

_CELLS = 100_000


def product(counts: "Counts | Floats", columns: "Floats") -> "Floats":
    """`counts @ columns`."""
    import numpy as np

    if columns.shape[1] == 1:  # a single one would take BLAS's other, more eagerly threaded way
        return product(counts, np.hstack([columns, columns]))[:, :1]
    rows, width = counts.shape
    step = max(1, _CELLS // max(1, width * columns.shape[1]))
    found = np.empty((rows, columns.shape[1]))
    for start in range(0, rows, step):
        block = counts[start : start + step].astype(np.float64)
        np.matmul(block, columns, out=found[start : start + step])
    return found
