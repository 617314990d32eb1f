"""ServiceNow over its Table API, tickets being incidents.

The platform leaves out what it does not know or does not allow, without a word: every change is read back and compared.
It can't tell a repeated request, and takes no condition with a change.
"""

import re
from collections.abc import Mapping
from datetime import timedelta

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
from integrations.tickets.systems.calling import Caller, read_back, said
from integrations.tickets.systems.config import SystemConfig
from integrations.tickets.systems.naming import is_page
from integrations.tickets.systems.plain_id import original, plain
from integrations.tickets.systems.rendering import (
    an_address,
    fields,
    has_mark,
    marked,
    one_line,
    rendered,
)
from integrations.tickets.systems.servicenow_history import (
    Row,
    ServiceNowHistory,
    condition,
    moment_of,
    result,
    rows,
    status_of,
)
from integrations.tickets.systems.shortening import shortened
from integrations.tickets.systems.window import changes

SYSTEM = "servicenow"
_ID_CHARS, _TITLE_CHARS, _DESCRIPTION_BYTES = 100, 160, 3_900
_NUMBER = re.compile(r"[A-Z]{0,6}[0-9]{1,15}")
_STATE = re.compile(r"([0-9]{1,4})(?::([0-9]{1,4}))?")
_CODE = re.compile(r"\[(/?code)\]", re.IGNORECASE)
_FIELDS = (
    "sys_id,number,short_description,state,hold_reason,impact,urgency,sys_mod_count,sys_updated_on,correlation_id,"
    "close_code,assignment_group,assignment_group.name,assigned_to.user_name,caller_id.email,caller_id.name"
)

_STATUSES: dict[RemoteStatus, str] = {
    "new": "1",
    "open": "2",
    "pending_user": "3:1",
    "pending_vendor": "3:4",
    "resolved": "6",
    "closed": "7",
}


class ServiceNowConfig(SystemConfig):
    """How one company's ServiceNow is used."""

    user: str
    """User name of the copilot's own account: what it does is no news."""
    password: SecretStr
    """Its password."""
    queues: Mapping[str, str]
    """The company's queues, and the name of the assignment group of each."""
    statuses: Mapping[RemoteStatus, str] = Field(default_factory=lambda: dict(_STATUSES))
    """Our states in ServiceNow's numbers; after a `:` the reason for being on hold."""
    also_read: Mapping[str, RemoteStatus] = {"3": "pending_user", "8": "closed"}
    """States that only people set: on hold for any other reason, and cancelled."""
    priorities: Mapping[Priority, str] = {"P1": "1/1", "P2": "2/1", "P3": "2/2", "P4": "3/3"}
    """Impact and urgency of each priority, from which the instance looks up its own."""
    fields: Mapping[str, str] = Field(default_factory=dict)
    """Further fields of an incident that are filled, and the part of the handoff that each takes."""
    links_field: str = "u_copilot_links"
    """Field of incidents that holds the links, one a line; a string of 4000 characters."""
    mark: str = "it-copilot"
    """`correlation_display` of every incident that the copilot makes; whose changes are told is seen by it."""
    close_code: str = "Solution provided"
    """Resolution code where the copilot resolves and nobody set one; the instance must have it."""
    close_notes: str = "Resolved through the IT copilot."
    """Resolution notes likewise."""
    stretch_seconds: float = Field(default=120.0, ge=0)
    """How late a change may show up in the audit and is told all the same."""


class ServiceNowDesk:
    """The company's ServiceNow as its ticket desk."""

    system = SYSTEM
    capabilities = Capabilities(internal_notes=True, custom_fields=True)

    def __init__(self, config: ServiceNowConfig) -> None:
        self._config = config
        self._names = config.names
        self._caller = Caller(
            SYSTEM,
            config.model_copy(update={"url": f"{config.base}/api/now"}),
            headers={"Accept": "application/json"},
            auth=(config.user, config.password.get_secret_value()),
        )
        self._history = ServiceNowHistory(
            self._caller, self._names, us=config.user, mark=config.mark, at_once=config.connections
        )

    async def create(self, ticket: NewTicket) -> Outcome:
        queue = self._config.queues.get(ticket.queue)
        if queue is None:
            return Rejected(self._names.unknown_queue(SYSTEM, ticket.queue))
        if not 0 < len(plain(ticket.correlation_id)) <= _ID_CHARS:
            return Rejected(f"The correlation id is empty or longer than {_ID_CHARS} characters.")
        group = await self._history.groups.sys_id(queue)
        if group is None:
            return Rejected(self._no_group(queue))
        made = self._as_made(ticket, group) | await self._caller_of(ticket)
        answer = await self._caller.write("POST", "/table/incident", json=made)
        if isinstance(answer, Unknown):
            return answer
        if not answer.is_success:
            return Rejected(said(answer))
        told = self._caller.parsed(answer)["result"]
        if told.get("correlation_id") != made["correlation_id"]:
            return Unknown(
                f"ServiceNow made {told.get('number')} without its correlation id. Give the copilot's account the right "
                "to write correlation_id."
            )
        return await read_back(self.get(str(told["number"])))

    def _as_made(self, ticket: NewTicket, group: str) -> Row:
        parts = fields(ticket)
        impact, _, urgency = self._config.priorities.get(ticket.priority, "3/3").partition("/")
        text = _harmless(rendered(ticket))
        return {
            **{name: parts[part] for name, part in self._config.fields.items() if part in parts},
            "short_description": one_line(ticket.title, _TITLE_CHARS),
            # The description is cut at 4000 characters by the platform; notes are not.
            "description": shortened(text, _DESCRIPTION_BYTES),
            "work_notes": text,
            "impact": impact,
            "urgency": urgency,
            "assignment_group": group,
            "correlation_id": plain(ticket.correlation_id),
            "correlation_display": self._config.mark,
        }

    async def _caller_of(self, ticket: NewTicket) -> Row:
        """The employee as ServiceNow knows them; nobody, where that is not sure."""
        email = an_address(ticket.requester_email)
        if email is None:
            return {}
        asked = {
            "sysparm_query": f"{condition('email', email)}^active=true",
            "sysparm_fields": "sys_id,email",
            "sysparm_limit": "50",
        }
        answer = await self._caller.read("GET", "/table/sys_user", params=asked)
        if not answer.is_success:
            return {}
        people = self._caller.parsed(answer)["result"]
        found = [one["sys_id"] for one in people if one["email"].casefold() == email.casefold()]
        return {"caller_id": found[0]} if len(found) == 1 else {}

    async def find(self, correlation_id: str) -> RemoteTicket | None:
        sought = plain(correlation_id)
        if not sought:
            return None
        wanted = condition("correlation_id", sought)
        query = f"{wanted}^ORDERBYsys_created_on^ORDERBYnumber"
        async for row in rows(self._caller, "incident", query, _FIELDS + self._links_too):
            # ServiceNow does not tell upper from lower case, nor an unknown column from none.
            if row["correlation_id"] == sought:
                return self._ticket(row)
        return None

    async def get(self, ticket_id: str) -> RemoteTicket | None:
        row = await self._raw(ticket_id)
        return None if row is None else self._ticket(row)

    async def comment(
        self, ticket_id: str, text: str, *, visibility: Visibility, key: str
    ) -> Outcome:
        field = "comments" if visibility == "public" else "work_notes"
        outcome = await self._written(ticket_id, {field: _harmless(marked(text, key))})
        if not isinstance(outcome, Applied):
            return outcome
        try:
            is_there = await self.has_comment(ticket_id, key)
        except TicketSystemError as error:
            return Unknown(f"It was sent, and can't be read back. {error}")
        if is_there:
            return outcome
        return Rejected(f"ServiceNow did not write {field} of {ticket_id}. Give the copilot's account the right to.")  # fmt: skip

    async def has_comment(self, ticket_id: str, key: str) -> bool:
        row = await self._raw(ticket_id)
        if row is None:
            return False
        query = f"name=incident^element_id={row['sys_id']}^valueLIKE[copilot ref "
        found = rows(self._caller, "sys_journal_field", query, "element_id,value")
        async for one in found:
            if one["element_id"] == row["sys_id"] and has_mark(one["value"], key):
                return True
        return False

    async def set_status(
        self, ticket_id: str, status: RemoteStatus, *, version: str | None = None
    ) -> Outcome:
        theirs = self._config.statuses.get(status)
        if theirs is None:
            return Rejected(self._names.unknown_status(SYSTEM, status))
        found = _STATE.fullmatch(theirs)
        if found is None:
            return Rejected(f"'{theirs}' is no state of ServiceNow. Write its number, like 2, or 3:1 with the reason for being on hold.")  # fmt: skip
        wanted = {"state": found[1], "hold_reason": found[2] or ""}
        ends = status in ("resolved", "closed")
        return await self._change(ticket_id, wanted, version, ends=ends)

    async def move(self, ticket_id: str, queue: str, *, version: str | None = None) -> Outcome:
        theirs = self._config.queues.get(queue)
        if theirs is None:
            return Rejected(self._names.unknown_queue(SYSTEM, queue))
        group = await self._history.groups.sys_id(theirs)
        if group is None:
            return Rejected(self._no_group(theirs))
        return await self._change(ticket_id, {"assignment_group": group}, version)

    async def link(self, ticket_id: str, other: str) -> Outcome:
        if _NUMBER.fullmatch(other) is None and not is_page(other):
            return Rejected(f"'{other}' is neither an incident's number nor a web address.")
        row = await self._raw(ticket_id)
        if row is None:
            return _unknown_ticket(ticket_id)
        links = self._links(row)
        if other in links:
            return Applied(self._ticket(row))
        wanted = {self._config.links_field: "\n".join([*links, other])}
        return await self._change(ticket_id, wanted, None)

    async def history(self, since: str | None, *, limit: int = 100) -> ChangePage:
        stretch = timedelta(seconds=self._config.stretch_seconds)
        return await changes(self._history, since, limit, stretch)

    async def problems(self) -> list[str]:
        try:
            groups = [
                self._no_group(name)
                for name in self._config.queues.values()
                if await self._history.groups.sys_id(name) is None
            ]
            asked = {"sysparm_limit": "1", "sysparm_fields": self._config.links_field}
            answer = await self._caller.read("GET", "/table/incident", params=asked)
            incidents = result(self._caller, answer)
            audit = await self._caller.read("GET", "/table/sys_audit", params={"sysparm_limit": "1"})  # fmt: skip
        except TicketSystemError as error:
            return [str(error)]
        found = list(groups)
        if incidents and self._config.links_field not in incidents[0]:
            found.append(f"Incidents have no field '{self._config.links_field}' that the copilot's account may see. Make it, or name another.")  # fmt: skip
        if not audit.is_success:
            found.append("The copilot's account may not read sys_audit, so changes are not heard of. Give it a read rule there.")  # fmt: skip
        return found

    async def close(self) -> None:
        await self._caller.close()

    def _no_group(self, name: str) -> str:
        return f"ServiceNow has no active group '{name}' that the copilot's account may see."

    @property
    def _links_too(self) -> str:
        return f",{self._config.links_field}"

    async def _change(
        self, ticket_id: str, wanted: Row, version: str | None, *, ends: bool = False
    ) -> Outcome:
        row = await self._raw(ticket_id)
        if row is None:
            return _unknown_ticket(ticket_id)
        if version is not None and version != row["sys_mod_count"]:
            return Conflict(row["sys_mod_count"])
        if _is(row, wanted):
            return Applied(self._ticket(row))
        end = {"close_code": self._config.close_code, "close_notes": self._config.close_notes}
        outcome = await self._patched(row, {**wanted, **(end if ends and not row["close_code"] else {})})  # fmt: skip
        if not isinstance(outcome, Applied):
            return outcome
        try:
            after = await self._raw(ticket_id)
        except TicketSystemError as error:
            return Unknown(f"It was sent, and can't be read back. {error}")
        if after is None or not _is(after, wanted):
            return Rejected(f"ServiceNow did not set {', '.join(wanted)} of {ticket_id} as asked. Check the rights of the copilot's account and the values.")  # fmt: skip
        return Applied(self._ticket(after))

    async def _written(self, ticket_id: str, wanted: Row) -> Outcome:
        row = await self._raw(ticket_id)
        return _unknown_ticket(ticket_id) if row is None else await self._patched(row, wanted)

    async def _patched(self, row: Row, wanted: Row) -> Outcome:
        path = f"/table/incident/{row['sys_id']}"
        answer = await self._caller.write("PATCH", path, json=wanted)
        if isinstance(answer, Unknown):
            return answer
        if not answer.is_success:
            return Rejected(f"ServiceNow does not take that: {said(answer)}")
        return await read_back(self.get(row["number"]))

    async def _raw(self, ticket_id: str) -> Row | None:
        if _NUMBER.fullmatch(ticket_id) is None:
            return None
        query = f"number={ticket_id}"
        async for row in rows(self._caller, "incident", query, _FIELDS + self._links_too):
            if row["number"] == ticket_id:
                return row
        return None

    def _links(self, row: Row) -> list[str]:
        return row.get(self._config.links_field, "").split()

    def _ticket(self, row: Row) -> RemoteTicket:
        group = row.get("assignment_group.name", "")
        return RemoteTicket(
            system=SYSTEM,
            id=row["number"],
            url=f"{self._config.web}/nav_to.do?uri=incident.do?sysparm_query=number={row['number']}",
            version=row["sys_mod_count"],
            correlation_id=original(row["correlation_id"]) if row["correlation_id"] else None,
            title=row["short_description"],
            queue=self._names.queue_of(group or "no group"),
            status=status_of(self._names, row["state"], row["hold_reason"]),
            priority=self._names.priority_of(f"{row['impact']}/{row['urgency']}"),
            assignee=row.get("assigned_to.user_name") or None,
            requester=row.get("caller_id.email") or row.get("caller_id.name") or None,
            links=tuple(self._links(row)),
            updated_at=moment_of(row["sys_updated_on"]),
        )


def _is(row: Row, wanted: Row) -> bool:
    return all(row.get(name) == value for name, value in wanted.items())


def _harmless(text: str) -> str:
    """`[code]` in a note turns on HTML in the browsers of those who read it; what people typed is no markup."""
    return _CODE.sub(r"[ \1]", text)


def _unknown_ticket(ticket_id: str) -> Rejected:
    return Rejected(f"ServiceNow shows no incident '{ticket_id}' to the copilot's account.")
