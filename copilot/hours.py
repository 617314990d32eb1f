"""When somebody works: days and hours of a place, in its own time. Pure; the moment is given."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, tzinfo


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """The same hours on each working day. The default is around the clock."""

    zone: tzinfo = UTC
    weekdays: frozenset[int] = frozenset(range(7))
    """0 is Monday."""
    opens: time = time(0)
    closes: time = time.max

    @property
    def day_minutes(self) -> float:
        return round(_minutes(self.closes) - _minutes(self.opens))

    def include(self, at: datetime) -> bool | None:
        """Whether it is working time there at `at`; `None` at the ends of the calendar."""
        try:
            there = at.astimezone(self.zone)
        except OverflowError:
            return None
        return there.weekday() in self.weekdays and self.opens <= there.time() <= self.closes


def _minutes(moment: time) -> float:
    return moment.hour * 60 + moment.minute + moment.second / 60
