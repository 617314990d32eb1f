"""How often somebody may do something: a moving window for each, in this process's memory."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

Act = Literal["ask", "feedback", "signin"]


@dataclass(frozen=True, slots=True)
class Rates:
    """How often a minute."""

    ask: int = 30
    feedback: int = 60
    signin: int = 10
    trusted: int = 6_000
    """For benchmarks, the owner's commands and demonstrations."""

    def of(self, act: Act) -> int:
        return {"ask": self.ask, "feedback": self.feedback, "signin": self.signin}[act]


class Limiter:
    """Counts acts by who does them."""

    def __init__(self, rates: Rates, *, clock: Callable[[], float] = time.time) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._clock = clock
        acts: tuple[Act, ...] = ("ask", "feedback", "signin")
        self._items: Mapping[Act, RateLimitItemPerMinute] = {
            act: RateLimitItemPerMinute(rates.of(act), namespace=act) for act in acts
        }
        self._trusted = RateLimitItemPerMinute(rates.trusted, namespace="trusted")

    def seconds_to_wait(self, act: Act, who: str, *, is_trusted: bool = False) -> int | None:
        """Counts the act; `None` if it is allowed now."""
        item = self._trusted if is_trusted else self._items[act]
        if self._limiter.hit(item, act, who):
            return None
        freed_at = self._limiter.get_window_stats(item, act, who).reset_time
        return max(1, math.ceil(freed_at - self._clock()))
