"""Times as people read them."""

from datetime import UTC, date, datetime, timedelta

_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60))
_MOST = 2


def moment(at: datetime) -> str:
    """`22 Nov 2026, 09:30 UTC`."""
    utc = at.astimezone(UTC)
    return f"{utc.day} {utc:%b %Y, %H:%M} UTC"


def day(text: str) -> str:
    """`1 Sep 2026` of an ISO date; anything else as it stands."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return text
    return f"{found.day} {found:%b %Y}"


def span(length: timedelta) -> str:
    """`3 days 2 hours`, `45 minutes`, `less than a minute`."""
    left = int(abs(length.total_seconds()))
    parts = []
    for unit, seconds in _UNITS:
        count, left = divmod(left, seconds)
        if count:
            parts.append(f"{count} {unit}{'' if count == 1 else 's'}")
    return " ".join(parts[:_MOST]) or "less than a minute"


def due(at: datetime, now: datetime) -> str:
    """`in 3 hours`, `overdue by 20 minutes`."""
    return f"in {span(at - now)}" if at > now else f"overdue by {span(now - at)}"
