"""Percentiles with intervals that assume no shape, and slices drawn towards the whole."""

from collections.abc import Sequence
from math import ceil, floor

from evals.stats.values import Estimate, Interval

_LEVEL = 0.95


def percentile(values: Sequence[float], share: float) -> Estimate:
    """A percentile; its interval lies between two order statistics (binomial)."""
    n = len(values)
    if not n:
        return Estimate(None, None, 0, 0, note="Nothing was measured.")
    from scipy.special import bdtrik

    ordered = sorted(values)
    place = share * (n - 1)
    under, over = ordered[floor(place)], ordered[ceil(place)]
    value = under + (over - under) * (place - floor(place))
    low = int(max(0, ceil(float(bdtrik((1 - _LEVEL) / 2, n, share))) - 1))
    high = int(min(n - 1, ceil(float(bdtrik((1 + _LEVEL) / 2, n, share)))))
    interval = Interval(min(ordered[low], value), max(ordered[high], value), "order statistics")
    return Estimate(value, interval, n, n)


def shrunk(
    means: Sequence[float], errors: Sequence[float | None], whole: float
) -> tuple[float | None, ...]:
    """Means of slices drawn to the whole's by how little each knows (empirical Bayes).

    A slice without an error of its own can't be weighed and stays `None`.
    """
    known = [(m, e**2) for m, e in zip(means, errors, strict=True) if e is not None and e > 0]
    between = _between(known)
    return tuple(
        None if e is None else whole + (m - whole) * _keep(between, e**2)
        for m, e in zip(means, errors, strict=True)
    )


def _keep(between: float, own: float) -> float:
    return 1.0 if own == 0 else between / (between + own)


def _between(known: Sequence[tuple[float, float]]) -> float:
    """DerSimonian and Laird's variance between slices."""
    if len(known) < _FEWEST:
        return 0.0
    weights = [1 / variance for _, variance in known]
    total = sum(weights)
    centre = sum(w * m for w, (m, _) in zip(weights, known, strict=True)) / total
    q = sum(w * (m - centre) ** 2 for w, (m, _) in zip(weights, known, strict=True))
    scale = total - sum(w * w for w in weights) / total
    # One slice that is all but certain outweighs the rest; nothing is known between slices then.
    return max(0.0, (q - (len(known) - 1)) / scale) if scale > 0 else 0.0


_FEWEST = 2
