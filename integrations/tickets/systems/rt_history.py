"""What happened to our tickets in RT: its transactions, in the order of their numbers."""

import html
import re
from collections.abc import Collection
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from integrations.tickets.port import ChangeKind, ChangePage, TicketChange, TicketSystemRefusedError
from integrations.tickets.systems.calling import Answer, Caller, said
from integrations.tickets.systems.naming import Names
from integrations.tickets.systems.rendering import without_mark

_PER_PAGE = 100
_COLUMNS = "Type,Field,OldValue,NewValue,Created,Creator,ObjectId"
_NEWS = (
    "ObjectType = 'RT::Ticket' AND (Type = 'Create' OR Type = 'Status' OR Type = 'Comment' OR Type = 'Correspond'"
    " OR (Type = 'Set' AND Field = 'Queue'))"
)
_KINDS: dict[str, ChangeKind] = {
    "Create": "created",
    "Status": "status",
    "Comment": "comment",
    "Correspond": "comment",
    "Set": "moved",
}
_BREAK = re.compile(r"<(?:br|/p|/div|/li)\b[^>]{0,200}>", re.IGNORECASE)
_TAG = re.compile(r"<[^>]{0,2000}>")

Raw = dict[str, Any]


def quoted(value: str) -> str:
    """A string of TicketSQL that is nothing but itself."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def items(caller: Caller, answer: Answer) -> list[Raw]:
    """The rows of an answer to a search."""
    if not answer.is_success:
        raise TicketSystemRefusedError(f"RT does not answer a search: {said(answer)}")
    found: list[Raw] = caller.parsed(answer).get("items", [])
    return found


def correlation_of(raw: Raw, field: str) -> str | None:
    for one in raw.get("CustomFields") or ():
        if one["name"] == field and one["values"]:
            return str(one["values"][0])
    return None


def plain_text(attachment: Raw) -> str:
    """What a message says. People write HTML in RT's own editor."""
    content = str(attachment.get("Content") or "")
    if not str(attachment.get("ContentType")).startswith("text/html"):
        return content
    return html.unescape(_TAG.sub("", _BREAK.sub("\n", content))).strip()


class Queues:
    """The queues that the account sees. They are asked for again when a new one turns up."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._names: dict[str, str] = {}

    async def name(self, number: str) -> str:
        if number not in self._names:
            await self.load()
        return self._names.get(number, f"queue {number}")

    async def number(self, name: str) -> str | None:
        if name not in self._names.values():
            await self.load()
        return next((number for number, known in self._names.items() if known == name), None)

    async def load(self) -> Collection[str]:
        found: dict[str, str] = {}
        page = 1
        while True:
            request = {"fields": "Name", "per_page": _PER_PAGE, "page": page}
            answer = await self._caller.read("GET", "/queues/all", params=request)
            rows = items(self._caller, answer)
            if not rows:
                self._names = found
                return tuple(found.values())
            found |= {str(row["id"]): str(row["Name"]) for row in rows}
            page += 1


class RtHistory:
    """Pages of changes; the cursor is the number of the last transaction that was told."""

    def __init__(
        self,
        caller: Caller,
        names: Names,
        *,
        us: str,
        system_users: Collection[str],
        correlation_field: str,
        settle_seconds: float,
    ) -> None:
        self.queues = Queues(caller)
        self._caller = caller
        self._names = names
        self._us = us
        self._system_users = system_users
        self._field = correlation_field
        self._settle = timedelta(seconds=settle_seconds)
        self._ours: dict[str, str] = {}
        """Correlation ids of tickets, which never change."""

    async def page(self, since: str | None, limit: int) -> ChangePage:
        within = " OR ".join(f"TicketQueue = {quoted(name)}" for name in await self.queues.load())
        if since is None:
            newest = await self._newest("0", within)
            return ChangePage(changes=(), cursor=newest or "0")
        rows, is_last = await self._rows(since, within, min(limit, _PER_PAGE))
        await self._learn({str(row["ObjectId"]) for row in rows})
        ours = [row for row in rows if str(row["ObjectId"]) in self._ours]
        changes = [await self._change(row) for row in ours]
        cursor = str(rows[-1]["id"]) if rows else since
        return ChangePage(changes=tuple(changes), cursor=cursor, is_last=is_last)

    async def _rows(self, since: str, within: str, limit: int) -> tuple[list[Raw], bool]:
        """The next changes, and whether there are no more.

        RT leaves out of a page what the account may not see: only a full page, or the newest change of all, tells
        where it ends.
        """
        page, newest = 1, None
        while True:
            found, settled = await self._search(
                since, within, page=page, order="ASC", per_page=limit
            )
            if len(settled) < len(found) or len(found) == limit:
                return settled, len(settled) < len(found)
            newest = newest or await self._newest(since, within)
            # The newest may have been taken out of sight meanwhile: pages end where its number does.
            if newest is None or settled or page * limit > int(newest) - int(since):
                return settled, newest is None or not settled or settled[-1]["id"] == newest
            page += 1

    async def _newest(self, since: str, within: str) -> str | None:
        """Number of the last change after `since` that is old enough to be told."""
        page = 1
        while True:
            found, settled = await self._search(
                since, within, page=page, order="DESC", per_page=_PER_PAGE
            )
            if settled or not found:
                return str(settled[0]["id"]) if settled else None
            page += 1

    async def _search(
        self, since: str, within: str, *, page: int, order: str, per_page: int
    ) -> tuple[list[Raw], list[Raw]]:
        """Changes after `since`: all, and those of them that are old enough to be told."""
        request = {
            # Without the queues RT would read through what belongs to others, to leave it out.
            "query": f"{_NEWS} AND id > {int(since)} AND ({within or 'id < 0'})",
            "fields": _COLUMNS,
            "orderby": "id",
            "order": order,
            "per_page": per_page,
            "page": page,
        }
        answer = await self._caller.read("GET", "/transactions", params=request)
        found = items(self._caller, answer)
        until = parsedate_to_datetime(answer.headers["Date"]) - self._settle
        return found, [row for row in found if datetime.fromisoformat(row["Created"]) <= until]

    async def _learn(self, tickets: Collection[str]) -> None:
        """Which of these tickets are ours."""
        unknown = sorted(ticket for ticket in tickets if ticket not in self._ours)
        if not unknown:
            return
        request = {
            "query": " OR ".join(f"id = {int(ticket)}" for ticket in unknown),
            "fields": "CustomFields",
            "per_page": _PER_PAGE,
        }
        for raw in items(self._caller, await self._caller.read("GET", "/tickets", params=request)):
            correlation = correlation_of(raw, self._field)
            if correlation is not None:
                self._ours[str(raw["id"])] = correlation

    async def _change(self, row: Raw) -> TicketChange:
        kind = _KINDS[row["Type"]]
        old, new = await self._words(kind, row)
        ticket_id, actor = str(row["ObjectId"]), str(row["Creator"]["id"])
        return TicketChange(
            event_id=f"rt-txn-{row['id']}",
            ticket_id=ticket_id,
            kind=kind,
            at=datetime.fromisoformat(str(row["Created"])),
            actor=actor,
            actor_is_system=actor in self._system_users,
            actor_is_us=actor == self._us,
            old=old,
            new=new,
            text=await self._text(str(row["id"])) if kind == "comment" else None,
            visibility=_visibility(str(row["Type"])),
            correlation_id=self._ours[ticket_id],
        )

    async def _words(self, kind: ChangeKind, row: Raw) -> tuple[str | None, str | None]:
        old, new = str(row["OldValue"]), str(row["NewValue"])
        if kind == "status":
            return self._names.status_of(old), self._names.status_of(new)
        if kind == "moved":
            both = [self._names.queue_of(await self.queues.name(number)) for number in (old, new)]
            return both[0], both[1]
        return None, None

    async def _text(self, transaction: str) -> str:
        request = {"fields": "Content,ContentType,Filename", "per_page": _PER_PAGE}
        path = f"/transaction/{transaction}/attachments"
        rows = items(self._caller, await self._caller.read("GET", path, params=request))
        said_by = [row for row in rows if _is_text(row)]
        return without_mark("\n".join(plain_text(row) for row in said_by[:1]))


def _is_text(row: Raw) -> bool:
    return str(row["ContentType"]).startswith("text/") and not row.get("Filename")


def _visibility(kind: str) -> Any:
    return {"Comment": "internal", "Correspond": "public"}.get(kind)
