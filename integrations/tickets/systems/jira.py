"""Jira Service Management over its service desk interface and the platform's REST v3.

It can't tell a repeated request, and takes no condition with a change. A ticket is found by a label through the search,
whose index may be some seconds late. A state is reached by the transitions of a workflow only.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

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
from integrations.tickets.systems.jira_config import JiraConfig
from integrations.tickets.systems.jira_history import (
    JiraHistory,
    comments,
    correlation_of,
    moment_of,
    quoted,
    searched,
    told,
)
from integrations.tickets.systems.naming import is_page
from integrations.tickets.systems.plain_id import plain
from integrations.tickets.systems.rendering import (  # fmt: skip
    an_address,
    fields,
    has_mark,
    marked,
    one_line,
    rendered,
)
from integrations.tickets.systems.shortening import shortened
from integrations.tickets.systems.window import changes

SYSTEM = "jira"
_LABEL_CHARS, _TEXT_BYTES = 255, 32_000
_MISSING = (403, 404)
_KEY = re.compile(r"[A-Z][A-Z0-9_]{1,20}-[1-9][0-9]{0,9}|[1-9][0-9]{0,17}")
_STEPS = 3
_NEEDED = ("summary", "description", "labels")

Raw = dict[str, Any]


class JiraDesk:
    """The company's Jira Service Management as its ticket desk."""

    system = SYSTEM
    capabilities = Capabilities(internal_notes=True, custom_fields=True)

    def __init__(self, config: JiraConfig) -> None:
        self._config = config
        self._names = config.names
        self._caller = Caller(
            SYSTEM,
            config.model_copy(update={"url": f"{config.base}/rest"}),
            headers={"Accept": "application/json"},
            auth=(config.user, config.token.get_secret_value()),
        )
        self._history = JiraHistory(
            self._caller,
            self._names,
            label=config.label,
            queue_field=config.queue_field,
            at_once=config.connections,
        )
        self._form: dict[str, list[str]] = {}

    async def create(self, ticket: NewTicket) -> Outcome:
        queue = self._config.queues.get(ticket.queue)
        if queue is None:
            return Rejected(self._names.unknown_queue(SYSTEM, ticket.queue))
        if len(self._label_of(ticket.correlation_id)) > _LABEL_CHARS:
            return Rejected(f"The correlation id makes a label longer than {_LABEL_CHARS} characters.")  # fmt: skip
        form = await self._known_form()
        missing = self._missing(form)
        if missing:
            raise TicketSystemRefusedError(missing[0])
        made = {
            "serviceDeskId": self._config.service_desk,
            "requestTypeId": self._config.request_type,
            "requestFieldValues": self._as_made(ticket, queue, form),
        }
        reporter = await self._account_of(ticket)
        answer = await self._sent(made, reporter)
        if isinstance(answer, Unknown):
            return answer
        if not answer.is_success:
            return Rejected(said(answer))
        return await read_back(self.get(str(self._caller.parsed(answer)["issueKey"])))

    async def _sent(self, made: Raw, reporter: str | None) -> Answer | Unknown:
        path = "/servicedeskapi/request"
        if reporter is not None:
            answer = await self._caller.write("POST", path, json={**made, "raiseOnBehalfOf": reporter})  # fmt: skip
            if isinstance(answer, Unknown) or answer.is_success:
                return answer
            # Not a customer of this desk, or the copilot may not raise for others: nothing was made.
        return await self._caller.write("POST", path, json=made)

    def _as_made(self, ticket: NewTicket, queue: str, form: Mapping[str, object]) -> Raw:
        parts = fields(ticket)
        given: Raw = {name: parts[part] for name, part in self._config.fields.items() if part in parts}  # fmt: skip
        priority = self._config.priorities.get(ticket.priority)
        if priority is not None:
            given["priority"] = {"name": priority}
        return {
            **{name: value for name, value in given.items() if name in form},
            "summary": one_line(ticket.title),
            "description": _harmless(shortened(rendered(ticket), _TEXT_BYTES)),
            "labels": [self._config.label, self._label_of(ticket.correlation_id)],
            self._config.queue_field: {"value": queue},
        }

    def _label_of(self, correlation_id: str) -> str:
        return f"{self._config.label}-{plain(correlation_id)}"

    async def _account_of(self, ticket: NewTicket) -> str | None:
        """The employee as Jira knows them; nobody, where that is not sure."""
        email = an_address(ticket.requester_email)
        if email is None:
            return None
        answer = await self._caller.read("GET", "/api/3/user/search", params={"query": email})
        if not answer.is_success:
            return None
        found = [
            str(one["accountId"])
            for one in self._caller.parsed(answer)
            if str(one.get("emailAddress")).casefold() == email.casefold()
        ]
        return found[0] if len(found) == 1 else None

    async def find(self, correlation_id: str) -> RemoteTicket | None:
        if not correlation_id:
            return None
        label = self._label_of(correlation_id)
        jql = f"labels = {quoted(label)} ORDER BY created ASC"
        async for issue in searched(self._caller, jql, "labels"):
            # A search does not tell upper from lower case everywhere.
            if label in issue["fields"]["labels"]:
                return await self.get(str(issue["key"]))
        return None

    async def get(self, ticket_id: str) -> RemoteTicket | None:
        raw = await self._raw(ticket_id)
        return None if raw is None else await self._ticket(raw)

    async def comment(
        self, ticket_id: str, text: str, *, visibility: Visibility, key: str
    ) -> Outcome:
        if _KEY.fullmatch(ticket_id) is None:
            return _unknown_ticket(ticket_id)
        body = _harmless(marked(shortened(text, _TEXT_BYTES), key))
        path = f"/servicedeskapi/request/{ticket_id}/comment"
        wanted = {"body": body, "public": visibility == "public"}
        answer = await self._caller.write("POST", path, json=wanted)
        return await self._judged(ticket_id, answer)

    async def has_comment(self, ticket_id: str, key: str) -> bool:
        if await self._raw(ticket_id) is None:
            return False
        async for one in comments(self._caller, ticket_id):
            if has_mark(str(one["body"]), key):
                return True
        return False

    async def set_status(
        self, ticket_id: str, status: RemoteStatus, *, version: str | None = None
    ) -> Outcome:
        theirs = self._config.statuses.get(status)
        if theirs is None:
            return Rejected(self._names.unknown_status(SYSTEM, status))
        raw = await self._raw(ticket_id)
        if raw is None:
            return _unknown_ticket(ticket_id)
        if version is not None and version != _version(raw):
            return Conflict(_version(raw))
        if _state(raw) == theirs:
            return Applied(await self._ticket(raw))
        return await self._walk(str(raw["key"]), _state(raw), theirs)

    async def _walk(self, key: str, now: str, theirs: str) -> Outcome:
        """Transitions until the state is `theirs`."""
        for step in range(_STEPS):
            try:
                way = await self._way(key, theirs)
            except TicketSystemError as error:
                if step == 0:
                    raise
                return Unknown(f"It stopped on its way, at '{now}'. {error}")
            if way is None:
                return Rejected(f"Jira's workflow does not lead from '{now}' to '{theirs}'. Add a transition, or name the state to go through.")  # fmt: skip
            now, wanted = way
            path = f"/api/3/issue/{key}/transitions"
            outcome = await self._judged(key, await self._caller.write("POST", path, json=wanted))
            if now == theirs or not isinstance(outcome, Applied):
                return self._reached(outcome, theirs)
        return Rejected(f"Jira stopped at '{now}' on the way to '{theirs}'.")

    def _reached(self, outcome: Outcome, theirs: str) -> Outcome:
        if isinstance(outcome, Applied) and outcome.ticket.status != self._names.status_of(theirs):
            return Rejected(f"Jira did not keep the state '{theirs}' of {outcome.ticket.id}.")
        return outcome

    async def _way(self, key: str, theirs: str) -> tuple[str, Raw] | None:
        """The state that the next transition leads to, and what is sent for it."""
        asked = {"expand": "transitions.fields"}
        answer = await self._caller.read("GET", f"/api/3/issue/{key}/transitions", params=asked)
        ways = {str(one["to"]["name"]): one for one in told(self._caller, answer)["transitions"]}
        way = ways.get(theirs) or ways.get(self._config.through.get(theirs, ""))
        if way is None:
            return None
        wanted: Raw = {"transition": {"id": way["id"]}}
        if "resolution" in (way.get("fields") or {}):
            wanted["fields"] = {"resolution": {"name": self._config.resolution}}
        return str(way["to"]["name"]), wanted

    async def move(self, ticket_id: str, queue: str, *, version: str | None = None) -> Outcome:
        theirs = self._config.queues.get(queue)
        if theirs is None:
            return Rejected(self._names.unknown_queue(SYSTEM, queue))
        raw = await self._raw(ticket_id)
        if raw is None:
            return _unknown_ticket(ticket_id)
        if version is not None and version != _version(raw):
            return Conflict(_version(raw))
        if self._queue(raw) == theirs:
            return Applied(await self._ticket(raw))
        wanted = {"fields": {self._config.queue_field: {"value": theirs}}}
        answer = await self._caller.write("PUT", f"/api/3/issue/{raw['key']}", json=wanted)
        outcome = await self._judged(raw["key"], answer)
        if isinstance(outcome, Applied) and outcome.ticket.queue != self._names.queue_of(theirs):
            return Rejected(f"Jira did not move {raw['key']} to '{theirs}'.")
        return outcome

    async def link(self, ticket_id: str, other: str) -> Outcome:
        if _KEY.fullmatch(other) is None and not is_page(other):
            return Rejected(f"'{other}' is neither a ticket's key nor a web address.")
        ticket = await self.get(ticket_id)
        if ticket is None:
            return _unknown_ticket(ticket_id)
        if other in ticket.links:
            return Applied(ticket)
        if is_page(other):
            path = f"/api/3/issue/{ticket.id}/remotelink"
            wanted: Raw = {"globalId": other, "object": {"url": other, "title": one_line(other)}}
        else:
            path = "/api/3/issueLink"
            wanted = {"type": {"name": self._config.link_type}, "inwardIssue": {"key": other}, "outwardIssue": {"key": ticket.id}}  # fmt: skip
        outcome = await self._judged(ticket.id, await self._caller.write("POST", path, json=wanted))
        if isinstance(outcome, Applied) and other not in outcome.ticket.links:
            return Rejected(f"Jira did not link {ticket.id} with '{other}'.")
        return outcome

    async def history(self, since: str | None, *, limit: int = 100) -> ChangePage:
        stretch = timedelta(seconds=self._config.stretch_seconds)
        return await changes(self._history, since, limit, stretch)

    async def problems(self) -> list[str]:
        try:
            form = await self._known_form()
        except TicketSystemError as error:
            return [str(error)]
        options = form.get(self._config.queue_field, [])
        unknown = [
            f"Jira's field {self._config.queue_field} has no option '{name}'."
            for name in self._config.queues.values()
            if name not in options
        ]
        return [*self._missing(form), *unknown]

    async def close(self) -> None:
        await self._caller.close()

    async def _known_form(self) -> dict[str, list[str]]:
        """The fields of the request type with their options."""
        if not self._form:
            desk, kind = self._config.service_desk, self._config.request_type
            path = f"/servicedeskapi/servicedesk/{desk}/requesttype/{kind}/field"
            answer = await self._caller.read("GET", path)
            if answer.status_code in _MISSING:
                raise TicketSystemRefusedError(
                    f"Jira shows no request type {kind} of service desk {desk} to the copilot's account. Check both numbers."
                )
            form = {
                str(one["fieldId"]): [str(value["label"]) for value in one.get("validValues") or ()]
                for one in told(self._caller, answer)["requestTypeFields"]
            }
            if self._missing(form):
                return form  # It is asked for again: somebody may be about to mend it.
            self._form = form
        return self._form

    def _missing(self, form: Mapping[str, object]) -> list[str]:
        return [
            f"Jira's request type {self._config.request_type} has no field '{name}' on its form. Add it there."
            for name in (*_NEEDED, self._config.queue_field)
            if name not in form
        ]

    async def _judged(self, ticket_id: str, answer: Answer | Unknown) -> Outcome:
        if isinstance(answer, Unknown):
            return answer
        if answer.status_code in _MISSING:
            return Rejected(f"Jira shows no ticket '{ticket_id}' to the copilot's account, or forbids it: {said(answer)}")  # fmt: skip
        if not answer.is_success:
            return Rejected(f"Jira does not take that: {said(answer)}")
        return await read_back(self.get(ticket_id))

    async def _raw(self, ticket_id: str) -> Raw | None:
        if _KEY.fullmatch(ticket_id) is None:
            return None
        names = f"summary,status,priority,labels,assignee,reporter,updated,issuelinks,{self._config.queue_field}"  # fmt: skip
        answer = await self._caller.read("GET", f"/api/3/issue/{ticket_id}", params={"fields": names})  # fmt: skip
        if answer.status_code in _MISSING:
            return None
        raw: Raw = told(self._caller, answer)
        return raw

    def _queue(self, raw: Raw) -> str:
        return str((raw["fields"].get(self._config.queue_field) or {}).get("value") or "no group")

    async def _ticket(self, raw: Raw) -> RemoteTicket:
        given, key = raw["fields"], str(raw["key"])
        answer = await self._caller.read("GET", f"/api/3/issue/{key}/remotelink")
        pages = [str(one["object"]["url"]) for one in told(self._caller, answer)]
        return RemoteTicket(
            system=SYSTEM,
            id=key,
            url=f"{self._config.web}/browse/{key}",
            version=_version(raw),
            correlation_id=correlation_of(given, self._config.label),
            title=str(given["summary"]),
            queue=self._names.queue_of(self._queue(raw)),
            status=self._names.status_of(_state(raw)),
            priority=self._names.priority_of(str((given.get("priority") or {}).get("name"))),
            assignee=_person(given.get("assignee")),
            requester=_person(given.get("reporter")),
            links=(*_linked(given.get("issuelinks") or ()), *pages),
            updated_at=moment_of(str(given["updated"])),
        )


def _state(raw: Raw) -> str:
    return str(raw["fields"]["status"]["name"])


def _version(raw: Raw) -> str:
    return str(raw["fields"]["updated"])


def _person(one: Raw | None) -> str | None:
    """Jira shows addresses to some accounts only."""
    return None if not one else str(one.get("emailAddress") or one.get("displayName") or "") or None


def _linked(links: Any) -> list[str]:
    both = [one.get("inwardIssue") or one.get("outwardIssue") or {} for one in links]
    return [str(one["key"]) for one in both if "key" in one]


def _harmless(text: str) -> str:
    """`[~name]` calls people in; what somebody typed calls nobody."""
    return text.replace("[~", "[ ~")


def _unknown_ticket(ticket_id: str) -> Rejected:
    return Rejected(f"Jira shows no ticket '{ticket_id}' to the copilot's account.")
