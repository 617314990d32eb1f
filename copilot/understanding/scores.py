"""The number type of the classifiers and what they all compute with."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def log_softmax(scores: Floats) -> Floats:
    top = scores - scores.max()
    return np.asarray(top - np.log(np.exp(top).sum()), dtype=np.float32)
