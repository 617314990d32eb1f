"""How far two label passes agree: Krippendorff's alpha and kappa, with an interval over cases."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from evals.stats import Interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

Level = Literal["nominal", "ordinal"]
RESAMPLES = 2_000
USABLE, GOOD = 0.667, 0.80
"""Krippendorff's own bars: below the first a field is not reliably labelled."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two passes over one field. Figures are `None` where nothing varies: then nothing was told apart."""

    field: str
    level: Level
    n: int
    """Cases that both passes labelled."""
    same: float
    """Share with the same label."""
    alpha: float | None
    interval: Interval | None
    kappa: float | None
    """Quadratic weights for ordinal labels, plain ones for nominal."""
    differing: tuple[str, ...]
    """Ids of the cases that need adjudication."""

    @property
    def usable(self) -> bool:
        return self.alpha is not None and self.alpha >= USABLE


def agreement(
    field: str,
    first: Mapping[str, Hashable],
    second: Mapping[str, Hashable],
    *,
    seed: int,
    order: Sequence[Hashable] | None = None,
    resamples: int = RESAMPLES,
) -> Agreement:
    """Compares two passes, each a label by case id; only cases in both count.

    With `order` (lowest first) labels are ordinal: a near miss weighs less than a far one.
    """
    ids = sorted(first.keys() & second.keys())
    if not ids:
        raise ValueError(
            f"The passes share no case for '{field}'. Give both passes the same cases."
        )
    level: Level = "nominal" if order is None else "ordinal"
    pairs = [(first[case], second[case]) for case in ids]
    values = _values(field, pairs, order)
    codes = _coded(pairs, values)
    table = _table(codes, len(values))
    alpha = _alpha(_reliability(table), level)
    interval = None if alpha is None else _interval(codes, len(values), level, seed, resamples)
    differing = tuple(case for case, (one, other) in zip(ids, pairs, strict=True) if one != other)
    same = 1 - len(differing) / len(ids)
    kappa = _kappa(table, level)
    return Agreement(field, level, len(ids), same, alpha, interval, kappa, differing)


def _values(
    field: str, pairs: Sequence[tuple[Hashable, Hashable]], order: Sequence[Hashable] | None
) -> list[Hashable]:
    used = {label for pair in pairs for label in pair}
    if order is None:
        return sorted(used, key=repr)
    unknown = sorted(map(repr, used - set(order)))
    if unknown:
        raise ValueError(
            f"'{field}' holds {', '.join(unknown)}, which its order does not name. Add it."
        )
    return list(order)


def _coded(pairs: Sequence[tuple[Hashable, Hashable]], values: Sequence[Hashable]) -> "Ints":
    import numpy as np

    numbers = {value: number for number, value in enumerate(values)}
    return np.array([[numbers[one], numbers[other]] for one, other in pairs], dtype=np.intp)


def _table(codes: "Ints", size: int) -> "Floats":
    """Cases by the label of the first pass (down) and of the second (across)."""
    import numpy as np

    flat = np.bincount(codes[:, 0] * size + codes[:, 1], minlength=size * size)
    return flat.reshape(size, size).astype(float)


def _reliability(table: "Floats") -> "Floats":
    """For each combination of labels how many passes gave each: what alpha is computed from."""
    import numpy as np

    rows = []
    size = len(table)
    for one, other in zip(*np.nonzero(table), strict=True):
        row = np.zeros(size)
        row[one] += 1
        row[other] += 1
        rows += [row] * int(table[one, other])
    return np.array(rows)


def _alpha(counts: "Floats", level: Level) -> float | None:
    import krippendorff
    import numpy as np

    used = counts.sum(axis=0) > 0
    if used.sum() < _TWO:
        return None
    places = np.flatnonzero(used)
    return float(
        krippendorff.alpha(
            value_counts=counts[:, used], value_domain=places, level_of_measurement=level
        )
    )


def _interval(codes: "Ints", size: int, level: Level, seed: int, resamples: int) -> Interval | None:
    import numpy as np

    generator = np.random.default_rng(seed)
    drawn = np.empty(resamples)
    for number in range(resamples):
        picked = codes[generator.integers(0, len(codes), len(codes))]
        drawn[number] = _alpha_of(_table(picked, size), level)
    drawn = drawn[~np.isnan(drawn)]
    if not len(drawn):
        return None
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Interval(float(low), float(high), "bootstrap over cases")


def _alpha_of(table: "Floats", level: Level) -> float:
    """Alpha of two complete passes from their table: the package's figure, fast enough to resample."""
    import numpy as np

    together = table + table.T
    marginals = together.sum(axis=0)
    n = marginals.sum()
    distance = _distances(marginals, level)
    expected = (np.outer(marginals, marginals) * distance).sum() / (n - 1)
    observed = float((together * distance).sum())
    return float("nan") if expected == 0 else 1 - observed / float(expected)


def _distances(marginals: "Floats", level: Level) -> "Floats":
    import numpy as np

    if level == "nominal":
        return 1 - np.eye(len(marginals))
    heights = np.cumsum(marginals) - marginals / 2
    return (heights[:, None] - heights[None, :]) ** 2


def _kappa(table: "Floats", level: Level) -> float | None:
    import numpy as np

    places = np.arange(len(table))
    far = (places[:, None] - places[None, :]) ** 2
    distance = far.astype(float) if level == "ordinal" else (far > 0).astype(float)
    n = table.sum()
    expected = (np.outer(table.sum(1), table.sum(0)) * distance).sum() / n
    return None if expected == 0 else float(1 - (table * distance).sum() / expected)


_TWO = 2
