"""Zendesk over its Support API v2.

It can tell a repeated request for some hours by our key, and finds tickets by our id as long as they are there. A ticket
that Zendesk closed can't be changed any more.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

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
from integrations.tickets.systems.plain_id import original, plain
from integrations.tickets.systems.rendering import an_address, has_mark, marked, one_line, rendered
from integrations.tickets.systems.shortening import shortened
from integrations.tickets.systems.window import changes
from integrations.tickets.systems.zendesk_history import ZendeskHistory, moment_of, pages, told

SYSTEM = "zendesk"
_ID_CHARS = 255
_BODY_BYTES = 65_000
_MISSING, _CHANGED_MEANWHILE, _BAD_REQUEST, _INVALID = 404, 409, 400, 422
_VERSION_CHARS = 12

_STATUSES: dict[RemoteStatus, str] = {
    "open": "open",
    # Zendesk never takes a ticket back to new, and closes what is solved by itself.
    "new": "open",
    "pending_user": "pending",
    "pending_vendor": "hold",
    "resolved": "solved",
    "closed": "solved",
}

Raw = dict[str, Any]


class ZendeskConfig(SystemConfig):
    """How one company's Zendesk is used."""

    user: str
    """E-mail address of the copilot's own agent."""
    token: SecretStr
    """API token."""
    queues: Mapping[str, str]
    """The company's queues, and the name of the group of each."""
    statuses: Mapping[RemoteStatus, str] = Field(default_factory=lambda: dict(_STATUSES))
    """Our states in Zendesk's. Those that share one are read back as the first of them."""
    also_read: Mapping[str, RemoteStatus] = {"new": "new", "closed": "closed"}
    """States that the copilot does not set."""
    priorities: Mapping[Priority, str] = {"P1": "urgent", "P2": "high", "P3": "normal", "P4": "low"}
    """Zendesk's name of each priority."""
    tag: str = "it-copilot"
    """Tag of every ticket that the copilot makes; whose changes are told is seen by it."""
    links_field: int
    """Number of the multi-line field that holds the links of a ticket, one a line."""
    stretch_seconds: float = Field(default=600.0, ge=120)
    """How late a change may show up in Zendesk's export and is told all the same."""
    conflict_tries: int = Field(default=3, ge=1)
    """How often a link is written again when others change the ticket at the same time."""


class ZendeskDesk:
    """The company's Zendesk as its ticket desk."""

    system = SYSTEM
    capabilities = Capabilities(
        server_idempotency=True,
        optimistic_lock=True,
        webhooks=True,
        internal_notes=True,
        custom_fields=True,
    )

    def __init__(self, config: ZendeskConfig) -> None:
        self._config = config
        self._names = config.names
        self._caller = Caller(
            SYSTEM,
            config.model_copy(update={"url": f"{config.base}/api/v2"}),
            auth=(f"{config.user}/token", config.token.get_secret_value()),
        )
        self._history = ZendeskHistory(
            self._caller, self._names, tag=config.tag, at_once=config.connections
        )

    async def create(self, ticket: NewTicket) -> Outcome:
        queue = self._config.queues.get(ticket.queue)
        if queue is None:
            return Rejected(self._names.unknown_queue(SYSTEM, ticket.queue))
        if len(plain(ticket.correlation_id)) > _ID_CHARS:
            return Rejected(f"The correlation id is longer than {_ID_CHARS} characters.")
        group = await self._history.groups.number(queue)
        if group is None:
            return Rejected(f"Zendesk has no group '{queue}' that the copilot's account may see.")
        wanted = self._as_made(ticket, group)
        answer = await self._sent(wanted)
        if _refuses_requester(answer):
            answer = await self._sent({**wanted, "requester": None})
        if isinstance(answer, Unknown):
            return answer
        if answer.status_code == _BAD_REQUEST and "Idempoten" in answer.text:
            # Sent before with other words: the ticket of that time is the ticket.
            known = await self.find(ticket.correlation_id)
            return Rejected(said(answer)) if known is None else Applied(known)
        if not answer.is_success:
            return Rejected(said(answer))
        made = self._caller.parsed(answer)["ticket"]["id"]
        return await read_back(self.get(str(made)))

    async def _sent(self, wanted: Raw) -> Answer | Unknown:
        given = {name: value for name, value in wanted.items() if value is not None}
        # Without a requester it is another request to Zendesk, and needs a key of its own.
        key = f"{wanted['external_id']}{'' if wanted['requester'] else '/alone'}"
        headers = {"Idempotency-Key": hashlib.sha256(key.encode()).hexdigest()}
        return await self._caller.write("POST", "/tickets", json={"ticket": given}, headers=headers)

    def _as_made(self, ticket: NewTicket, group: int) -> Raw:
        email = an_address(ticket.requester_email)
        name = one_line(ticket.requester_name or ticket.requester_id)
        return {
            "subject": one_line(ticket.title),
            "comment": {
                "body": _harmless(shortened(rendered(ticket), _BODY_BYTES)),
                "public": False,
            },
            "requester": {"name": name, "email": email} if email else None,
            "external_id": plain(ticket.correlation_id),
            "group_id": group,
            "priority": self._config.priorities.get(ticket.priority),
            "tags": [self._config.tag],
        }

    async def find(self, correlation_id: str) -> RemoteTicket | None:
        if not correlation_id:
            return None
        sought = {"external_id": plain(correlation_id)}
        answer = await self._caller.read("GET", "/tickets", params=sought)
        found = told(self._caller, answer)["tickets"]
        ours = [int(one["id"]) for one in found if one["external_id"] == sought["external_id"]]
        return await self.get(str(min(ours))) if ours else None

    async def get(self, ticket_id: str) -> RemoteTicket | None:
        raw = await self._raw(ticket_id)
        return None if raw is None else await self._ticket(raw)

    async def comment(
        self, ticket_id: str, text: str, *, visibility: Visibility, key: str
    ) -> Outcome:
        body = _harmless(marked(shortened(text, _BODY_BYTES), key))
        wanted = {"comment": {"body": body, "public": visibility == "public"}}
        return await self._written(ticket_id, wanted)

    async def has_comment(self, ticket_id: str, key: str) -> bool:
        if await self._raw(ticket_id) is None:
            return False
        async for page in pages(self._caller, f"/tickets/{ticket_id}/comments"):
            if any(has_mark(str(one.get("plain_body") or one["body"]), key) for one in page["comments"]):  # fmt: skip
                return True
        return False

    async def set_status(
        self, ticket_id: str, status: RemoteStatus, *, version: str | None = None
    ) -> Outcome:
        theirs = self._config.statuses.get(status)
        if theirs is None:
            return Rejected(self._names.unknown_status(SYSTEM, status))
        return await self._change(ticket_id, "status", theirs, version)

    async def move(self, ticket_id: str, queue: str, *, version: str | None = None) -> Outcome:
        theirs = self._config.queues.get(queue)
        if theirs is None:
            return Rejected(self._names.unknown_queue(SYSTEM, queue))
        group = await self._history.groups.number(theirs)
        if group is None:
            return Rejected(f"Zendesk has no group '{theirs}' that the copilot's account may see.")
        return await self._change(ticket_id, "group_id", group, version)

    async def link(self, ticket_id: str, other: str) -> Outcome:
        if not is_number(other) and not is_page(other):
            return Rejected(f"'{other}' is neither a ticket's number nor a web address.")
        outcome: Outcome = _unknown_ticket(ticket_id)
        for _ in range(self._config.conflict_tries):
            raw = await self._raw(ticket_id)
            if raw is None:
                return _unknown_ticket(ticket_id)
            if other in self._links(raw):
                return Applied(await self._ticket(raw))
            value = "\n".join([*self._links(raw), other])
            wanted = {"custom_fields": [{"id": self._config.links_field, "value": value}]}
            outcome = await self._written(ticket_id, {**wanted, **_safely(raw)})
            if not isinstance(outcome, Conflict):
                break
        if isinstance(outcome, Applied) and other not in outcome.ticket.links:
            return Rejected(self._no_field())
        return outcome

    async def history(self, since: str | None, *, limit: int = 100) -> ChangePage:
        stretch = timedelta(seconds=self._config.stretch_seconds)
        return await changes(self._history, since, limit, stretch)

    async def problems(self) -> list[str]:
        try:
            field = await self._caller.read("GET", f"/ticket_fields/{self._config.links_field}")
            unknown = [
                f"Zendesk has no group '{name}' that the copilot's account may see."
                for name in self._config.queues.values()
                if await self._history.groups.number(name) is None
            ]
        except TicketSystemError as error:
            return [str(error)]
        return unknown if field.is_success else [*unknown, self._no_field()]

    async def close(self) -> None:
        await self._caller.close()

    def _no_field(self) -> str:
        number = self._config.links_field
        return f"Zendesk has no ticket field {number} for links. Make a multi-line field and set its number."

    async def _change(
        self, ticket_id: str, name: str, value: str | int, version: str | None
    ) -> Outcome:
        raw = await self._raw(ticket_id)
        if raw is None:
            return _unknown_ticket(ticket_id)
        if version is not None and version != _version(raw):
            return Conflict(_version(raw))
        if raw[name] == value:
            return Applied(await self._ticket(raw))
        guard = {} if version is None else _safely(raw)
        outcome = await self._written(ticket_id, {name: value, **guard})
        if not isinstance(outcome, Applied):
            return outcome
        try:
            after = await self._raw(ticket_id)
        except TicketSystemError as error:
            return Unknown(f"It was sent, and can't be read back. {error}")
        if after is None or after[name] != value:
            return Rejected(f"Zendesk did not set {name} of ticket {ticket_id} to '{value}'.")
        return outcome

    async def _written(self, ticket_id: str, wanted: Raw) -> Outcome:
        if not is_number(ticket_id):
            return _unknown_ticket(ticket_id)
        answer = await self._caller.write("PUT", f"/tickets/{ticket_id}", json={"ticket": wanted})
        if isinstance(answer, Unknown):
            return answer
        if answer.status_code == _MISSING:
            return _unknown_ticket(ticket_id)
        if answer.status_code == _CHANGED_MEANWHILE:
            now = await read_back(self.get(ticket_id))
            return Conflict(now.ticket.version) if isinstance(now, Applied) else now
        if not answer.is_success:
            return Rejected(f"Zendesk does not take that: {said(answer)}")
        return await read_back(self.get(ticket_id))

    async def _raw(self, ticket_id: str) -> Raw | None:
        if not is_number(ticket_id):
            return None
        asked = {"include": "comment_count,users"}
        answer = await self._caller.read("GET", f"/tickets/{ticket_id}", params=asked)
        if answer.status_code == _MISSING:
            return None
        found = told(self._caller, answer)
        raw: Raw = {**found["ticket"], "users": found.get("users") or ()}
        return raw

    def _links(self, raw: Raw) -> list[str]:
        for one in raw.get("custom_fields") or ():
            if one["id"] == self._config.links_field:
                return str(one["value"] or "").split()
        return []

    async def _ticket(self, raw: Raw) -> RemoteTicket:
        people = {one["id"]: one for one in raw["users"]}
        requester = people.get(raw["requester_id"]) or {}
        external, assignee = raw.get("external_id"), raw.get("assignee_id")
        return RemoteTicket(
            system=SYSTEM,
            id=str(raw["id"]),
            url=f"{self._config.web}/agent/tickets/{raw['id']}",
            version=_version(raw),
            correlation_id=original(str(external)) if external else None,
            title=str(raw["subject"]),
            queue=self._names.queue_of(await self._history.groups.name(str(raw["group_id"] or ""))),
            status=self._names.status_of(str(raw["status"])),
            priority=self._names.priority_of(str(raw["priority"])),
            assignee=str(assignee) if assignee else None,
            requester=str(requester.get("email") or requester.get("name") or "") or None,
            links=tuple(self._links(raw)),
            updated_at=moment_of(str(raw["updated_at"])),
        )


def _version(raw: Raw) -> str:
    """Zendesk's own is a time in whole seconds; what else can change within one is added to it."""
    names = ("status", "group_id", "assignee_id", "priority", "subject", "tags", "custom_fields", "comment_count")  # fmt: skip
    state = json.dumps([raw.get(name) for name in names], sort_keys=True)
    return f"{raw['updated_at']}/{hashlib.sha256(state.encode()).hexdigest()[:_VERSION_CHARS]}"


def _safely(raw: Raw) -> Raw:
    return {"safe_update": True, "updated_stamp": raw["updated_at"]}


def _harmless(text: str) -> str:
    """Zendesk fills in `{{ticket.…}}` wherever an agent writes it; what people typed is no such order."""
    return text.replace("{{", "{ {").replace("{%", "{ %")


def _refuses_requester(answer: Answer | Unknown) -> bool:
    return (
        not isinstance(answer, Unknown)
        and answer.status_code == _INVALID
        and '"requester"' in answer.text
    )


def _unknown_ticket(ticket_id: str) -> Rejected:
    return Rejected(f"Zendesk shows no ticket '{ticket_id}' to the copilot's account.")
