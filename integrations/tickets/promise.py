"""When a ticket is due: the promise of its priority, counted in the desk's hours. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from copilot.conversation import Priority
from copilot.hours import WorkingHours

_PROMISE = re.compile(r"(\d{1,4}) (working )?(minute|hour|day)s?")
_MINUTES = {"minute": 1, "hour": 60}
_DAY_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Promise:
    """A time to answer, on the clock or in working time."""

    amount: int
    unit: str
    working: bool

    @classmethod
    def parse(cls, text: str) -> "Promise":
        """Reads `15 minutes`, `1 hour`, `8 working hours` or `3 working days`."""
        match = _PROMISE.fullmatch(" ".join(text.split()))
        if match is None:
            raise ValueError(
                f"The promise '{text}' can't be read. Write it like '15 minutes', '8 working hours' or "
                "'3 working days'."
            )
        return cls(int(match[1]), match[3], working=bool(match[2]))

    def due(self, at: datetime, hours: WorkingHours) -> datetime:
        """The end of the promise given at `at`; `at` itself at the end of the calendar."""
        try:
            if self.working:
                day = hours.day_minutes
                return _working(at.astimezone(hours.zone), self._minutes(day), hours)
            return at + timedelta(minutes=self._minutes(_DAY_MINUTES))
        except OverflowError:
            return at

    def _minutes(self, day: float) -> float:
        return self.amount * _MINUTES.get(self.unit, day)


Promises = Mapping[Priority, Promise]


def _working(at: datetime, minutes: float, hours: WorkingHours) -> datetime:
    """Steps from one desk day to the next; `at` is in the desk's zone."""
    left = timedelta(minutes=minutes)
    while True:
        opens = datetime.combine(at.date(), hours.opens, at.tzinfo)
        closes = datetime.combine(at.date(), hours.closes, at.tzinfo)
        start = max(at, opens)
        if at.weekday() in hours.weekdays and start < closes:
            if left <= closes - start:
                return start + left
            left -= closes - start
        at = opens + timedelta(days=1)
