"""What the figures hand back: frozen, and `None` where there is nothing to say."""

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["better", "not worse", "cannot tell", "worse"]


@dataclass(frozen=True, slots=True)
class Interval:
    """From `low` to `high`, and how it was made."""

    low: float
    high: float
    method: str
    level: float = 0.95

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its interval; both `None` where no case applies."""

    value: float | None
    interval: Interval | None
    n: int
    clusters: int
    error: float | None = None
    """Standard error over clusters within strata."""
    design_effect: float | None = None
    student: Interval | None = None
    """The t interval beside the bootstrap."""
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """One system minus another on the same cases."""

    delta: float | None
    interval: Interval | None
    n: int
    clusters: int
    p: float | None
    """Two-sided, from sign flips of whole clusters."""
    error: float | None
    detectable: float | None
    """The smallest difference that a sample like this finds with power 0.8."""
