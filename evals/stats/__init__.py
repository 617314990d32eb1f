"""The figures: intervals, resampling, paired differences, repeats. numpy and scipy load on first use.

`resampling` is drawn once for a set of cases; its `mean`, `rate` and `ratio` give an `Estimate` each,
and `paired` a `Difference`. Everything is seeded.
"""

from evals.stats.confidence import Bin, auroc, bins, confidence_intervals, ece
from evals.stats.differences import (
    benjamini_hochberg,
    detectable,
    holm,
    paired,
    settling,
    sign_flips,
    verdict,
)
from evals.stats.judged import corrected_mean
from evals.stats.rates import exact, exact_lower, exact_upper, wilson
from evals.stats.repeats import cvar, flipped, icc, pass_k, within_variance, worst
from evals.stats.resampling import FEW_CLUSTERS, RESAMPLES, Resampling, resampling
from evals.stats.spread import percentile, shrunk
from evals.stats.values import Difference, Estimate, Interval, Verdict

__all__ = [
    "FEW_CLUSTERS",
    "RESAMPLES",
    "Bin",
    "Difference",
    "Estimate",
    "Interval",
    "Resampling",
    "Verdict",
    "auroc",
    "benjamini_hochberg",
    "bins",
    "confidence_intervals",
    "corrected_mean",
    "cvar",
    "detectable",
    "ece",
    "exact",
    "exact_lower",
    "exact_upper",
    "flipped",
    "holm",
    "icc",
    "paired",
    "pass_k",
    "percentile",
    "resampling",
    "settling",
    "shrunk",
    "sign_flips",
    "verdict",
    "wilson",
    "within_variance",
    "worst",
]
