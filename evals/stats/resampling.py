"""The stratified cluster bootstrap, and what each kind of figure gets as its interval.

A `Resampling` is made for a set of cases and serves every system and measure on them: what applies to
all of them shares its draws, so that ten thousand resamples cost one matrix product a stratum.
Of m clusters of a stratum m - 1 are drawn, which makes the spread of few clusters unbiased.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from evals.stats.design import Design, Group, design
from evals.stats.rates import wilson
from evals.stats.values import Estimate, Interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Counts = NDArray[np.uint8]

RESAMPLES = 10_000
FEW_CLUSTERS = 20
_LEVEL = 0.95
_NOTHING = Estimate(None, None, 0, 0, note="No case applies.")


@dataclass(frozen=True, slots=True)
class Resampling:
    """Draws for one set of cases. Values stand in the order of the cases; nan: not applicable."""

    design: Design
    seed: int
    resamples: int
    _draws: list["Counts"] = field(default_factory=list, compare=False, repr=False)
    """By group, drawn on first use."""
    _parts: dict[bytes, "Resampling"] = field(default_factory=dict, compare=False, repr=False)

    def mean(self, values: "Floats") -> Estimate:
        """The mean weighted by stratum, with the bootstrap interval and the t interval beside it.

        Below 20 clusters the t interval is the one to read, and the note says so.
        """
        found = self.student(values)
        part, held = self._applicable(values)
        if part is None or found.clusters < FEW_CLUSTERS:
            return found
        interval = _percentiles(part.means(held), "stratified cluster bootstrap")
        return replace(found, interval=interval)

    def student(self, values: "Floats") -> Estimate:
        """The same with the t interval alone: for slices, and where thousands of figures are wanted."""
        part, held = self._applicable(values)
        if part is None:
            return _NOTHING
        plan = part.design
        value, error = plan.mean(held), plan.error_of_mean(held)
        interval = _student(value, error, plan.freedom)
        note = _few(plan.clusters) if plan.clusters < FEW_CLUSTERS else None
        return Estimate(value, interval, plan.n, plan.clusters, error, student=interval, note=note)

    def rate(self, events: "Floats", among: "Floats | None" = None) -> Estimate:
        """A share with Wilson's interval on n divided by the design effect.

        `among` (0 to 1 a case) is what it is a share of; `None`: of all cases.
        """
        import numpy as np

        below = np.ones(len(events)) if among is None else np.asarray(among, dtype=float)
        part, above, below = self._both(events, below)
        if part is None:
            return _NOTHING
        plan, n = part.design, float(below.sum())
        value = min(1.0, max(0.0, plan.mean(above) / plan.mean(below)))
        error = plan.error_of_ratio(above, below)
        simple = value * (1 - value) / n
        effect = max(1.0, error**2 / simple) if simple > 0 else 1.0
        inner = wilson(value * n / effect, n / effect)
        method = "Wilson on n / design effect" if effect > 1 else "Wilson"
        clusters = _clusters(plan, below)
        note = _few(clusters) if clusters < FEW_CLUSTERS else None
        interval = Interval(inner.low, inner.high, method)
        return Estimate(value, interval, _cases(below), clusters, error, effect, note=note)

    def ratio(self, above: "Floats", below: "Floats", *, share: bool = False) -> Estimate:
        """Ratio of weighted sums with the bootstrap interval.

        A `share` lies between 0 and 1 and keeps Wilson's interval where the bootstrap has none: at the
        ends, and with few clusters.
        """
        part, top, bottom = self._both(above, below)
        if part is None:
            return _NOTHING
        plan = part.design
        value = plan.mean(top) / plan.mean(bottom)
        clusters = _clusters(plan, bottom)
        few = clusters < FEW_CLUSTERS
        if share and (few or value in {0.0, 1.0}):
            return self.rate(above, below)
        drawn = part.ratios(plan.weights * top, plan.weights * bottom)
        error = plan.error_of_ratio(top, bottom)
        interval = _percentiles(drawn, "bootstrap of the ratio of sums")
        note = _few(clusters) if few else None
        return Estimate(value, interval, _cases(bottom), clusters, error, note=note)

    def means(self, values: "Floats") -> "Floats":
        """Resampled weighted means of values that all apply."""
        import numpy as np

        plan, total = self.design, np.zeros(self.resamples)
        for group, counts in self._drawn():
            weights = plan.weights[group.cases]
            sums = np.bincount(group.clusters, weights * values[group.cases], group.size)
            sizes = np.bincount(group.clusters, weights, group.size)
            both = counts.astype(np.float64) @ np.stack([sums, sizes], 1).astype(np.float64)
            total += weights.sum() * (both[:, 0] / both[:, 1])
        return total

    def contributions(self, values: "Floats") -> "Floats":
        """What each cluster adds to the weighted mean; they sum to it. For sign flips."""
        part, held = self._applicable(values)
        return held if part is None else part.design.sums(part.design.weights * held)

    def ratios(self, above: "Floats", below: "Floats") -> "Floats":
        """Resampled ratios of sums of what the cases add above and below the line."""
        import numpy as np

        top, bottom = np.zeros(self.resamples), np.zeros(self.resamples)
        for group, counts in self._drawn():
            sums = [np.bincount(group.clusters, v[group.cases], group.size) for v in (above, below)]
            both = counts.astype(np.float64) @ np.stack(sums, 1).astype(np.float64)
            # Of m clusters m - 1 were drawn; the total is of m.
            scale = group.size / max(group.size - 1, 1)
            top, bottom = top + both[:, 0] * scale, bottom + both[:, 1] * scale
        return top[bottom > 0] / bottom[bottom > 0]

    def _applicable(self, values: "Floats") -> tuple["Resampling | None", "Floats"]:
        import numpy as np

        given = np.asarray(values, dtype=float)
        held = ~np.isnan(given)
        return (self._part(held) if held.any() else None), given[held]

    def _both(
        self, above: "Floats", below: "Floats"
    ) -> tuple["Resampling | None", "Floats", "Floats"]:
        import numpy as np

        top, bottom = np.asarray(above, dtype=float), np.asarray(below, dtype=float)
        held = ~np.isnan(top) & ~np.isnan(bottom)
        applies = bool(bottom[held].any())
        return (self._part(held) if applies else None), top[held], bottom[held]

    def _part(self, held: "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]") -> "Resampling":
        if held.all():
            return self
        key = held.tobytes()
        if key not in self._parts:
            plan = self.design.part(held)
            self._parts[key] = Resampling(plan, self.seed, self.resamples)
        return self._parts[key]

    def _drawn(self) -> list[tuple[Group, "Counts"]]:
        import numpy as np

        if not self._draws:
            generator = np.random.default_rng(self.seed)
            for group in self.design.groups:
                self._draws.append(_counts(group.size, self.resamples, generator))
        return list(zip(self.design.groups, self._draws, strict=True))


def resampling(
    strata: Sequence[str],
    clusters: Sequence[Hashable],
    shares: Mapping[str, float] | None = None,
    *,
    seed: int,
    resamples: int = RESAMPLES,
) -> Resampling:
    """For cases with these strata and clusters; without shares every case counts alike."""
    return Resampling(design(strata, clusters, shares), seed, resamples)


def _counts(size: int, resamples: int, generator: "np.random.Generator") -> "Counts":
    """How often each cluster was drawn: resamples x clusters."""
    import numpy as np

    drawn = generator.integers(0, size, size=(resamples, max(size - 1, 1)), dtype=np.int32)
    drawn += np.arange(resamples, dtype=np.int32)[:, None] * size
    counts = np.bincount(drawn.ravel(), minlength=resamples * size)
    return counts.reshape(resamples, size).astype(np.uint8)


def _cases(below: "Floats") -> int:
    return int((below > 0).sum())


def _clusters(plan: Design, below: "Floats") -> int:
    return len({family for family, counts in zip(plan.families, below > 0, strict=True) if counts})


def _percentiles(drawn: "Floats", method: str) -> Interval:
    import numpy as np

    low, high = np.quantile(drawn, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return Interval(float(low), float(high), method)


def _student(value: float, error: float, freedom: int) -> Interval | None:
    from scipy.special import stdtrit

    if freedom < 1:
        return None
    half = float(stdtrit(freedom, (1 + _LEVEL) / 2)) * error
    return Interval(value - half, value + half, f"t with {freedom} degrees of freedom")


def _few(clusters: int) -> str:
    return f"Only {clusters} incident families: read the interval with care."
