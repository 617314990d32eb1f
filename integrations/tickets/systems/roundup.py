"""Roundup over its REST interface.

Every change needs the version that it is made on; a ticket is made at an address that works once, so a request whose
answer was lost can be sent again without making a second one. Who did what is in a class of its own that a detector
of ours fills, because Roundup's REST interface has no history.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from httpx import Response
from pydantic import Field, SecretStr

from copilot.conversation import Priority
from integrations.tickets.port import (
    Applied,
    Capabilities,
    ChangePage,
    Conflict,
    NewTicket,
    Outcome,
    Rejected,
    RemoteStatus,
    RemoteTicket,
    TicketChange,
    TicketSystemError,
    TicketSystemRefusedError,
    Unknown,
    Visibility,
)
from integrations.tickets.systems.calling import Caller, Connection, said
from integrations.tickets.systems.naming import Names
from integrations.tickets.systems.rendering import (
    an_address,
    digest,
    fields,
    one_line,
    rendered,
    sendable,
)

SYSTEM = "roundup"
_NUMBER = re.compile(r"[1-9][0-9]{0,17}")
_PAGE_URL = re.compile(r"https?://[^\s<>\"]{1,500}")
_GONE = (403, 404)
_CHANGED_MEANWHILE = 412
_CREATED = 201
_USED_UP = 400
_PER_PAGE = 100
_NEEDED = ("correlation_id", "queue", "requester", "related", "pages")

Raw = dict[str, Any]

_STATUSES: dict[RemoteStatus, str] = {
    "new": "new",
    "open": "open",
    "pending_user": "waiting for user",
    "pending_vendor": "waiting for vendor",
    "resolved": "resolved",
    "closed": "closed",
}
_FIELDS = {
    name: name
    for name in ("category", "subcategory", "employee", "device", "application", "reason", "confidence", "transcript")
}  # fmt: skip


class RoundupConfig(Connection):
    """How one company's Roundup is used; `url` is the tracker's, like `https://issues.example.com/it`."""

    user: str
    """The copilot's own account: what it does is no news."""
    password: SecretStr
    queues: Mapping[str, str]
    """The company's queues, and the name of each in Roundup's class `queue`."""
    statuses: Mapping[RemoteStatus, str] = Field(default_factory=lambda: dict(_STATUSES))
    """Our states, and the name of each in Roundup's class `status`."""
    also_read: Mapping[str, RemoteStatus] = Field(default_factory=dict)
    """States that only people set."""
    priorities: Mapping[Priority, str] = {
        "P1": "critical",
        "P2": "high",
        "P3": "normal",
        "P4": "low",
    }
    """Names in Roundup's class `priority`."""
    fields: Mapping[str, str] = Field(default_factory=lambda: dict(_FIELDS))
    """Properties of an issue that are filled, and the part of the handoff that each takes."""
    conflict_tries: int = Field(default=3, ge=1)
    """How often a change that need not see the latest version is tried when others change the ticket too."""

    @property
    def names(self) -> Names:
        return Names(
            queues=self.queues,
            statuses=self.statuses,
            also_read=self.also_read,
            priorities=self.priorities,
        )


class RoundupDesk:
    """The company's Roundup as its ticket desk. Whoever may open a ticket there sees every message."""

    system = SYSTEM
    capabilities = Capabilities(optimistic_lock=True, custom_fields=True)

    def __init__(self, config: RoundupConfig) -> None:
        self._config = config
        self._names = config.names
        web = urlsplit(config.web)
        self._caller = Caller(
            SYSTEM,
            config.model_copy(update={"url": f"{config.base}/rest"}),
            headers={
                # Roundup takes only what is meant for the address under which people open it.
                "Host": web.netloc,
                "X-Requested-With": "rest",
                "Origin": f"{web.scheme}://{web.netloc}",
                "Referer": f"{config.web}/",
            },
            auth=(config.user, config.password.get_secret_value()),
        )

    async def create(self, ticket: NewTicket) -> Outcome:
        queue = self._config.queues.get(ticket.queue)
        if queue is None:
            return Rejected(self._names.unknown_queue(SYSTEM, ticket.queue))
        # A message alone is on no ticket: losing the answer to it loses nothing.
        text = await self._made("/data/msg", {"content": rendered(ticket)})
        once = await self._made("/data/issue/@poe", {})
        if isinstance(text, Rejected):
            return text
        if isinstance(once, Rejected):
            return once
        path = f"/data/issue/@poe/{once['link'].rpartition('/')[2]}"
        return await self._make_once(path, self._as_made(ticket, queue, text["id"]))

    def _as_made(self, ticket: NewTicket, queue: str, message: str) -> Raw:
        parts = fields(ticket)
        custom = {name: parts[part] for name, part in self._config.fields.items() if part in parts}
        return {
            **custom,
            "title": one_line(ticket.title),
            "queue": queue,
            "status": self._config.statuses["new"],
            "priority": self._config.priorities[ticket.priority],
            "requester": an_address(ticket.requester_email) or one_line(ticket.requester_id),
            "correlation_id": ticket.correlation_id,
            "messages": [message],
        }

    async def _make_once(self, path: str, ticket: Raw) -> Outcome:
        answer = await self._caller.write("POST", path, json=ticket)
        if isinstance(answer, Unknown):
            return await self._settled(path, ticket, answer)
        if answer.status_code != _CREATED:
            return Rejected(said(answer))
        return await self._read_back(str(self._data(answer)["id"]))

    async def _settled(self, path: str, ticket: Raw, lost: Unknown) -> Outcome:
        """Send it to the same address again: it works now, or it did the first time."""
        try:
            answer = await self._caller.write("POST", path, json=ticket)
            if isinstance(answer, Unknown):
                return lost
            if answer.status_code == _CREATED:
                return await self._read_back(str(self._data(answer)["id"]))
            known = await self.find(ticket["correlation_id"])
        except TicketSystemError as error:
            return Unknown(f"{lost.reason} {error}")
        if known is not None:
            return Applied(known)
        return lost if answer.status_code == _USED_UP else Rejected(said(answer))

    async def find(self, correlation_id: str) -> RemoteTicket | None:
        request = {"correlation_id:": correlation_id, "@fields": "correlation_id", "@sort": "id"}
        found = await self._collection("issue", request)
        ours = [one["id"] for one in found if one["correlation_id"] == correlation_id]
        return await self.get(str(ours[0])) if ours else None

    async def get(self, ticket_id: str) -> RemoteTicket | None:
        raw = await self._raw(ticket_id)
        return None if raw is None else self._ticket(raw)

    async def comment(
        self, ticket_id: str, text: str, *, visibility: Visibility, key: str
    ) -> Outcome:
        if await self._raw(ticket_id) is None:
            return _unknown_ticket(ticket_id)
        message = {"content": sendable(text), "copilot_key": digest(key)}
        made = await self._made("/data/msg", message)
        if isinstance(made, Rejected):
            return made

        def changed(raw: Raw) -> Raw:
            return {"messages": [*_ids(raw, "messages"), made["id"]]}

        return await self._change(ticket_id, changed, None)

    async def has_comment(self, ticket_id: str, key: str) -> bool:
        raw = await self._raw(ticket_id)
        if raw is None:
            return False
        found = await self._collection("msg", {"copilot_key:": digest(key)})
        return not {str(one["id"]) for one in found}.isdisjoint(_ids(raw, "messages"))

    async def set_status(
        self, ticket_id: str, status: RemoteStatus, *, version: str | None = None
    ) -> Outcome:
        theirs = self._config.statuses.get(status)
        if theirs is None:
            return Rejected(self._names.unknown_status(SYSTEM, status))
        return await self._change(ticket_id, lambda raw: {"status": theirs}, version)

    async def move(self, ticket_id: str, queue: str, *, version: str | None = None) -> Outcome:
        theirs = self._config.queues.get(queue)
        if theirs is None:
            return Rejected(self._names.unknown_queue(SYSTEM, queue))
        return await self._change(ticket_id, lambda raw: {"queue": theirs}, version)

    async def link(self, ticket_id: str, other: str) -> Outcome:
        if _NUMBER.fullmatch(other):
            return await self._change(
                ticket_id, lambda raw: {"related": _with(_ids(raw, "related"), other)}, None
            )
        if _PAGE_URL.fullmatch(other):
            return await self._change(
                ticket_id, lambda raw: {"pages": "\n".join(_with(_pages(raw), other))}, None
            )
        return Rejected(f"'{other}' is neither a ticket's number nor a web address.")

    async def history(self, since: str | None, *, limit: int = 100) -> ChangePage:
        newest_first = {"@sort": "-id", "@page_size": "1"}
        newest = await self._collection("change", newest_first)
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
        rows = await self._collection("change", request)
        changes = [await self._told(row) for row in rows]
        return ChangePage(changes=tuple(changes), cursor=str(until), is_last=until == last)

    async def problems(self) -> list[str]:
        try:
            names = await self._collection("queue", {"@fields": "name"})
            await self._collection("change", {"@page_size": "1"})
            await self._collection("msg", {"@fields": "copilot_key", "@page_size": "1"})
            wanted = ",".join((*_NEEDED, *self._config.fields))
            await self._collection("issue", {"@fields": wanted, "@page_size": "1"})
        except TicketSystemError as error:
            return [str(error)]
        known = {str(one["name"]) for one in names}
        missing = sorted(set(self._config.queues.values()) - known)
        return [f"Roundup has no queue '{name}'. Make it in its class `queue`." for name in missing]

    async def close(self) -> None:
        await self._caller.close()

    async def _made(self, path: str, item: Raw) -> Raw | Rejected:
        """Something that changes no ticket."""
        answer = await self._caller.read("POST", path, json=item)
        return self._data(answer) if answer.is_success else Rejected(said(answer))

    async def _change(self, ticket_id: str, changed: Any, version: str | None) -> Outcome:
        for _ in range(self._config.conflict_tries):
            raw = await self._raw(ticket_id)
            if raw is None:
                return _unknown_ticket(ticket_id)
            if version is not None and version != raw["@etag"]:
                return Conflict(raw["@etag"])
            wanted = changed(raw)
            if _has(raw, wanted):
                return Applied(self._ticket(raw))
            answer = await self._caller.write(
                "PUT", f"/data/issue/{ticket_id}", json=wanted, headers={"If-Match": raw["@etag"]}
            )
            if isinstance(answer, Unknown):
                return answer
            if answer.status_code != _CHANGED_MEANWHILE:
                return await self._judged(ticket_id, wanted, answer)
        return await self._conflict(ticket_id)

    async def _conflict(self, ticket_id: str) -> Outcome:
        raw = await self._raw(ticket_id)
        return _unknown_ticket(ticket_id) if raw is None else Conflict(raw["@etag"])

    async def _judged(self, ticket_id: str, wanted: Raw, answer: Response) -> Outcome:
        if not answer.is_success:
            return Rejected(said(answer))
        try:
            raw = await self._raw(ticket_id)
        except TicketSystemError as error:
            return Unknown(f"It was sent, and can't be read back. {error}")
        if raw is None or not _has(raw, wanted):
            return Rejected(f"Roundup did not set {', '.join(wanted)} of ticket {ticket_id}.")
        return Applied(self._ticket(raw))

    async def _read_back(self, ticket_id: str) -> Outcome:
        try:
            ticket = await self.get(ticket_id)
        except TicketSystemError as error:
            return Unknown(f"It was sent, and can't be read back. {error}")
        if ticket is None:
            return Unknown(f"Roundup took it, and does not show ticket {ticket_id} to the account.")
        return Applied(ticket)

    async def _raw(self, ticket_id: str) -> Raw | None:
        if not _NUMBER.fullmatch(ticket_id):
            return None
        path = f"/data/issue/{ticket_id}"
        answer = await self._caller.read(
            "GET", path, params={"@verbose": "2", "@protected": "true"}
        )
        if answer.status_code in _GONE:
            return None
        data = self._data(answer)
        return {**data["attributes"], "id": str(data["id"]), "@etag": data["@etag"]}

    async def _collection(self, name: str, request: Mapping[str, Any]) -> list[Raw]:
        answer = await self._caller.read("GET", f"/data/{name}", params=request)
        found: list[Raw] = self._data(answer)["collection"]
        return found

    def _data(self, answer: Response) -> Raw:
        told = self._caller.parsed(answer)
        if not answer.is_success or "data" not in told:
            raise TicketSystemRefusedError(
                f"Roundup does not answer as it should: {said(answer)}. Check the tracker's schema and the "
                "rights of the copilot's account."
            )
        data: Raw = told["data"]
        return data

    def _ticket(self, raw: Raw) -> RemoteTicket:
        return RemoteTicket(
            system=SYSTEM,
            id=raw["id"],
            url=f"{self._config.web}/issue{raw['id']}",
            version=raw["@etag"],
            correlation_id=raw["correlation_id"],
            title=raw["title"],
            queue=self._names.queue_of(_name(raw["queue"])),
            status=self._names.status_of(_name(raw["status"])),
            priority=self._names.priority_of(_name(raw["priority"])),
            assignee=_name(raw["assignedto"]) or None,
            requester=raw["requester"],
            links=(*_ids(raw, "related"), *_pages(raw)),
            updated_at=_moment(raw["activity"]),
        )

    async def _told(self, row: Raw) -> TicketChange:
        old, new = row["old"] or "", row["new"] or ""
        if row["kind"] == "status":
            old, new = self._names.status_of(old), self._names.status_of(new)
        if row["kind"] == "moved":
            old, new = self._names.queue_of(old), self._names.queue_of(new)
        actor = _name(row["creator"])
        return TicketChange(
            event_id=f"roundup-change-{row['id']}",
            ticket_id=str(row["issue"]["id"]),
            kind=row["kind"],
            at=_moment(row["creation"]),
            actor=actor,
            actor_is_us=actor == self._config.user,
            old=old or None,
            new=new or None,
            text=await self._text(row["message"]["id"]) if row["message"] else None,
            visibility="public" if row["message"] else None,
            correlation_id=row["correlation_id"],
        )

    async def _text(self, message: str) -> str:
        answer = await self._caller.read("GET", f"/data/msg/{message}", params={"@verbose": "3"})
        return str(self._data(answer)["attributes"]["content"])


def _name(linked: Raw | None) -> str:
    """What people call something that is linked to; a link tells it under the name of its own key."""
    told = linked or {}
    return str(told.get("name") or told.get("username") or "")


def _ids(raw: Raw, name: str) -> list[str]:
    return [str(one["id"]) for one in raw[name]]


def _pages(raw: Raw) -> list[str]:
    return str(raw["pages"] or "").split()


def _with(known: list[str], one: str) -> list[str]:
    return known if one in known else [*known, one]


def _has(raw: Raw, wanted: Raw) -> bool:
    """Whether the ticket is as it is wanted already."""
    now = {
        name: _ids(raw, name)
        if isinstance(value, list)
        else raw[name]
        if name == "pages"
        else _name(raw[name])
        for name, value in wanted.items()
    }
    return all(
        set(value) == set(now[name]) if isinstance(value, list) else value == now[name]
        for name, value in wanted.items()
    )


def _moment(date: str) -> datetime:
    return datetime.strptime(date.split(".")[0] + date.split(".")[1], "%Y-%m-%d%H:%M:%S").replace(
        tzinfo=UTC
    )


def _unknown_ticket(ticket_id: str) -> Rejected:
    return Rejected(f"Roundup shows no ticket '{ticket_id}' to the copilot's account.")
