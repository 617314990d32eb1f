"""Does a stated confidence mean anything? Expected calibration error and ranking power."""

from collections.abc import Sequence
from typing import NamedTuple

_BINS = 10


class Bin(NamedTuple):
    """Replies of about the same confidence."""

    confidence: float
    share_right: float
    n: int


def bins(
    confidences: Sequence[float], right: Sequence[bool], number: int = _BINS
) -> tuple[Bin, ...]:
    """Bins of equal width that hold at least one reply, from the least sure on."""
    members: dict[int, list[tuple[float, bool]]] = {}
    for confidence, was in zip(confidences, right, strict=True):
        members.setdefault(min(int(confidence * number), number - 1), []).append((confidence, was))
    return tuple(
        Bin(sum(c for c, _ in held) / len(held), sum(r for _, r in held) / len(held), len(held))
        for _, held in sorted(members.items())
    )


def ece(confidences: Sequence[float], right: Sequence[bool], number: int = _BINS) -> float | None:
    """The mean distance between confidence and share right, over bins by their size."""
    if not confidences:
        return None
    held = bins(confidences, right, number)
    return sum(b.n * abs(b.confidence - b.share_right) for b in held) / len(confidences)


def auroc(confidences: Sequence[float], right: Sequence[bool]) -> float | None:
    """The chance that a right reply is surer than a wrong one; ties count half."""
    import numpy as np

    sure, good = np.asarray(confidences, dtype=float), np.asarray(right, dtype=bool)
    wins, losses = int(good.sum()), int((~good).sum())
    if not wins or not losses:
        return None
    _, places, counts = np.unique(sure, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    return float((ranks[good].sum() - wins * (wins + 1) / 2) / (wins * losses))
