"""What happened to our incidents in ServiceNow: its audit has the fields that changed, its journal what was written."""

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import groupby
from typing import Any

from integrations.tickets.port import RemoteStatus, TicketChange, TicketSystemRefusedError
from integrations.tickets.systems.calling import Answer, Caller, said
from integrations.tickets.systems.naming import Names
from integrations.tickets.systems.plain_id import original
from integrations.tickets.systems.rendering import without_mark
from integrations.tickets.systems.window import asked_of_each

_PER_PAGE = 500
_AT_ONCE = 50
"""So many incidents fit into one query: an address of a call must not be longer than servers take."""
_FIELDS = "sys_id,number,state,hold_reason,correlation_id,sys_created_on,sys_created_by"
_AUDITED = "state,hold_reason,assignment_group"
_BEFORE_ALL, _WRITTEN = -2, -1
"""What happens in the same second: made first, then written on, then changed in the order of its versions."""

Row = dict[str, str]
Sequenced = tuple[datetime, int, TicketChange]


def condition(name: str, value: str) -> str:
    """A condition of an encoded query whose value is nothing but itself.

    No way is documented to write `^` into a value: the rows that begin alike are asked for, and whoever asked compares.
    """
    if value.strip().casefold().startswith("javascript:"):
        raise TicketSystemRefusedError(
            f"'{value}' would be run as a script by ServiceNow. Name the queue or the mark otherwise."
        )
    begin, operator, _ = value.partition("^")
    return f"{name}STARTSWITH{begin}" if operator else f"{name}={value}"


def result(caller: Caller, answer: Answer) -> Any:
    if not answer.is_success:
        raise TicketSystemRefusedError(
            f"ServiceNow does not answer as it should: {said(answer)}. Check the rights of the copilot's account."
        )
    return caller.parsed(answer)["result"]


async def rows(caller: Caller, table: str, query: str, fields: str) -> AsyncIterator[Row]:
    """All rows that a query finds, in the order of their ids unless it has one of its own."""
    begin = 0
    while True:
        asked = {
            "sysparm_query": query if "ORDERBY" in query else f"{query}^ORDERBYsys_id",
            "sysparm_fields": fields,
            "sysparm_limit": str(_PER_PAGE),
            "sysparm_offset": str(begin),
            "sysparm_exclude_reference_link": "true",
        }
        page = result(caller, await caller.read("GET", f"/table/{table}", params=asked))
        for row in page:
            yield row
        if len(page) < _PER_PAGE:
            return
        begin += _PER_PAGE


class Groups:
    """The groups of fulfillers. They are asked for again when a new one turns up."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._names: dict[str, str] = {}

    async def name(self, sys_id: str) -> str:
        if not sys_id:
            return "no group"
        if sys_id not in self._names:
            answer = await self._caller.read("GET", f"/table/sys_user_group/{sys_id}")
            known = self._caller.parsed(answer)["result"]["name"] if answer.is_success else sys_id
            self._names[sys_id] = str(known)
        return self._names[sys_id]

    async def sys_id(self, name: str) -> str | None:
        query = f"{condition('name', name)}^active=true"
        async for row in rows(self._caller, "sys_user_group", query, "sys_id,name"):
            # Conditions that the platform does not understand are left out of a query.
            if row["name"] == name:
                return row["sys_id"]
        return None


class ServiceNowHistory:
    """A `window.Source`."""

    def __init__(self, caller: Caller, names: Names, *, us: str, mark: str, at_once: int) -> None:
        self.groups = Groups(caller)
        self._caller = caller
        self._names = names
        self._us = us
        self._mark = mark
        self._at_once = at_once

    async def now(self) -> datetime:
        asked = {"sysparm_limit": "1", "sysparm_fields": "sys_id"}
        answer = await self._caller.read("GET", "/table/sys_audit", params=asked)
        result(self._caller, answer)
        return parsedate_to_datetime(answer.headers["Date"])

    async def since(self, moment: datetime, _: datetime) -> list[TicketChange]:
        begin = moment.strftime("%Y-%m-%d %H:%M:%S")
        mark = condition("correlation_display", self._mark)
        query = f"{mark}^sys_updated_on>={begin}^ORDERBYsys_id"
        ours = [
            row
            async for row in rows(self._caller, "incident", query, f"{_FIELDS},correlation_display")
            if row.get("correlation_display") == self._mark and row["correlation_id"]
        ]
        parts = [ours[first : first + _AT_ONCE] for first in range(0, len(ours), _AT_ONCE)]
        return await asked_of_each(parts, lambda part: self._of(part, begin), at_once=self._at_once)

    async def _of(self, incidents: list[Row], begin: str) -> list[TicketChange]:
        ids = ",".join(row["sys_id"] for row in incidents)
        audit = (
            f"tablename=incident^documentkeyIN{ids}^fieldnameIN{_AUDITED}^sys_created_on>={begin}"
        )
        journal = f"name=incident^element_idIN{ids}^sys_created_on>={begin}"
        audited = [
            row
            async for row in rows(self._caller, "sys_audit", audit,
                "sys_id,documentkey,fieldname,oldvalue,newvalue,user,record_checkpoint,sys_created_on")
        ]  # fmt: skip
        written = [
            row
            async for row in rows(self._caller, "sys_journal_field", journal,
                "sys_id,element,element_id,value,sys_created_on,sys_created_by")
        ]  # fmt: skip
        found: list[Sequenced] = []
        for incident in incidents:
            found += self._made(incident)
            found += self._said(incident, written)
            found += await self._changed(incident, audited)
        return [change for _, _, change in sorted(found, key=lambda one: one[:2])]

    def _made(self, incident: Row) -> Iterable[Sequenced]:
        # Found by its last change; when it was made is for the caller to judge.
        at, by = moment_of(incident["sys_created_on"]), incident["sys_created_by"]
        known = self._known(incident, at, by)
        made = TicketChange(event_id=f"servicenow-{incident['sys_id']}", kind="created", **known)
        return [(at, _BEFORE_ALL, made)]

    def _said(self, incident: Row, written: Iterable[Row]) -> Iterable[Sequenced]:
        for row in written:
            if row["element_id"] != incident["sys_id"]:
                continue
            at, by = moment_of(row["sys_created_on"]), row["sys_created_by"]
            if by == self._us and row["sys_created_on"] == incident["sys_created_on"]:
                text = without_mark(row["value"])
                if text == row["value"]:
                    continue  # The handoff itself; what the copilot writes later carries its mark.
            yield (
                at,
                _WRITTEN,
                TicketChange(
                    event_id=f"servicenow-{row['sys_id']}",
                    kind="comment",
                    text=without_mark(row["value"]),
                    visibility="internal" if row["element"] == "work_notes" else "public",
                    **self._known(incident, at, by),
                ),
            )

    async def _changed(self, incident: Row, audited: Iterable[Row]) -> list[Sequenced]:
        """Walks back from how the incident is now: a state and its reason are audited apart from each other."""
        ours = [row for row in audited if row["documentkey"] == incident["sys_id"]]
        ours.sort(key=_version, reverse=True)
        now = (incident["state"], incident["hold_reason"])
        found: list[Sequenced] = []
        for version, group in groupby(ours, key=_version):
            fields = {row["fieldname"]: row for row in group}
            any_row = next(iter(fields.values()))
            at = moment_of(any_row["sys_created_on"])
            known = self._known(incident, at, any_row["user"])
            before = (_old(fields, "state", now[0]), _old(fields, "hold_reason", now[1]))
            after = (_new(fields, "state", now[0]), _new(fields, "hold_reason", now[1]))
            now = before
            old, new = self._status(*before), self._status(*after)
            event = f"servicenow-{any_row['documentkey']}-{version}"
            if old != new:
                change = TicketChange(
                    event_id=f"{event}-s", kind="status", old=old, new=new, **known
                )
                found.append((at, version, change))
            if "assignment_group" in fields:
                moved = fields["assignment_group"]
                both = [
                    self._names.queue_of(await self.groups.name(moved[name]))
                    for name in ("oldvalue", "newvalue")
                ]
                change = TicketChange(event_id=f"{event}-g", kind="moved", old=both[0], new=both[1], **known)  # fmt: skip
                found.append((at, version, change))
        return found

    def _status(self, state: str, reason: str) -> str:
        return status_of(self._names, state, reason)

    def _known(self, incident: Row, at: datetime, by: str) -> dict[str, Any]:
        return {
            "ticket_id": incident["number"],
            "at": at,
            "actor": by,
            "actor_is_system": by in ("system", "guest"),
            "actor_is_us": by == self._us,
            "correlation_id": original(incident["correlation_id"]),
        }


def status_of(names: Names, state: str, reason: str) -> RemoteStatus:
    """A state with its reason where that is known, else the state alone."""
    full = f"{state}:{reason}" if reason else state
    known = {*names.statuses.values(), *names.also_read}
    return names.status_of(full if full in known else state)


def _version(row: Row) -> int:
    return int(row["record_checkpoint"])


def _old(fields: Mapping[str, Row], name: str, now: str) -> str:
    return fields[name]["oldvalue"] if name in fields else now


def _new(fields: Mapping[str, Row], name: str, now: str) -> str:
    return fields[name]["newvalue"] if name in fields else now


def moment_of(date: str) -> datetime:
    return datetime.strptime(date, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
