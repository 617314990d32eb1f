"""How cases were sampled: strata are categories with their share of demand, clusters incident families.

A `Design` knows weights and standard errors; drawing from it is `resampling`'s business.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]
    Truths = NDArray[np.bool_]


class Group(NamedTuple):
    """Strata that are drawn from together: one, or those that have one cluster each."""

    cases: "Ints"
    clusters: "Ints"
    """Cluster of each case, counted within the group."""
    size: int
    """Number of clusters."""


@dataclass(frozen=True, slots=True)
class Design:
    """Cases with strata and clusters. Values are given in the order of the cases."""

    strata: tuple[str, ...]
    families: tuple[Hashable, ...]
    shares: Mapping[str, float] | None
    """Weight of each stratum; `None`: every case counts alike."""
    weights: "Floats"
    """Weight of each case; they add up to 1."""
    groups: tuple[Group, ...]

    @property
    def n(self) -> int:
        return len(self.strata)

    @property
    def clusters(self) -> int:
        return sum(group.size for group in self.groups)

    @property
    def freedom(self) -> int:
        """Degrees of freedom: clusters minus strata."""
        return self.clusters - len(self.groups)

    def part(self, held: "Truths") -> "Design":
        """The cases that a measure applies to; strata keep their weight among those left."""
        kept = [i for i, holds in enumerate(held) if holds]
        strata, families = [self.strata[i] for i in kept], [self.families[i] for i in kept]
        return design(strata, families, self.shares)

    def mean(self, values: "Floats") -> float:
        return float(self.weights @ values)

    def error(self, parts: "Floats") -> float:
        """Standard error of the sum of what the cases add, over clusters within groups."""
        import numpy as np

        variance = 0.0
        for group in self.groups:
            sums = np.bincount(group.clusters, parts[group.cases], group.size)
            if group.size > 1:
                variance += ((sums - sums.mean()) ** 2).sum() * group.size / (group.size - 1)
        return float(variance**0.5)

    def error_of_mean(self, values: "Floats") -> float:
        """Linearised: each stratum's mean is a ratio of sums."""
        return self.error(self.weights * (values - self._expected(values)))

    def error_of_ratio(self, above: "Floats", below: "Floats") -> float:
        """Linearised standard error of the ratio of weighted sums."""
        bottom = float(self.weights @ below)
        ratio = float(self.weights @ above) / bottom
        return self.error(self.weights * (above - ratio * below) / bottom)

    def sums(self, parts: "Floats") -> "Floats":
        """What each cluster adds."""
        import numpy as np

        each = [np.bincount(g.clusters, parts[g.cases], g.size) for g in self.groups]
        return np.concatenate(each)

    def _expected(self, values: "Floats") -> "Floats":
        import numpy as np

        means = np.empty(len(values))
        for group in self.groups:
            inner = self.weights[group.cases]
            means[group.cases] = (inner @ values[group.cases]) / inner.sum()
        return means


def design(
    strata: Sequence[str],
    clusters: Sequence[Hashable],
    shares: Mapping[str, float] | None = None,
) -> Design:
    """The design of cases with these strata and clusters, each stratum with its share.

    A stratum with one cluster can't show its spread: such strata are drawn from together, a lone one
    with the smallest other, each case keeping the weight that its stratum gives it.
    """
    import numpy as np

    if len(strata) != len(clusters) or not strata:
        raise ValueError(
            f"{len(strata)} strata, {len(clusters)} clusters. Give each case one of each."
        )
    labels, families = numbered(strata), numbered(clusters)
    counts = np.bincount(labels)
    names = list(dict.fromkeys(strata))
    each = counts / len(strata) if shares is None else _given(names, shares)
    weights = (each / counts)[labels]
    groups = tuple(_groups(labels, families))
    return Design(tuple(strata), tuple(clusters), shares, weights / weights.sum(), groups)


def numbered(labels: Sequence[Hashable]) -> "Ints":
    """Labels as numbers, in the order of their first appearance."""
    import numpy as np

    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(label, len(numbers)) for label in labels], dtype=np.intp)


def _given(names: Sequence[str], shares: Mapping[str, float]) -> "Floats":
    import numpy as np

    for name in names:
        if shares.get(name, 0.0) <= 0:
            raise ValueError(
                f"Stratum {name!r} has no share above 0. Give it one, or leave it out."
            )
    return np.array([shares[name] for name in names])


def _groups(labels: "Ints", families: "Ints") -> Iterator[Group]:
    import numpy as np

    members = [np.flatnonzero(labels == number) for number in range(int(labels.max()) + 1)]
    whole = [cases for cases in members if len(np.unique(families[cases])) > 1]
    single = [cases for cases in members if len(np.unique(families[cases])) == 1]
    if len(single) == 1 and whole:
        whole.sort(key=len, reverse=True)
        single.append(whole.pop())
    if single:
        whole.append(np.concatenate(single))
    for cases in whole:
        _, inner = np.unique(families[cases], return_inverse=True)
        yield Group(cases, inner.astype(np.intp), int(inner.max()) + 1)
