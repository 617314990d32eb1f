"""Estimates as figures of the summary."""

from typing import TYPE_CHECKING

from evals.stats import Estimate, exact, exact_lower, exact_upper
from evals.summary import Figure, Unit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def figure(
    estimate: Estimate, unit: Unit, *, events: float | None = None, note: str | None = None
) -> Figure:
    """An estimate with its unit; notes are joined."""
    interval = estimate.interval
    return Figure(
        value=estimate.value,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        n=estimate.n,
        clusters=estimate.clusters,
        events=events,
        unit=unit,
        method=interval.method if interval else "none",
        design_effect=estimate.design_effect,
        note=" ".join(part for part in (note, estimate.note) if part) or None,
    )


def student(estimate: Estimate, unit: Unit) -> Figure:
    """The t interval of an estimate, to stand beside its bootstrap."""
    interval = estimate.student
    return Figure(
        value=estimate.value,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        n=estimate.n,
        clusters=estimate.clusters,
        unit=unit,
        method=interval.method if interval else "none",
    )


def counted(events: int, n: int, clusters: int, note: str | None = None) -> Figure:
    """A count of things that must not (or must always) happen: exact bounds, no weights.

    At the ends the bound is one-sided 95 %: with none of 500 at most 0.6 % are true.
    """
    if n == 0:
        return Figure(n=0, note=note or "No case applies.")
    if events == 0:
        low, high, method = 0.0, exact_upper(0, n), "exact, one-sided 95 %"
    elif events == n:
        low, high, method = exact_lower(n, n), 1.0, "exact, one-sided 95 %"
    else:
        interval = exact(events, n)
        low, high, method = interval.low, interval.high, interval.method
    return Figure(
        value=events / n,
        low=low,
        high=high,
        n=n,
        clusters=clusters,
        events=events,
        method=method,
        note=note,
    )


def total(values: "Floats") -> float:
    """Sum of what applies."""
    import numpy as np

    return float(np.nansum(values))


def percent(value: float | None) -> str:
    """A rate as people read it; a small one keeps a digit."""
    if value is None:
        return "an unknown share"
    shown = value * 100
    return f"{shown:.0f} %" if shown >= _WHOLE or shown == 0 else f"{shown:.1f} %"


_WHOLE = 9.95
