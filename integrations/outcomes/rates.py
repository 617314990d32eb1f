"""A share with its interval. Pure."""

from dataclasses import dataclass
from math import sqrt

_Z = 1.959963984540054
"""Two-sided 95 %."""


@dataclass(frozen=True, slots=True)
class Rate:
    """`wins` of `among`, with Wilson's 95 % interval; without anything to count all three are `None`."""

    wins: int
    among: int

    @property
    def value(self) -> float | None:
        return self.wins / self.among if self.among else None

    @property
    def interval(self) -> tuple[float, float] | None:
        if not self.among:
            return None
        n, p = self.among, self.wins / self.among
        middle = (p + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
        half = _Z * sqrt(p * (1 - p) / n + _Z**2 / (4 * n * n)) / (1 + _Z**2 / n)
        return max(0.0, middle - half), min(1.0, middle + half)

    def __str__(self) -> str:
        if self.value is None or self.interval is None:
            return "nothing to count"
        low, high = self.interval
        return f"{self.value:6.1%}  [{low:.1%}, {high:.1%}]  {self.wins} of {self.among}"
