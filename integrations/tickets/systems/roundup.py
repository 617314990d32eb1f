"""Roundup over its REST interface.

Every change needs the version that it is made on; a ticket is made at an address that works once, so a request whose
answer was lost can be sent again without making a second one. Who did what is in a class of its own that a detector
of ours fills, because Roundup's REST interface has no history.
"""

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

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
    TicketSystemError,
    Unknown,
    Visibility,
)
from integrations.tickets.systems.calling import Answer, Caller, read_back, said
from integrations.tickets.systems.config import SystemConfig
from integrations.tickets.systems.naming import is_number, is_page
from integrations.tickets.systems.rendering import (
    an_address,
    digest,
    fields,
    one_line,
    rendered,
    sendable,
)
from integrations.tickets.systems.roundup_reading import (
    Raw,
    RoundupHistory,
    collection,
    data,
    ids_of,
    is_already,
    moment,
    name_of,
    pages_of,
    with_one,
)

SYSTEM = "roundup"
_GONE = (403, 404)
_CHANGED_MEANWHILE = 412
_CREATED = 201
_USED_UP = 400
_NEEDED = ("correlation_id", "queue", "requester", "related", "pages")

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


class RoundupConfig(SystemConfig):
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
        self._history = RoundupHistory(self._caller, self._names, us=config.user)

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
        made = {
            **custom,
            "title": one_line(ticket.title),
            "queue": queue,
            "status": self._config.statuses.get("new"),
            "priority": self._config.priorities.get(ticket.priority),
            "requester": an_address(ticket.requester_email) or one_line(ticket.requester_id),
            "correlation_id": ticket.correlation_id,
            "messages": [message],
        }
        return {name: value for name, value in made.items() if value is not None}

    async def _make_once(self, path: str, ticket: Raw) -> Outcome:
        answer = await self._caller.write("POST", path, json=ticket)
        if isinstance(answer, Unknown):
            return await self._settled(path, ticket, answer)
        if answer.status_code != _CREATED:
            return Rejected(said(answer))
        return await read_back(self.get(str(data(self._caller, answer)["id"])))

    async def _settled(self, path: str, ticket: Raw, lost: Unknown) -> Outcome:
        """Send it to the same address again: it works now, or it did the first time."""
        try:
            answer = await self._caller.write("POST", path, json=ticket)
            if isinstance(answer, Unknown):
                return lost
            if answer.status_code == _CREATED:
                return await read_back(self.get(str(data(self._caller, answer)["id"])))
            known = await self.find(ticket["correlation_id"])
        except TicketSystemError as error:
            return Unknown(f"{lost.reason} {error}")
        if known is not None:
            return Applied(known)
        return lost if answer.status_code == _USED_UP else Rejected(said(answer))

    async def find(self, correlation_id: str) -> RemoteTicket | None:
        request = {"correlation_id:": correlation_id, "@fields": "correlation_id", "@sort": "id"}
        found = await collection(self._caller, "issue", request)
        ours = [one["id"] for one in found if one["correlation_id"] == correlation_id]
        return await self.get(str(ours[0])) if ours else None

    async def get(self, ticket_id: str) -> RemoteTicket | None:
        raw = await self._raw(ticket_id)
        return None if raw is None else self._ticket(raw)

    async def comment(
        self, ticket_id: str, text: str, *, visibility: Visibility, key: str
    ) -> Outcome:
        """Whoever may open the ticket reads it, whatever `visibility` says."""
        del visibility
        if await self._raw(ticket_id) is None:
            return _unknown_ticket(ticket_id)
        message = {"content": sendable(text), "copilot_key": digest(key)}
        made = await self._made("/data/msg", message)
        if isinstance(made, Rejected):
            return made

        def changed(raw: Raw) -> Raw:
            return {"messages": [*ids_of(raw, "messages"), made["id"]]}

        return await self._change(ticket_id, changed, None)

    async def has_comment(self, ticket_id: str, key: str) -> bool:
        raw = await self._raw(ticket_id)
        if raw is None:
            return False
        found = await collection(self._caller, "msg", {"copilot_key:": digest(key)})
        return not {str(one["id"]) for one in found}.isdisjoint(ids_of(raw, "messages"))

    async def set_status(
        self, ticket_id: str, status: RemoteStatus, *, version: str | None = None
    ) -> Outcome:
        theirs = self._config.statuses.get(status)
        if theirs is None:
            return Rejected(self._names.unknown_status(SYSTEM, status))
        return await self._change(ticket_id, lambda _: {"status": theirs}, version)

    async def move(self, ticket_id: str, queue: str, *, version: str | None = None) -> Outcome:
        theirs = self._config.queues.get(queue)
        if theirs is None:
            return Rejected(self._names.unknown_queue(SYSTEM, queue))
        return await self._change(ticket_id, lambda _: {"queue": theirs}, version)

    async def link(self, ticket_id: str, other: str) -> Outcome:
        if is_number(other):
            return await self._change(
                ticket_id, lambda raw: {"related": with_one(ids_of(raw, "related"), other)}, None
            )
        if is_page(other):
            return await self._change(
                ticket_id, lambda raw: {"pages": "\n".join(with_one(pages_of(raw), other))}, None
            )
        return Rejected(f"'{other}' is neither a ticket's number nor a web address.")

    async def history(self, since: str | None, *, limit: int = 100) -> ChangePage:
        return await self._history.page(since, limit)

    async def problems(self) -> list[str]:
        try:
            names = await collection(self._caller, "queue", {"@fields": "name"})
            await collection(self._caller, "change", {"@page_size": "1"})
            await collection(self._caller, "msg", {"@fields": "copilot_key", "@page_size": "1"})
            wanted = ",".join((*_NEEDED, *self._config.fields))
            await collection(self._caller, "issue", {"@fields": wanted, "@page_size": "1"})
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
        return data(self._caller, answer) if answer.is_success else Rejected(said(answer))

    async def _change(
        self, ticket_id: str, changed: Callable[[Raw], Raw], version: str | None
    ) -> Outcome:
        for _ in range(self._config.conflict_tries):
            raw = await self._raw(ticket_id)
            if raw is None:
                return _unknown_ticket(ticket_id)
            if version is not None and version != raw["@etag"]:
                return Conflict(raw["@etag"])
            wanted = changed(raw)
            if is_already(raw, wanted):
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

    async def _judged(self, ticket_id: str, wanted: Raw, answer: Answer) -> Outcome:
        if not answer.is_success:
            return Rejected(said(answer))
        try:
            raw = await self._raw(ticket_id)
        except TicketSystemError as error:
            return Unknown(f"It was sent, and can't be read back. {error}")
        if raw is None or not is_already(raw, wanted):
            return Rejected(f"Roundup did not set {', '.join(wanted)} of ticket {ticket_id}.")
        return Applied(self._ticket(raw))

    async def _raw(self, ticket_id: str) -> Raw | None:
        if not is_number(ticket_id):
            return None
        path = f"/data/issue/{ticket_id}"
        answer = await self._caller.read(
            "GET", path, params={"@verbose": "2", "@protected": "true"}
        )
        if answer.status_code in _GONE:
            return None
        told = data(self._caller, answer)
        return {**told["attributes"], "id": str(told["id"]), "@etag": told["@etag"]}

    def _ticket(self, raw: Raw) -> RemoteTicket:
        return RemoteTicket(
            system=SYSTEM,
            id=raw["id"],
            url=f"{self._config.web}/issue{raw['id']}",
            version=raw["@etag"],
            correlation_id=raw["correlation_id"],
            title=raw["title"],
            queue=self._names.queue_of(name_of(raw["queue"])),
            status=self._names.status_of(name_of(raw["status"])),
            priority=self._names.priority_of(name_of(raw["priority"])),
            assignee=name_of(raw["assignedto"]) or None,
            requester=raw["requester"],
            links=(*ids_of(raw, "related"), *pages_of(raw)),
            updated_at=moment(raw["activity"]),
        )


def _unknown_ticket(ticket_id: str) -> Rejected:
    return Rejected(f"Roundup shows no ticket '{ticket_id}' to the copilot's account.")
