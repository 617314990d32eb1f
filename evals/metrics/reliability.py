"""How steady, how sure, how fast and how dear."""

from typing import TYPE_CHECKING

from evals.metrics.cells import Cell, View
from evals.metrics.figures import figure, total
from evals.stats import (
    Estimate,
    Interval,
    auroc,
    bins,
    confidence_intervals,
    cvar,
    ece,
    flipped,
    icc,
    pass_k,
    percentile,
    within_variance,
)
from evals.summary import Calibration, Cost, Figure, Latency, Reliability

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_TAIL = 0.1
_RESAMPLES = 1_000
_LEVELS = (0.025, 0.975)


def reliability(view: View, epochs: int) -> Reliability:
    """What changes from one epoch to the next, and how bad the worst tenth is."""
    import numpy as np

    table = [[cell.score for cell in row if cell.score is not None] for row in view.cells]
    passes = [[cell.passed for cell in row if cell.status == "ok"] for row in view.cells]
    repeated = [row for row in table if len(row) > 1]
    variance = within_variance(repeated)
    flips = np.array([float(flipped(row)) if len(row) > 1 else np.nan for row in passes])
    lowest = np.array([min(row) if len(row) > 1 else np.nan for row in table])
    return Reliability(
        epochs=epochs,
        repeated=len(repeated),
        pass_k={str(k): _pass_k(view, passes, k) for k in range(1, epochs + 1)},
        worst_k=figure(view.draws.mean(lowest), "score"),
        flip_rate=figure(view.draws.rate(flips), "rate", events=total(flips)),
        sd_between_epochs=variance**0.5 if variance is not None else None,
        variance_between_epochs=variance,
        icc=_icc(repeated, view.draws.seed),
        cvar10=_cvar(view),
    )


def _pass_k(view: View, passes: list[list[bool]], k: int) -> Figure:
    import numpy as np

    chances = [pass_k(sum(row), len(row), k) if len(row) >= k else np.nan for row in passes]
    return figure(view.draws.mean(np.array(chances)), "rate")


def _icc(repeated: list[list[float]], seed: int) -> Figure:
    """With a bootstrap over cases."""
    import numpy as np

    value = icc(repeated)
    if value is None:
        return Figure(
            n=len(repeated), unit="index", note="No case was repeated, or nothing varies."
        )
    size, mean, square = (np.array(x) for x in zip(*map(_moments, repeated), strict=True))
    generator = np.random.default_rng(seed)
    drawn = generator.integers(0, len(size), size=(_RESAMPLES, len(size)))
    s, m, q = size[drawn], mean[drawn], square[drawn]
    rows, count = s.sum(1), len(size)
    grand = (s * m).sum(1) / rows
    between = (s * (m - grand[:, None]) ** 2).sum(1) / (count - 1)
    within = q.sum(1) / (rows - count)
    typical = (rows - (s * s).sum(1) / rows) / (count - 1)
    spread = between + (typical - 1) * within
    shares = (between - within)[spread > 0] / spread[spread > 0]
    low, high = np.quantile(shares, _LEVELS) if len(shares) else (value, value)
    return Figure(
        value=value,
        low=low,
        high=high,
        n=len(repeated),
        unit="index",
        method="bootstrap over cases",
    )


def _moments(row: list[float]) -> tuple[int, float, float]:
    mean = sum(row) / len(row)
    return len(row), mean, sum((x - mean) ** 2 for x in row)


def _cvar(view: View) -> Figure:
    """The mean of the worst tenth of the cases, with a bootstrap over cases."""
    import numpy as np

    scores = view.scores[~np.isnan(view.scores)]
    if not len(scores):
        return Figure(unit="score", note="No case applies.")
    generator = np.random.default_rng(view.draws.seed)
    tail = max(1, int(np.ceil(_TAIL * len(scores) - 1e-9)))
    drawn = scores[generator.integers(0, len(scores), size=(_RESAMPLES, len(scores)))]
    means = np.partition(drawn, tail - 1, axis=1)[:, :tail].mean(axis=1)
    low, high = np.quantile(means, _LEVELS)
    return Figure(
        value=cvar(list(scores), _TAIL),
        low=low,
        high=high,
        n=len(scores),
        unit="score",
        method="bootstrap over cases",
    )


def calibration(view: View) -> Calibration:
    """Confidence of the last reply against whether the row passed."""
    told = [(cell, confidence) for cell in view if (confidence := _confidence(cell)) is not None]
    if not told:
        nothing = Figure(unit="index", note="The system states no confidence.")
        return Calibration(n=0, ece=nothing, auroc=nothing, bins=())
    sure, right = [confidence for _, confidence in told], [cell.passed for cell, _ in told]
    families = [cell.case.family for cell, _ in told]
    error, ranking = confidence_intervals(sure, right, families, seed=view.draws.seed)
    number = len(set(families))
    return Calibration(
        n=len(told),
        ece=figure(Estimate(ece(sure, right), error, len(told), number), "index"),
        auroc=figure(_ranking(auroc(sure, right), ranking, len(told), number), "index"),
        bins=tuple((b.confidence, b.share_right, b.n) for b in bins(sure, right)),
    )


def _ranking(value: float | None, interval: Interval | None, n: int, clusters: int) -> Estimate:
    note = "All replies passed, or none did: there is nothing to rank." if value is None else None
    return Estimate(value, None if value is None else interval, n, clusters, note=note)


def _confidence(cell: Cell) -> float | None:
    last = cell.episode.last if cell.episode and cell.status == "ok" else None
    return last.confidence if last else None


def latency(view: View) -> Latency:
    """Waits over all replies; those served from the cache are counted beside them."""
    episodes = [cell.episode for cell in view if cell.episode and cell.answered]
    waits = [exchange.latency_ms for episode in episodes for exchange in episode.exchanges]
    return Latency(
        n=len(waits),
        cached=sum(len(episode.exchanges) for episode in episodes if episode.cached),
        p50=figure(percentile(waits, 0.50), "ms"),
        p90=figure(percentile(waits, 0.90), "ms"),
        p95=figure(percentile(waits, 0.95), "ms"),
        p99=figure(percentile(waits, 0.99), "ms"),
    )


def cost(view: View) -> Cost:
    """What the calls cost, as the system charged it."""
    column = charged(view)
    paid = sum(_charge(cell) for cell in view if cell.answered)
    return Cost(measured=figure(view.draws.mean(column), "usd"), total_usd=paid)


def charged(view: View) -> "Floats":
    """Cost a case, usd."""
    return view.answers(_charge)


def _charge(cell: Cell) -> float:
    exchanges = cell.episode.exchanges if cell.episode else ()
    return sum(exchange.cost_usd for exchange in exchanges)
