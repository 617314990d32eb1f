"""A Zendesk Support to talk to where none can be reached: tickets, comments, audits, exports and signed webhooks."""

import base64
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from integrations.sandbox.vendor import Account, Body, Clock, Door, Refusal, given

STATUSES = ("new", "open", "pending", "hold", "solved", "closed")
PRIORITIES = ("low", "normal", "high", "urgent")
_BODY_BYTES = 65_535
_ID_CHARS = 255
_TOO_RECENT = timedelta(seconds=60)
_PLAIN = ("subject", "status", "priority", "group_id", "assignee_id", "external_id", "tags")
_MALFORMED = {"error": "InvalidJSON", "description": "Request body is no valid JSON object"}
Deliver = Callable[[bytes, Mapping[str, str]], Awaitable[None]]
"""Brings a report to the webhook: its body and headers."""


def invalid(name: str, said: str) -> Refusal:
    details = {name: [{"description": said, "error": "InvalidValue"}]}
    return Refusal(
        422,
        {"error": "RecordInvalid", "description": "Record validation errors", "details": details},
    )


def not_found() -> Refusal:
    return Refusal(404, {"error": "RecordNotFound", "description": "Not found"})


@dataclass
class Ticket:
    """A ticket with everything that happened to it."""

    values: Body
    made: datetime
    changed: datetime
    comments: list[Body] = field(default_factory=list)
    audits: list[Body] = field(default_factory=list)


def written(moment: datetime) -> str:
    """Zendesk tells whole seconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class Zendesk:
    """One account of Zendesk. `human`, if given, is an agent who calls the same API with a token of their own."""

    def __init__(
        self,
        *,
        copilot: Account,
        clock: Clock,
        groups: Mapping[str, int],
        human: Account | None = None,
        links_field: int = 900,
        export_delay: timedelta = timedelta(minutes=1),
        search_delay: timedelta = timedelta(minutes=1),
        webhook: Deliver | None = None,
        webhook_secret: str = "",
    ) -> None:
        self.groups = dict(groups)
        self.export_delay, self.search_delay = export_delay, search_delay
        """How late changes show up in exports, and in the search index."""
        self._clock = clock
        self._links_field = links_field
        self._deliver, self._secret = webhook, webhook_secret
        self._users: dict[int, Body] = {}
        self._tickets: dict[int, Ticket] = {}
        self._answers: dict[str, tuple[Body, Body]] = {}
        self._numbers = 1_000
        accounts = [copilot, *([human] if human else [])]
        for one in accounts:
            self._user(int(one.id), one.name, one.email, "agent")
        self.door = Door(accounts, clock, {"error": "Couldn't authenticate you"})

    def site(self) -> Starlette:
        v2 = "/api/v2"
        return self.door.site(
            [
                ("POST", f"{v2}/tickets", self._create),
                ("GET", f"{v2}/tickets", self._list),
                ("GET", f"{v2}/tickets/{{id}}", self._show),
                ("PUT", f"{v2}/tickets/{{id}}", self._update),
                ("GET", f"{v2}/tickets/{{id}}/comments", self._comments),
                ("GET", f"{v2}/tickets/{{id}}/audits", self._audits),
                ("GET", f"{v2}/incremental/tickets/cursor", self._export),
                ("GET", f"{v2}/search", self._search),
                ("GET", f"{v2}/groups", self._groups),
                ("GET", f"{v2}/ticket_fields/{{id}}", self._field),
                ("GET", f"{v2}/users/me", self._me),
            ]
        )

    def busy(self, times: int, *, retry_after: int) -> None:
        """Be over the limit for the next calls."""
        body = {"error": "APIRateLimitExceeded", "description": "Number of allowed API requests per minute exceeded"}  # fmt: skip
        self.door.planned += [Refusal(429, body, {"Retry-After": str(retry_after)})] * times

    async def _create(self, request: Request) -> Response:
        body = await given(request, _MALFORMED)
        key = request.headers.get("Idempotency-Key")
        if key is not None and key in self._answers:
            earlier, answer = self._answers[key]
            if earlier != body:
                said = "Request parameters do not match those of the first request with this key"
                raise Refusal(400, {"error": "IdempotentRequestError", "description": said})
            return JSONResponse(answer, 201, {"x-idempotency-lookup": "hit"})
        answer = await self._made(body.get("ticket") or {}, int(request.state.account.id))
        headers = {"x-idempotency-lookup": "miss"} if key is not None else {}
        if key is not None:
            self._answers[key] = (body, answer)
        return JSONResponse(answer, 201, headers)

    async def _made(self, wanted: Body, by: int) -> Body:
        comment = wanted.get("comment") or {}
        if not comment.get("body"):
            raise invalid("base", "Description: cannot be blank")
        requester = self._requester(wanted.get("requester"), by)
        now = self._clock()
        number = self._number()
        values: Body = {
            "id": number, "status": "new", "priority": None, "group_id": None, "assignee_id": None, "external_id": None,
            "tags": [], "subject": "", "requester_id": requester, "submitter_id": by,
            "custom_fields": [{"id": self._links_field, "value": None}],
        }  # fmt: skip
        ticket = Ticket(values, now, now)
        changed = self._checked(ticket, wanted)
        events = [
            {"id": self._number(), "type": "Create", "field_name": name, "value": changed[name]}
            for name in changed
        ]
        ticket.values |= changed
        self._tickets[number] = ticket
        await self._audited(ticket, by, [*events, self._written(ticket, comment, by)])
        return {"ticket": self._shown(ticket), "audit": ticket.audits[-1]}

    async def _update(self, request: Request) -> Response:
        ticket = self._known(request)
        wanted = (await given(request, _MALFORMED)).get("ticket") or {}
        by = int(request.state.account.id)
        if wanted.get("safe_update") and wanted.get("updated_stamp") != written(ticket.changed):
            said = "Safe Update prevented the update due to outdated ticket data. Please fetch the latest ticket data and try again."
            raise Refusal(409, {"error": "UpdateConflict", "description": said})
        if ticket.values["status"] == "closed":
            raise invalid("status", "Status: closed prevents ticket update")
        changed = self._checked(ticket, wanted)
        comment = wanted.get("comment")
        events = [
            {
                "id": self._number(),
                "type": "Change",
                "field_name": name,
                "value": _told(changed[name]),
                "previous_value": _told(ticket.values[name]),
            }
            for name in changed
            if changed[name] != ticket.values[name]
        ]
        if comment:
            events.append(self._written(ticket, comment, by))
        ticket.values |= changed
        if events:
            ticket.changed = self._clock()
            await self._audited(ticket, by, events)
        return JSONResponse({"ticket": self._shown(ticket)})

    def _checked(self, ticket: Ticket, wanted: Body) -> Body:
        changed = {name: wanted[name] for name in _PLAIN if name in wanted}
        status = changed.get("status", ticket.values["status"])
        if status not in STATUSES:
            raise invalid("status", f"Status: {status} is not a valid status")
        if status == "new" and ticket.values["status"] != "new":
            raise invalid("status", "Status: cannot be set back to new")
        if changed.get("priority") not in (None, *PRIORITIES):
            raise invalid("priority", f"Priority: {changed['priority']} is not valid")
        if changed.get("group_id") not in (None, *self.groups.values()):
            raise invalid("group", "Group: is invalid")
        if len(changed.get("external_id") or "") > _ID_CHARS:
            raise invalid("external_id", "External: is too long (maximum is 255 characters)")
        # Fields that do not exist are left out without a word.
        for one in wanted.get("custom_fields") or ():
            if one["id"] == self._links_field:
                changed["custom_fields"] = [{"id": one["id"], "value": one["value"]}]
        return changed

    def _written(self, ticket: Ticket, comment: Body, by: int) -> Body:
        body = str(comment.get("body") or "")
        if len(body.encode()) > _BODY_BYTES:
            raise invalid("comment", "Comment: is too long (maximum is 65535 bytes)")
        made = {
            "id": self._number(), "type": "Comment", "author_id": by, "body": body, "plain_body": body,
            "public": bool(comment.get("public", True)), "created_at": written(self._clock()),
        }  # fmt: skip
        ticket.comments.append(made)
        return made

    def _requester(self, wanted: Body | None, by: int) -> int:
        if not wanted or not wanted.get("email"):
            return by
        email = str(wanted["email"])
        if "@" not in email or "." not in email.rpartition("@")[2]:
            raise invalid("requester", f"Requester: Email: {email} is not properly formatted")
        known = [number for number, user in self._users.items() if user["email"] == email]
        return known[0] if known else self._user(self._number(), str(wanted.get("name")), email)

    def _user(self, number: int, name: str, email: str, role: str = "end-user") -> int:
        self._users[number] = {"id": number, "name": name, "email": email, "role": role}
        return number

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers

    async def _audited(self, ticket: Ticket, by: int, events: Sequence[Body]) -> None:
        audit = {
            "id": self._number(), "ticket_id": ticket.values["id"], "author_id": by,
            "created_at": written(self._clock()), "events": list(events),
        }  # fmt: skip
        ticket.audits.append(audit)
        if self._deliver is not None:
            await self._report(ticket, audit)

    async def _report(self, ticket: Ticket, audit: Body) -> None:
        """What a trigger on our tickets sends: small, and signed with the time before the body."""
        values = ticket.values
        told = {"ticket_id": str(values["id"]), "external_id": values["external_id"], "status": values["status"], "audit_id": str(audit["id"])}  # fmt: skip
        body, at = json.dumps(told).encode(), written(self._clock())
        signature = hmac.digest(self._secret.encode(), at.encode() + body, "sha256")
        headers = {
            "X-Zendesk-Webhook-Signature": base64.b64encode(signature).decode(),
            "X-Zendesk-Webhook-Signature-Timestamp": at,
        }
        if self._deliver is not None:
            await self._deliver(body, headers)

    def _known(self, request: Request) -> Ticket:
        number = request.path_params["id"]
        ticket = self._tickets.get(int(number)) if number.isdecimal() else None
        if ticket is None:
            raise not_found()
        return ticket

    def _shown(self, ticket: Ticket) -> Body:
        times = {"created_at": written(ticket.made), "updated_at": written(ticket.changed)}
        return {**ticket.values, **times, "comment_count": len(ticket.comments)}

    async def _show(self, request: Request) -> Response:
        ticket = self._known(request)
        users = [self._users[ticket.values["requester_id"]]]
        return JSONResponse({"ticket": self._shown(ticket), "users": users})

    async def _list(self, request: Request) -> Response:
        sought = request.query_params.get("external_id")
        # Several may be asked for, with commas in between.
        wanted = None if sought is None else sought.split(",")
        found = [
            self._shown(one)
            for one in self._tickets.values()
            if wanted is None or one.values["external_id"] in wanted
        ]
        return JSONResponse({"tickets": found, "count": len(found), "next_page": None})

    async def _search(self, request: Request) -> Response:
        """By `external_id:…` alone, and only what the index has already."""
        sought = request.query_params.get("query", "").partition("external_id:")[2].strip('" ')
        until = self._clock() - self.search_delay
        found = [
            self._shown(one)
            for one in self._tickets.values()
            if one.values["external_id"] == sought and one.changed <= until
        ]
        return JSONResponse({"results": found, "count": len(found), "next_page": None})

    async def _comments(self, request: Request) -> Response:
        return _page(request, "comments", self._known(request).comments)

    async def _audits(self, request: Request) -> Response:
        users = list(self._users.values())
        return _page(request, "audits", self._known(request).audits, users=users)

    async def _export(self, request: Request) -> Response:
        now = self._clock()
        start = request.query_params.get("start_time")
        if start is not None and int(start) > (now - _TOO_RECENT).timestamp():
            said = "Too recent start_time. Use a start_time older than 60 seconds"
            raise Refusal(422, {"error": "StartTimeTooRecent", "description": said})
        cursor = request.query_params.get("cursor")
        since, after = (
            (float(start or 0), 0) if cursor is None else (float(cursor.split("|")[0]), int(cursor.split("|")[1]))
        )  # fmt: skip
        size = int(request.query_params.get("per_page", "1000"))
        until = (now - self.export_delay).timestamp()
        keyed = sorted((t.changed.timestamp(), n) for n, t in self._tickets.items())
        found = [one for one in keyed if (since, after) < one and one[0] <= until]
        page = found[:size]
        last = page[-1] if page else (since, after)
        told = {
            "tickets": [self._shown(self._tickets[number]) for _, number in page],
            "after_cursor": f"{last[0]}|{last[1]}",
            "end_of_stream": len(found) <= size,
        }
        return JSONResponse(told)

    async def _groups(self, request: Request) -> Response:
        return _page(
            request,
            "groups",
            [{"id": number, "name": name} for name, number in self.groups.items()],
        )

    async def _field(self, request: Request) -> Response:
        if request.path_params["id"] != str(self._links_field):
            raise not_found()
        told = {"id": self._links_field, "type": "textarea", "active": True}
        return JSONResponse({"ticket_field": told})

    async def _me(self, request: Request) -> Response:
        return JSONResponse({"user": self._users[int(request.state.account.id)]})


def _told(value: object) -> object:
    """Numbers are text in audits."""
    return str(value) if isinstance(value, int) else value


def _page(request: Request, name: str, rows: Sequence[Body], **more: object) -> Response:
    size = min(int(request.query_params.get("page[size]", "100")), 100)
    begin = int(request.query_params.get("page[after]") or 0)
    end = begin + size
    meta = {"has_more": end < len(rows), "after_cursor": str(end)}
    return JSONResponse({name: list(rows[begin:end]), "meta": meta, **more})
