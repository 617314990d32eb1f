"""Does a stated confidence mean anything? Expected calibration error and ranking power."""

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from evals.stats.values import Interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_BINS = 10
_LEVELS = (0.025, 0.975)
_RESAMPLES = 1_000


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


def confidence_intervals(
    confidences: Sequence[float],
    right: Sequence[bool],
    clusters: Sequence[Hashable],
    *,
    seed: int,
    resamples: int = _RESAMPLES,
) -> tuple[Interval | None, Interval | None]:
    """Bootstrap over clusters for calibration error and ranking power."""
    import numpy as np

    sure, good = np.asarray(confidences, dtype=float), np.asarray(right, dtype=bool)
    numbers: dict[Hashable, int] = {}
    owner = np.array([numbers.setdefault(cluster, len(numbers)) for cluster in clusters])
    generator = np.random.default_rng(seed)
    size = len(numbers)
    counts = generator.multinomial(size, np.full(size, 1 / size), size=resamples)
    order = np.argsort(sure, kind="stable")
    weights = counts[:, owner[order]].astype(float)
    errors = _weighted_errors(sure[order], good[order], weights)
    return _interval(errors), _interval(_weighted_ranking(sure[order], good[order], weights))


def _weighted_errors(sure: "Floats", good: "np.ndarray", weights: "Floats") -> "Floats":
    import numpy as np

    place = np.minimum((sure * _BINS).astype(int), _BINS - 1)
    gaps = np.eye(_BINS)[place] * (sure - good)[:, None]
    errors: Floats = np.abs(weights @ gaps).sum(axis=1) / weights.sum(axis=1)
    return errors


def _weighted_ranking(sure: "Floats", good: "np.ndarray", weights: "Floats") -> "Floats":
    """`sure` is sorted. Resamples without a right or without a wrong reply say nothing."""
    import numpy as np

    starts = np.flatnonzero(np.r_[True, np.diff(sure) > 0])
    wins = np.add.reduceat(weights * good, starts, axis=1)
    losses = np.add.reduceat(weights * ~good, starts, axis=1)
    below = np.cumsum(losses, axis=1) - losses / 2
    pairs = wins.sum(axis=1) * losses.sum(axis=1)
    told = pairs > 0
    shares: Floats = (wins * below).sum(axis=1)[told] / pairs[told]
    return shares


def _interval(drawn: "Floats") -> Interval | None:
    import numpy as np

    if not len(drawn):
        return None
    low, high = np.quantile(drawn, _LEVELS)
    return Interval(float(low), float(high), "cluster bootstrap")
