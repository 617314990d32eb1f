"""Request Tracker 5 over its REST2 interface.

RT answers 200 to changes that it does not make, so every change is read back and compared. It can't tell a repeated
request: a ticket carries our correlation id in a custom field, and is looked for before another is made.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

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
    TicketSystemRefusedError,
    Unknown,
    Visibility,
)
from integrations.tickets.systems.calling import Answer, Caller, read_back, said
from integrations.tickets.systems.config import SystemConfig
from integrations.tickets.systems.naming import is_number, is_page
from integrations.tickets.systems.rendering import (
    an_address,
    fields,
    has_mark,
    marked,
    one_line,
    rendered,
)
from integrations.tickets.systems.rt_history import (
    RtHistory,
    correlation_of,
    items,
    plain_text,
    quoted,
)

SYSTEM = "rt"
_NOBODY = "Nobody"
_ID_CHARS = 200
_GONE = (403, 404)
_CHANGED_MEANWHILE = 412
_PER_PAGE = 100

_STATUSES: dict[RemoteStatus, str] = {
    "new": "new",
    "open": "open",
    "pending_user": "stalled",
    "pending_vendor": "stalled",
    "resolved": "resolved",
    "closed": "resolved",
}
_FIELDS = {
    "Summary": "summary", "Category": "category", "Subcategory": "subcategory", "Employee": "employee", "Device": "device",
    "Application": "application", "Reason": "reason", "Steps-Tried": "steps_tried", "Error-Messages": "error_messages",
    "Next-Step": "next_step", "Confidence": "confidence", "Transcript": "transcript",
}  # fmt: skip


class RtConfig(SystemConfig):
    """How one company's RT is used."""

    token: SecretStr
    """Authentication token of the copilot's own account."""
    user: str = "svc-copilot"
    """Name of that account: what it does is no news."""
    queues: Mapping[str, str]
    """The company's queues, and the name of each in RT."""
    statuses: Mapping[RemoteStatus, str] = Field(default_factory=lambda: dict(_STATUSES))
    """Our states in RT's lifecycle; the default is RT's own, where waiting and being done are one state each."""
    also_read: Mapping[str, RemoteStatus] = {"rejected": "closed", "deleted": "closed"}
    """States that only people set."""
    priorities: Mapping[Priority, str] = {"P1": "100", "P2": "75", "P3": "50", "P4": "0"}
    """RT's number of each priority."""
    correlation_field: str = "Correlation-Id"
    """Custom field that holds our id; tickets of the queues must have it."""
    fields: Mapping[str, str] = Field(default_factory=lambda: dict(_FIELDS))
    """Custom fields that are filled where a queue has them, and the part of the handoff that each takes."""
    system_users: tuple[str, ...] = ("RT_System",)
    """Accounts that are no people."""
    settle_seconds: float = Field(default=2.0, ge=0)
    """Changes younger than this are told the next time: a database numbers a change before others see it."""


class RtDesk:
    """The company's RT as its ticket desk."""

    system = SYSTEM
    capabilities = Capabilities(
        optimistic_lock=True, webhooks=True, internal_notes=True, custom_fields=True
    )

    def __init__(self, config: RtConfig) -> None:
        self._config = config
        self._names = config.names
        self._caller = Caller(
            SYSTEM,
            config.model_copy(update={"url": f"{config.base}/REST/2.0"}),
            headers={"Authorization": f"token {config.token.get_secret_value()}"},
        )
        self._history = RtHistory(
            self._caller,
            self._names,
            us=config.user,
            system_users=config.system_users,
            correlation_field=config.correlation_field,
            settle_seconds=config.settle_seconds,
        )
        self._queue_fields: dict[str, frozenset[str]] = {}

    async def create(self, ticket: NewTicket) -> Outcome:
        queue = self._config.queues.get(ticket.queue)
        if queue is None:
            return Rejected(self._names.unknown_queue(SYSTEM, ticket.queue))
        if len(ticket.correlation_id) > _ID_CHARS:
            return Rejected(f"The correlation id is longer than {_ID_CHARS} characters.")
        known = await self._fields_of(queue)
        if known is None:
            return Rejected(f"RT has no queue '{queue}' that the copilot's account may see.")
        if self._config.correlation_field not in known:
            raise TicketSystemRefusedError(self._missing_field(queue))
        answer = await self._caller.write(
            "POST", "/ticket", json=self._as_made(ticket, queue, known)
        )
        if isinstance(answer, Unknown):
            return answer
        if not answer.is_success:
            return Rejected(said(answer))
        return await read_back(self.get(str(self._caller.parsed(answer).get("id"))))

    def _as_made(self, ticket: NewTicket, queue: str, known: frozenset[str]) -> dict[str, Any]:
        parts = fields(ticket)
        custom = {
            name: parts[part]
            for name, part in self._config.fields.items()
            if name in known and part in parts
        }
        made = {
            "Queue": queue,
            "Subject": one_line(ticket.title),
            "Content": rendered(ticket),
            "ContentType": "text/plain",
            "Requestor": an_address(ticket.requester_email),
            "Priority": self._config.priorities.get(ticket.priority),
            "CustomFields": {**custom, self._config.correlation_field: ticket.correlation_id},
        }
        return {name: value for name, value in made.items() if value is not None}

    async def find(self, correlation_id: str) -> RemoteTicket | None:
        field = self._config.correlation_field
        request = {
            "query": f"CF.{{{field}}} = {quoted(correlation_id)}",
            "fields": "CustomFields",
            "orderby": "id",
            "per_page": _PER_PAGE,
        }
        found = items(self._caller, await self._caller.read("GET", "/tickets", params=request))
        # RT does not tell upper from lower case; ids are the same only if every character is.
        ours = [one["id"] for one in found if correlation_of(one, field) == correlation_id]
        return await self.get(str(ours[0])) if ours else None

    async def get(self, ticket_id: str) -> RemoteTicket | None:
        raw = await self._raw(ticket_id)
        return None if raw is None else await self._ticket(raw)

    async def comment(
        self, ticket_id: str, text: str, *, visibility: Visibility, key: str
    ) -> Outcome:
        if not is_number(ticket_id):
            return _unknown_ticket(ticket_id)
        how = "correspond" if visibility == "public" else "comment"
        message = {"Content": marked(text, key), "ContentType": "text/plain"}
        answer = await self._caller.write("POST", f"/ticket/{ticket_id}/{how}", json=message)
        if isinstance(answer, Unknown):
            return answer
        if not answer.is_success:
            return Rejected(f"RT takes no {how} on ticket {ticket_id}: {said(answer)}")
        return await read_back(self.get(ticket_id))

    async def has_comment(self, ticket_id: str, key: str) -> bool:
        if not is_number(ticket_id):
            return False
        page = 1
        while True:
            request = {
                "fields": "Content,ContentType",
                "orderby": "id",
                "order": "DESC",
                "per_page": _PER_PAGE,
                "page": page,
            }
            path = f"/ticket/{ticket_id}/attachments"
            found = items(self._caller, await self._caller.read("GET", path, params=request))
            if any(has_mark(plain_text(one), key) for one in found):
                return True
            if not found:
                return False
            page += 1

    async def set_status(
        self, ticket_id: str, status: RemoteStatus, *, version: str | None = None
    ) -> Outcome:
        theirs = self._config.statuses.get(status)
        if theirs is None:
            return Rejected(self._names.unknown_status(SYSTEM, status))
        return await self._change(ticket_id, "Status", theirs, version)

    async def move(self, ticket_id: str, queue: str, *, version: str | None = None) -> Outcome:
        theirs = self._config.queues.get(queue)
        if theirs is None:
            return Rejected(self._names.unknown_queue(SYSTEM, queue))
        return await self._change(ticket_id, "Queue", theirs, version)

    async def link(self, ticket_id: str, other: str) -> Outcome:
        if not is_number(other) and not is_page(other):
            return Rejected(f"'{other}' is neither a ticket's number nor a web address.")
        ticket = await self.get(ticket_id)
        if ticket is None:
            return _unknown_ticket(ticket_id)
        if other in ticket.links:
            return Applied(ticket)
        answer = await self._caller.write(
            "PUT", f"/ticket/{ticket_id}", json={"AddRefersTo": [other]}
        )
        if isinstance(answer, Unknown):
            return answer
        outcome = await read_back(self.get(ticket_id))
        if isinstance(outcome, Applied) and other not in outcome.ticket.links:
            return Rejected(said(answer))
        return outcome

    async def history(self, since: str | None, *, limit: int = 100) -> ChangePage:
        return await self._history.page(since, limit)

    async def problems(self) -> list[str]:
        try:
            found = [await self._problem_of(queue) for queue in self._config.queues.values()]
            us = await self._caller.read("GET", f"/user/{quote(self._config.user, safe='')}")
        except TicketSystemError as error:
            return [str(error)]
        if not us.is_success:
            found.append(
                f"RT shows no account '{self._config.user}'. Set COPILOT_TICKETS_USER to the name of the token's owner."
            )
        return [problem for problem in found if problem]

    async def close(self) -> None:
        await self._caller.close()

    async def _problem_of(self, queue: str) -> str | None:
        known = await self._fields_of(queue)
        if known is None:
            return f"RT has no queue '{queue}' that the copilot's account may see. Give it SeeQueue there."
        return None if self._config.correlation_field in known else self._missing_field(queue)

    def _missing_field(self, queue: str) -> str:
        return (
            f"Tickets of RT's queue '{queue}' have no field '{self._config.correlation_field}' that the copilot's "
            "account may see. Make the custom field, apply it to the queue and give the account SeeCustomField."
        )

    async def _fields_of(self, queue: str) -> frozenset[str] | None:
        """The custom fields of a queue's tickets, `None` where there is no such queue."""
        if queue in self._queue_fields:
            return self._queue_fields[queue]
        named = self._history.queues
        number = await named.number(queue)
        if number is None:
            return None
        answer = await self._caller.read("GET", f"/queue/{number}")
        if not answer.is_success:
            return None
        custom = self._caller.parsed(answer).get("TicketCustomFields") or []
        known = frozenset(str(one["name"]) for one in custom)
        if self._config.correlation_field in known:
            self._queue_fields[queue] = known
        return known

    async def _change(self, ticket_id: str, name: str, value: str, version: str | None) -> Outcome:
        before = await self._raw(ticket_id)
        if before is None:
            return _unknown_ticket(ticket_id)
        if version is not None and version != before["version"]:
            return Conflict(before["version"])
        if await self._value(before, name) == value:
            return Applied(await self._ticket(before))
        guard = {} if version is None else {"If-Match": f'"{version}"'}
        answer = await self._caller.write(
            "PUT", f"/ticket/{ticket_id}", json={name: value}, headers=guard
        )
        return (
            answer
            if isinstance(answer, Unknown)
            else await self._judged(ticket_id, name, value, answer)
        )

    async def _judged(self, ticket_id: str, name: str, value: str, answer: Answer) -> Outcome:
        try:
            after = await self._raw(ticket_id)
            if after is None:
                # Moved to where the copilot's account sees nothing.
                return Rejected(f"Ticket {ticket_id} can't be seen any more: {said(answer)}")
            if answer.status_code == _CHANGED_MEANWHILE:
                return Conflict(after["version"])
            if await self._value(after, name) != value:
                return Rejected(f"RT did not set {name} to '{value}': {said(answer)}")
            return Applied(await self._ticket(after))
        except TicketSystemError as error:
            return Unknown(f"It was sent, and can't be read back. {error}")

    async def _raw(self, ticket_id: str) -> dict[str, Any] | None:
        """The ticket as RT tells it, with its version."""
        if not is_number(ticket_id):
            return None
        answer = await self._caller.read("GET", f"/ticket/{ticket_id}")
        if answer.status_code in _GONE:
            return None
        raw: dict[str, Any] = self._caller.parsed(answer)
        return {**raw, "version": answer.headers.get("ETag", "").strip('"')}

    async def _value(self, raw: dict[str, Any], name: str) -> str:
        if name == "Queue":
            return await self._history.queues.name(str(raw["Queue"]["id"]))
        return str(raw[name])

    async def _ticket(self, raw: dict[str, Any]) -> RemoteTicket:
        owner = str(raw["Owner"]["id"])
        requestors = raw.get("Requestor") or []
        return RemoteTicket(
            system=SYSTEM,
            id=str(raw["id"]),
            url=f"{self._config.web}/Ticket/Display.html?id={raw['id']}",
            version=raw["version"],
            correlation_id=correlation_of(raw, self._config.correlation_field),
            title=str(raw["Subject"]),
            queue=self._names.queue_of(await self._value(raw, "Queue")),
            status=self._names.status_of(str(raw["Status"])),
            priority=self._names.priority_of(str(raw["Priority"])),
            assignee=None if owner == _NOBODY else owner,
            requester=str(requestors[0]["id"]) if requestors else None,
            links=tuple(
                str(one["id"] if one.get("type") == "ticket" else one["_url"])
                for one in raw.get("_hyperlinks", ())
                if one.get("ref") == "refers-to"
            ),
            updated_at=datetime.fromisoformat(str(raw["LastUpdated"])),
        )


def _unknown_ticket(ticket_id: str) -> Rejected:
    return Rejected(f"RT shows no ticket '{ticket_id}' to the copilot's account.")
