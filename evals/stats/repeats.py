"""What changes when the same case is asked again."""

from collections.abc import Sequence
from math import ceil, comb


def pass_k(passed: int, runs: int, k: int) -> float:
    """The chance that k of the runs, drawn without return, all passed: C(c, k) / C(n, k)."""
    if not 0 <= passed <= runs or not 1 <= k <= runs:
        raise ValueError(f"pass^{k} of {passed} in {runs} runs: k and passed lie within the runs.")
    return comb(passed, k) / comb(runs, k)


def worst(scores: Sequence[float]) -> float:
    """worst@k for k runs: the lowest."""
    return min(scores)


def flipped(passes: Sequence[bool]) -> bool:
    """Passed in one run and failed in another."""
    return len(set(passes)) > 1


def cvar(scores: Sequence[float], share: float = 0.1) -> float:
    """The mean of the worst share of the scores, at least one of them."""
    count = max(1, ceil(share * len(scores) - 1e-9))
    return sum(sorted(scores)[:count]) / count


def within_variance(table: Sequence[Sequence[float]]) -> float | None:
    """Variance between runs of one case, pooled over the cases that ran more than once."""
    squares = freedom = 0.0
    for row in table:
        mean = sum(row) / len(row)
        squares += sum((x - mean) ** 2 for x in row)
        freedom += len(row) - 1
    return squares / freedom if freedom else None


def icc(table: Sequence[Sequence[float]]) -> float | None:
    """ICC(1): the share of variance that lies between the cases; `None` where nothing varies."""
    repeated = [row for row in table if len(row) > 1]
    within = within_variance(repeated)
    if within is None or len(repeated) < _TWO:
        return None
    sizes = [len(row) for row in repeated]
    total = sum(sizes)
    grand = sum(map(sum, repeated)) / total
    between = sum(len(r) * (sum(r) / len(r) - grand) ** 2 for r in repeated) / (len(repeated) - 1)
    # Donner's mean size for unequal numbers of runs.
    size = (total - sum(s * s for s in sizes) / total) / (len(repeated) - 1)
    spread = between + (size - 1) * within
    return (between - within) / spread if spread else None


_TWO = 2
