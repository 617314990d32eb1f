"""A mean that a judge decides on all cases and people on some: PPI++ (prediction-powered inference)."""

from typing import TYPE_CHECKING

from evals.stats.values import Estimate, Interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_LEVEL = 0.95
_FEWEST = 2


def corrected_mean(human: "Floats", judge: "Floats", judge_alone: "Floats") -> Estimate:
    """People and judge on the same cases, and the judge alone on the rest.

    The judge's share in it is tuned to the data: a useless judge changes nothing, a biased one does not
    move the mean. Read a bootstrap beside it when people labelled fewer than 50 cases.
    """
    from statistics import NormalDist

    import numpy as np

    y, f, rest = (np.asarray(x, dtype=float) for x in (human, judge, judge_alone))
    if len(y) != len(f) or len(y) < _FEWEST or len(rest) < _FEWEST:
        raise ValueError(
            f"{len(y)} labels of people for {len(f)} of the judge, {len(rest)} cases of the judge alone. "
            "Give pairs, and at least two of each."
        )
    n, m = len(y), len(rest)
    every = np.concatenate([f, rest]).var(ddof=1)
    covariance = np.cov(y, f, ddof=1)[0, 1]
    trust = 0.0 if every == 0 else float(np.clip(covariance / ((1 + n / m) * every), 0.0, 1.0))
    value = float(trust * rest.mean() + (y - trust * f).mean())
    variance = trust**2 * rest.var(ddof=1) / m + (y - trust * f).var(ddof=1) / n
    error = float(np.sqrt(variance))
    half = NormalDist().inv_cdf(0.5 + _LEVEL / 2) * error
    interval = Interval(value - half, value + half, "PPI++")
    return Estimate(value, interval, n + m, n, error, note=f"trust in the judge {trust:.2f}")
