"""Due times count in the desk's hours where the promise says so."""

from datetime import UTC, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot.hours import WorkingHours
from integrations.tickets.promise import Promise

FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
LONDON = WorkingHours(ZoneInfo("Europe/London"), frozenset(range(5)), time(7), time(19))


def due(promise: str, at: str, hours: WorkingHours = LONDON) -> str:
    end = Promise.parse(promise).due(datetime.fromisoformat(at), hours)
    return end.astimezone(hours.zone).strftime("%a %d %b %H:%M")


@pytest.mark.parametrize(
    ("promise", "at", "end"),
    [
        ("15 minutes", "2026-11-21T23:50+00:00", "Sun 22 Nov 00:05"),
        ("1 hour", "2026-11-20T18:30+00:00", "Fri 20 Nov 19:30"),
        ("8 working hours", "2026-11-20T09:00+00:00", "Fri 20 Nov 17:00"),
        ("8 working hours", "2026-11-20T18:30+00:00", "Mon 23 Nov 14:30"),
        ("8 working hours", "2026-11-22T12:00+00:00", "Mon 23 Nov 15:00"),
        ("8 working hours", "2026-11-20T03:00+00:00", "Fri 20 Nov 15:00"),
        ("8 working hours", "2026-11-20T13:00-05:00", "Mon 23 Nov 14:00"),
        ("3 working days", "2026-11-20T10:00+00:00", "Wed 25 Nov 10:00"),
        ("3 days", "2026-11-20T10:00+00:00", "Mon 23 Nov 10:00"),
        ("1 working day", "2026-10-23T12:00+01:00", "Mon 26 Oct 12:00"),
    ],
)
def test_a_promise_ends_in_the_hours_it_counts(promise, at, end):
    assert due(promise, at) == end


@pytest.mark.parametrize("text", ["soon", "8", "-1 hours", "1 week", "working", "1 hour or so"])
def test_a_promise_that_cannot_be_read_is_refused(text):
    with pytest.raises(ValueError, match="Write it like '15 minutes'"):
        Promise.parse(text)


@pytest.mark.parametrize("at", [FIRST, LAST])
@pytest.mark.parametrize("offset", [-14, 14])
@pytest.mark.parametrize("promise", ["15 minutes", "3 working days"])
def test_the_ends_of_the_calendar_are_no_trap(at, offset, promise):
    Promise.parse(promise).due(at.replace(tzinfo=timezone(timedelta(hours=offset))), LONDON)


@given(
    st.integers(946_684_800, 4_102_444_800),
    st.integers(0, 5000),
    st.integers(0, 500),
)
def test_more_time_never_ends_sooner_and_always_in_the_hours(at, minutes, more):
    at = datetime.fromtimestamp(at, UTC)
    first = Promise(minutes, "minute", working=True).due(at, LONDON)
    assert at <= first <= Promise(minutes + more, "minute", working=True).due(at, LONDON)
    assert first.weekday() < 5
    assert time(7) <= first.astimezone(LONDON.zone).time() <= time(19)
