"""Shares: Wilson and exact intervals. Wald is not on offer: it fails where rates are near 0 or 1."""

from math import sqrt

from evals.stats.values import Interval

_LEVEL = 0.95


def wilson(events: float, n: float, *, level: float = _LEVEL) -> Interval:
    """Wilson's interval. `n` may be a sample size divided by a design effect, and so no whole number."""
    from statistics import NormalDist

    _within(events, n)
    z = NormalDist().inv_cdf(0.5 + level / 2)
    share, z2 = events / n, z * z
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = z * sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    low = 0.0 if events == 0 else max(0.0, centre - half)
    high = 1.0 if events == n else min(1.0, centre + half)
    return Interval(low, high, "Wilson", level)


def exact(events: int, n: int, *, level: float = _LEVEL) -> Interval:
    """Clopper and Pearson's interval; it never covers less than it says."""
    from scipy.special import betaincinv

    _within(events, n)
    tail = (1 - level) / 2
    low = 0.0 if events == 0 else float(betaincinv(events, n - events + 1, tail))
    high = 1.0 if events == n else float(betaincinv(events + 1, n - events, 1 - tail))
    return Interval(low, high, "exact (Clopper-Pearson)", level)


def exact_upper(events: int, n: int, *, level: float = _LEVEL) -> float:
    """The one-sided exact bound: with 0 of 500 events at most 0.6 % are true (level 95 %)."""
    from scipy.special import betaincinv

    _within(events, n)
    return 1.0 if events == n else float(betaincinv(events + 1, n - events, level))


def exact_lower(events: int, n: int, *, level: float = _LEVEL) -> float:
    """The one-sided exact bound from below: 500 of 500 are at least 99.4 % (level 95 %)."""
    return 1 - exact_upper(n - events, n, level=level)


def _within(events: float, n: float) -> None:
    if n <= 0 or not 0 <= events <= n:
        raise ValueError(f"{events} events of {n} are no share. Give 0 <= events <= n and n > 0.")
