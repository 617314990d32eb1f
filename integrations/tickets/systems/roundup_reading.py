"""What Roundup's REST interface tells: items, what they link to, and what a detector of ours noted of changes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from integrations.tickets.port import ChangePage, TicketChange, TicketSystemRefusedError
from integrations.tickets.systems.calling import Answer, Caller, said
from integrations.tickets.systems.naming import Names

_PER_PAGE = 100

Raw = dict[str, Any]


def data(caller: Caller, answer: Answer) -> Raw:
    told = caller.parsed(answer)
    if not answer.is_success or "data" not in told:
        raise TicketSystemRefusedError(
            f"Roundup does not answer as it should: {said(answer)}. Check the tracker's schema and the "
            "rights of the copilot's account."
        )
    found: Raw = told["data"]
    return found


async def collection(caller: Caller, name: str, request: Mapping[str, Any]) -> list[Raw]:
    """The items of a class that a search finds."""
    found: list[Raw] = data(caller, await caller.read("GET", f"/data/{name}", params=request))[
        "collection"
    ]
    return found


def name_of(linked: Raw | None) -> str:
    """What people call something that is linked to; a link tells it under the name of its own key."""
    told = linked or {}
    return str(told.get("name") or told.get("username") or "")


def ids_of(raw: Raw, name: str) -> list[str]:
    return [str(one["id"]) for one in raw[name]]


def pages_of(raw: Raw) -> list[str]:
    return str(raw["pages"] or "").split()


def with_one(known: list[str], one: str) -> list[str]:
    return known if one in known else [*known, one]


def is_already(raw: Raw, wanted: Raw) -> bool:
    """Whether the ticket is as it is wanted."""
    return all(_is(raw, name, value) for name, value in wanted.items())


def _is(raw: Raw, name: str, value: object) -> bool:
    if isinstance(value, list):
        return set(value) == set(ids_of(raw, name))
    return bool(value == (raw[name] if name == "pages" else name_of(raw[name])))


def moment(date: str) -> datetime:
    """Roundup writes `2026-11-24.03:46:02`, with thousandths at times."""
    day, time, *_ = date.split(".")
    return datetime.fromisoformat(f"{day}T{time}+00:00")


class RoundupHistory:
    """Pages of changes; the cursor is the number of the last one that was told."""

    def __init__(self, caller: Caller, names: Names, *, us: str) -> None:
        self._caller = caller
        self._names = names
        self._us = us

    async def page(self, since: str | None, limit: int) -> ChangePage:
        newest_first = {"@sort": "-id", "@page_size": "1"}
        newest = await collection(self._caller, "change", newest_first)
        last = int(newest[0]["id"]) if newest else 0
        if since is None or int(since) >= last:
            return ChangePage(changes=(), cursor=since or str(last))
        # Numbers have hardly any gaps: Roundup gives them in the order of commits.
        until = min(last, int(since) + min(limit, _PER_PAGE))
        request = {
            "id": [str(number) for number in range(int(since) + 1, until + 1)],
            "@fields": "issue,kind,old,new,message,creator,creation,correlation_id",
            "@verbose": "2",
            "@sort": "id",
        }
        rows = await collection(self._caller, "change", request)
        changes = [await self._told(row) for row in rows]
        return ChangePage(changes=tuple(changes), cursor=str(until), is_last=until == last)

    async def _told(self, row: Raw) -> TicketChange:
        old, new = row["old"] or "", row["new"] or ""
        if row["kind"] == "status":
            old, new = self._names.status_of(old), self._names.status_of(new)
        if row["kind"] == "moved":
            old, new = self._names.queue_of(old), self._names.queue_of(new)
        actor = name_of(row["creator"])
        return TicketChange(
            event_id=f"roundup-change-{row['id']}",
            ticket_id=str(row["issue"]["id"]),
            kind=row["kind"],
            at=moment(row["creation"]),
            actor=actor,
            actor_is_us=actor == self._us,
            old=old or None,
            new=new or None,
            text=await self._text(row["message"]["id"]) if row["message"] else None,
            visibility="public" if row["message"] else None,
            correlation_id=row["correlation_id"],
        )

    async def _text(self, message: str) -> str:
        answer = await self._caller.read("GET", f"/data/msg/{message}", params={"@verbose": "3"})
        return str(data(self._caller, answer)["attributes"]["content"])
