"""What happened to our tickets in Zendesk: the export says which changed, their audits say how."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from integrations.tickets.port import TicketChange, TicketSystemRefusedError
from integrations.tickets.systems.calling import Answer, Caller, said
from integrations.tickets.systems.naming import Names
from integrations.tickets.systems.plain_id import original
from integrations.tickets.systems.rendering import without_mark
from integrations.tickets.systems.window import asked_of_each

_PER_PAGE = 100
_EXPORT_AGE = timedelta(seconds=65)
"""Zendesk refuses to begin an export with the last minute."""
_SYSTEM_USER = -1
_KINDS = {"Comment": "comment", "VoiceComment": "comment", "status": "status", "group_id": "moved"}

Raw = dict[str, Any]


def told(caller: Caller, answer: Answer) -> Raw:
    """The JSON of an answer that must be a success."""
    if not answer.is_success:
        raise TicketSystemRefusedError(
            f"Zendesk does not answer as it should: {said(answer)}. Check the rights of the copilot's account."
        )
    found: Raw = caller.parsed(answer)
    return found


async def pages(
    caller: Caller, path: str, request: Mapping[str, str] | None = None
) -> AsyncIterator[Raw]:
    """All pages of a list, by Zendesk's cursors."""
    asked = {"page[size]": str(_PER_PAGE), **(request or {})}
    while True:
        page = told(caller, await caller.read("GET", path, params=asked))
        yield page
        meta = page.get("meta") or {}
        if not meta.get("has_more"):
            return
        asked["page[after]"] = meta["after_cursor"]


class Groups:
    """The groups of agents. They are asked for again when a new one turns up."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._names: dict[str, str] = {}

    async def name(self, number: str) -> str:
        if number not in self._names:
            await self._load()
        return self._names.get(number, f"group {number}" if number else "no group")

    async def number(self, name: str) -> int | None:
        if name not in self._names.values():
            await self._load()
        return next((int(number) for number, known in self._names.items() if known == name), None)

    async def _load(self) -> None:
        found: dict[str, str] = {}
        async for page in pages(self._caller, "/groups"):
            found |= {str(one["id"]): str(one["name"]) for one in page["groups"]}
        self._names = found


class ZendeskHistory:
    """A `window.Source`."""

    def __init__(self, caller: Caller, names: Names, *, tag: str, at_once: int) -> None:
        self.groups = Groups(caller)
        self._caller = caller
        self._names = names
        self._tag = tag
        self._at_once = at_once
        self._us: int | None = None

    async def us(self) -> int:
        """Number of the copilot's own account."""
        if self._us is None:
            answer = await self._caller.read("GET", "/users/me")
            self._us = int(told(self._caller, answer)["user"]["id"])
        return self._us

    async def now(self) -> datetime:
        answer = await self._caller.read("GET", "/users/me")
        self._us = int(told(self._caller, answer)["user"]["id"])
        return parsedate_to_datetime(answer.headers["Date"])

    async def since(self, moment: datetime, now: datetime) -> list[TicketChange]:
        begin = min(moment, now - _EXPORT_AGE)
        tickets = [raw async for raw in self._exported(begin) if self._is_ours(raw)]
        return await asked_of_each(
            tickets, lambda raw: self._changes(raw, moment), at_once=self._at_once
        )

    def _is_ours(self, raw: Raw) -> bool:
        return bool(raw.get("external_id")) and self._tag in (raw.get("tags") or ())

    async def _exported(self, begin: datetime) -> AsyncIterator[Raw]:
        asked = {"start_time": str(int(begin.timestamp()) - 1)}
        while True:
            answer = await self._caller.read("GET", "/incremental/tickets/cursor", params=asked)
            page = told(self._caller, answer)
            for raw in page["tickets"]:
                yield raw
            if page["end_of_stream"]:
                return
            asked = {"cursor": page["after_cursor"]}

    async def _changes(self, ticket: Raw, moment: datetime) -> list[TicketChange]:
        found: list[TicketChange] = []
        path = f"/tickets/{int(ticket['id'])}/audits"
        async for page in pages(self._caller, path, {"include": "users"}):
            names = {int(one["id"]): str(one["name"]) for one in page.get("users") or ()}
            for audit in page["audits"]:
                if moment_of(audit["created_at"]) >= moment.replace(microsecond=0):
                    found += await self._told(ticket, audit, names)
        return found

    async def _told(self, ticket: Raw, audit: Raw, names: Mapping[int, str]) -> list[TicketChange]:
        author = int(audit["author_id"])
        known: Raw = {
            "ticket_id": str(ticket["id"]),
            "at": moment_of(audit["created_at"]),
            "actor": names.get(author, str(author)),
            "actor_is_system": author == _SYSTEM_USER,
            "actor_is_us": author == await self.us(),
            "correlation_id": original(str(ticket["external_id"])),
        }
        if any(event["type"] == "Create" for event in audit["events"]):
            return [TicketChange(event_id=f"zendesk-audit-{audit['id']}", kind="created", **known)]
        changes = [await self._words(event) for event in audit["events"]]
        return [
            TicketChange(event_id=f"zendesk-audit-{audit['id']}-{event['id']}", **known, **words)
            for event, words in zip(audit["events"], changes, strict=True)
            if words
        ]

    async def _words(self, event: Raw) -> Raw:
        kind = _KINDS.get(event["field_name"] if event["type"] == "Change" else event["type"])
        if kind == "comment":
            text = without_mark(str(event.get("plain_body") or event["body"]))
            seen = "public" if event["public"] else "internal"
            return {"kind": kind, "text": text, "visibility": seen}
        if kind == "status":
            both = [self._names.status_of(str(event[name])) for name in ("previous_value", "value")]
            return {"kind": kind, "old": both[0], "new": both[1]}
        if kind == "moved":
            groups = [
                await self.groups.name(str(event[name] or ""))
                for name in ("previous_value", "value")
            ]
            return {
                "kind": kind,
                "old": self._names.queue_of(groups[0]),
                "new": self._names.queue_of(groups[1]),
            }
        return {}


def moment_of(date: str) -> datetime:
    return datetime.fromisoformat(date).astimezone(UTC)
