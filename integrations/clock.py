"""The one clock of the product."""

from collections.abc import Callable
from datetime import UTC, date, datetime

Clock = Callable[[], datetime]


def wall_clock() -> datetime:
    """The time by this machine."""
    return datetime.now(UTC)  # noqa: TID251  # the one clock of the product


def company_clock(demo_day: date | None, wall: Clock = wall_clock) -> Clock:
    """The wall clock; in a demonstration company never later than the day its articles are current."""

    def now() -> datetime:
        today = wall()
        if demo_day is None or today.date() <= demo_day:
            return today
        return datetime.combine(demo_day, today.timetz())

    return now
