"""What happened to our requests in Jira: a search says which changed, their change logs and comments say how."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from math import ceil
from typing import Any

from integrations.tickets.port import TicketChange, TicketSystemRefusedError
from integrations.tickets.systems.calling import Answer, Caller, said
from integrations.tickets.systems.naming import Names
from integrations.tickets.systems.plain_id import original
from integrations.tickets.systems.rendering import without_mark
from integrations.tickets.systems.window import asked_of_each

_PER_PAGE = 50
_MADE, _SAID, _CHANGED = 0, 1, 2
"""What happens at the same time: made first, then written on, then changed."""

Raw = dict[str, Any]
Sequenced = tuple[datetime, int, int, TicketChange]


def quoted(value: str) -> str:
    """A string of JQL that is nothing but itself."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def told(caller: Caller, answer: Answer) -> Any:
    """The JSON of an answer that must be a success."""
    if not answer.is_success:
        raise TicketSystemRefusedError(
            f"Jira does not answer as it should: {said(answer)}. Check the rights of the copilot's account."
        )
    return caller.parsed(answer)


async def searched(caller: Caller, jql: str, fields: str) -> AsyncIterator[Raw]:
    """All issues that a search finds."""
    asked = {"jql": jql, "fields": fields, "maxResults": str(_PER_PAGE)}
    while True:
        page = told(caller, await caller.read("GET", "/api/3/search/jql", params=asked))
        for issue in page["issues"]:
            yield issue
        if page.get("isLast", True) or not page.get("nextPageToken"):
            return
        asked["nextPageToken"] = page["nextPageToken"]


async def comments(caller: Caller, key: str) -> AsyncIterator[Raw]:
    """All comments of a request, internal ones as well."""
    begin = 0
    while True:
        asked = {"start": str(begin), "limit": str(_PER_PAGE)}
        page = told(caller, await caller.read("GET", f"/servicedeskapi/request/{key}/comment", params=asked))  # fmt: skip
        for comment in page["values"]:
            yield comment
        if page["isLastPage"]:
            return
        begin += len(page["values"])


class JiraHistory:
    """A `window.Source`."""

    def __init__(
        self, caller: Caller, names: Names, *, label: str, queue_field: str, at_once: int
    ) -> None:
        self._caller = caller
        self._names = names
        self._label = label
        self._at_once = at_once
        self._queue_field = queue_field
        self._us = ""

    async def now(self) -> datetime:
        answer = await self._caller.read("GET", "/api/3/myself")
        self._us = str(told(self._caller, answer)["accountId"])
        return parsedate_to_datetime(answer.headers["Date"])

    async def since(self, moment: datetime, now: datetime) -> list[TicketChange]:
        # Times of a search are minutes in the time zone of the account; so long ago means the same everywhere.
        minutes = max(1, ceil((now - moment) / timedelta(minutes=1)) + 1)
        jql = f'labels = {quoted(self._label)} AND updated >= "-{minutes}m" ORDER BY updated ASC'
        fields = "labels,created,creator"
        issues = {one["key"]: one async for one in searched(self._caller, jql, fields)}
        return await asked_of_each(
            list(issues.values()), lambda one: self._of(one, moment), at_once=self._at_once
        )

    async def _of(self, issue: Raw, moment: datetime) -> list[TicketChange]:
        correlation = correlation_of(issue["fields"], self._label)
        if correlation is None:
            return []
        known = {"ticket_id": str(issue["key"]), "correlation_id": correlation}
        made = moment_of(issue["fields"]["created"])
        event = f"jira-issue-{issue['id']}"
        creator = self._by(issue["fields"].get("creator"))
        found: list[Sequenced] = [
            (made, _MADE, 0, TicketChange(event_id=event, kind="created", at=made, **known, **creator))
        ]  # fmt: skip
        found += [self._said(one, known) async for one in comments(self._caller, issue["key"])]
        async for entry in self._entries(issue["key"]):
            found += self._changed(entry, known)
        recent = [one for one in found if one[0] >= moment]
        return [change for *_, change in sorted(recent, key=lambda one: one[:3])]

    async def _entries(self, key: str) -> AsyncIterator[Raw]:
        begin = 0
        while True:
            asked = {"startAt": str(begin), "maxResults": "100"}
            answer = await self._caller.read("GET", f"/api/3/issue/{key}/changelog", params=asked)
            page = told(self._caller, answer)
            for entry in page["values"]:
                yield entry
            if page["isLast"]:
                return
            begin += len(page["values"])

    def _said(self, comment: Raw, known: Raw) -> Sequenced:
        at = datetime.fromtimestamp(comment["created"]["epochMillis"] / 1000, UTC)
        change = TicketChange(
            event_id=f"jira-comment-{comment['id']}",
            kind="comment",
            at=at,
            text=without_mark(str(comment["body"])),
            visibility="public" if comment["public"] else "internal",
            **known,
            **self._by(comment.get("author")),
        )
        return at, _SAID, int(comment["id"]), change

    def _changed(self, entry: Raw, known: Raw) -> list[Sequenced]:
        at, by = moment_of(entry["created"]), self._by(entry.get("author"))
        found: list[Sequenced] = []
        for position, item in enumerate(entry["items"]):
            words = self._words(item)
            if words:
                event = f"jira-change-{entry['id']}-{position}"
                change = TicketChange(event_id=event, at=at, **known, **by, **words)
                found.append((at, _CHANGED, int(entry["id"]), change))
        return found

    def _words(self, item: Raw) -> Raw:
        old, new = str(item.get("fromString") or ""), str(item.get("toString") or "")
        field = item.get("fieldId") or item.get("field")
        if field == "status":
            both = self._names.status_of(old), self._names.status_of(new)
            return {"kind": "status", "old": both[0], "new": both[1]}
        if field == self._queue_field:
            return {"kind": "moved", "old": self._names.queue_of(old), "new": self._names.queue_of(new)}  # fmt: skip
        return {}

    def _by(self, person: Raw | None) -> Raw:
        """Rules of automation act as an app, or as nobody."""
        one = person or {}
        return {
            "actor": one.get("displayName"),
            "actor_is_system": one.get("accountType", "app") == "app",
            "actor_is_us": one.get("accountId") == self._us,
        }


def correlation_of(fields: Raw, label: str) -> str | None:
    """Our id, from the label that carries it."""
    for one in fields.get("labels") or ():
        if one.startswith(f"{label}-"):
            return original(one.removeprefix(f"{label}-"))
    return None


def moment_of(date: str) -> datetime:
    return datetime.fromisoformat(date).astimezone(UTC)
