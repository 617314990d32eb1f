"""Is one system better than another on the same cases? Paired, and by whole incident families."""

from collections.abc import Sequence
from math import ceil, sqrt
from typing import TYPE_CHECKING

from evals.stats.resampling import RESAMPLES, Resampling
from evals.stats.values import Difference, Interval, Verdict

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_DETECTING = 2.8015852  # normal quantiles: 0.975 and, for power 0.8, 0.8
_ENUMERATED = 13
_LEVEL = 0.95


def paired(first: "Floats", second: "Floats", draws: Resampling) -> Difference:
    """`first` minus `second`, on the cases where both have a value (neither is nan)."""
    import numpy as np

    each = np.asarray(first, dtype=float) - np.asarray(second, dtype=float)
    mean = draws.mean(each)
    if mean.value is None or mean.interval is None:
        error = mean.error
        return Difference(mean.value, None, mean.n, mean.clusters, None, error, None)
    p = sign_flips(draws.contributions(each), seed=draws.seed)
    detectable = _DETECTING * mean.error if mean.error is not None else None
    return Difference(mean.value, mean.interval, mean.n, mean.clusters, p, mean.error, detectable)


def sign_flips(parts: "Floats", *, seed: int, flips: int = RESAMPLES) -> float:
    """Two-sided p that the parts, one a cluster, sum to zero; exact for few of them."""
    import numpy as np

    moving = np.asarray(parts, dtype=float)
    moving = moving[moving != 0]
    if not len(moving):
        return 1.0
    observed = abs(moving.sum())
    slack = 1e-9 * np.abs(moving).sum()
    if len(moving) <= _ENUMERATED:
        numbers = np.arange(2 ** len(moving))[:, None]
        signs = 1.0 - 2.0 * ((numbers >> np.arange(len(moving))) & 1)
        return float((np.abs(signs @ moving) >= observed - slack).mean())
    generator = np.random.default_rng(seed)
    bits = generator.integers(0, 2, size=(flips, len(moving)), dtype=np.int8)
    sums = np.abs(moving.sum() - 2 * (bits @ moving))
    return float((1 + (sums >= observed - slack).sum()) / (flips + 1))


def verdict(interval: Interval | None, margin: float, *, higher_is_better: bool = True) -> Verdict:
    """What an interval of a difference says, given the margin declared before the run."""
    if interval is None:
        return "cannot tell"
    low, high = interval.low, interval.high
    if not higher_is_better:
        low, high = -high, -low
    if low > 0:
        return "better"
    if low >= -margin:
        return "not worse"
    return "worse" if high < 0 else "cannot tell"


def settling(difference: Difference, margin: float) -> int | None:
    """Cases after which a difference as large as the margin would be found with power 0.8."""
    if not difference.detectable or margin <= 0:
        return None
    return max(difference.n, ceil(difference.n * (difference.detectable / margin) ** 2))


def detectable(spread: float, n: int, *, correlation: float | None = None) -> float:
    """The smallest difference that n cases find (two-sided 0.05, power 0.8).

    `spread` is the standard deviation of one system's values; `correlation` that of two systems on the
    same cases; `None`: the systems answer different cases.
    """
    variance = 2 * spread**2 * (1 - (correlation or 0.0))
    return _DETECTING * sqrt(variance / n)


def holm(ps: Sequence[float]) -> tuple[float, ...]:
    """Holm's adjusted p-values, in the order given."""
    order = sorted(range(len(ps)), key=lambda i: ps[i])
    adjusted, running = [0.0] * len(ps), 0.0
    for rank, i in enumerate(order):
        running = max(running, min(1.0, (len(ps) - rank) * ps[i]))
        adjusted[i] = running
    return tuple(adjusted)


def benjamini_hochberg(ps: Sequence[float]) -> tuple[float, ...]:
    """The false discovery rate q of each, in the order given."""
    order = sorted(range(len(ps)), key=lambda i: ps[i], reverse=True)
    adjusted, running = [0.0] * len(ps), 1.0
    for rank, i in enumerate(order):
        running = min(running, ps[i] * len(ps) / (len(ps) - rank))
        adjusted[i] = running
    return tuple(adjusted)
