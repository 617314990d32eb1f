"""Changes told once each, from systems that only tell what changed since a time.

Such a list is coarse (seconds, sometimes minutes) and late (a search index). So a stretch of time before the newest
change is asked for again and again, and the cursor carries what was told of it: nothing is lost within a second, at the
end of a page, or because it shows up late by less than that stretch.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from pydantic import ValidationError

from copilot.conversation import Value
from integrations.tickets.port import ChangePage, TicketChange, TicketSystemRefusedError

_DIGEST_CHARS = 12
_Item = TypeVar("_Item")


class Source(Protocol):
    """A system that tells what changed since a time."""

    async def now(self) -> datetime:
        """The time by the system's own clock."""
        ...

    async def since(self, moment: datetime, now: datetime, /) -> list[TicketChange]:
        """At least all changes of our tickets since then; those of one ticket in their order."""
        ...


class _Cursor(Value):
    start: datetime
    """Nothing before it is told."""
    newest: datetime
    """Time of the newest change that was told."""
    told: Mapping[str, int]
    """Digests of the changes that were told of the stretch before `newest`, and the second of each.

    They stay although a list leaves one out for a while: an export hides what is being worked on.
    """


async def changes(source: Source, since: str | None, limit: int, stretch: timedelta) -> ChangePage:
    """The next page; `since` is the cursor of the last one."""
    now = await source.now()
    if since is None:
        found = await source.since(now - stretch, now)
        cursor = _Cursor(start=now, newest=now, told=_kept(_seconds(found), now - stretch))
        return ChangePage(changes=(), cursor=cursor.model_dump_json())
    cursor = _read(since)
    begin = max(cursor.start, cursor.newest - stretch)
    found = [one for one in await source.since(begin, now) if one.at >= begin]
    # Sorted by ticket as well: what happened at the same time comes in the same order every time.
    found.sort(key=lambda one: (one.at, one.ticket_id))
    news = [one for one in found if _digest(one) not in cursor.told]
    page = news[:limit]
    newest = max([cursor.newest, *(one.at for one in page)])
    told = _kept({**cursor.told, **_seconds(page)}, newest - stretch)
    after = _Cursor(start=cursor.start, newest=newest, told=told)
    return ChangePage(
        changes=tuple(page), cursor=after.model_dump_json(), is_last=len(news) <= limit
    )


async def asked_of_each(
    items: Sequence[_Item], ask: Callable[[_Item], Awaitable[list[TicketChange]]], *, at_once: int
) -> list[TicketChange]:
    """What is told of each, asking for no more at once than there are connections: who waits too long for one fails."""
    found: list[TicketChange] = []
    for begin in range(0, len(items), at_once):
        asking = (ask(one) for one in items[begin : begin + at_once])
        # All are waited for, also where one fails: none goes on when nobody listens any more.
        for answer in await asyncio.gather(*asking, return_exceptions=True):
            if isinstance(answer, BaseException):
                raise answer
            found += answer
    return found


def _seconds(found: Iterable[TicketChange]) -> dict[str, int]:
    return {_digest(one): int(one.at.timestamp()) for one in found}


def _kept(told: Mapping[str, int], begin: datetime) -> dict[str, int]:
    return {digest: second for digest, second in told.items() if second >= int(begin.timestamp())}


def _digest(change: TicketChange) -> str:
    return hashlib.sha256(change.event_id.encode()).hexdigest()[:_DIGEST_CHARS]


def _read(cursor: str) -> _Cursor:
    try:
        return _Cursor.model_validate_json(cursor)
    except ValidationError as error:
        raise TicketSystemRefusedError(
            "Where the history was read up to was noted for another ticket system. Begin anew without a cursor."
        ) from error
