"""A Jira Service Management site to talk to where none can be reached: requests, comments, transitions and JQL.

Kept from the product are its traps: a state is reached by transitions of a workflow only, a search sees what its index
has, times of a search are whole minutes, and text ends at 32 767 characters.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from integrations.sandbox.vendor import Account, Body, Clock, Door, Refusal, given

DESK, REQUEST_TYPE, QUEUE_FIELD = "4", "27", "customfield_10040"
PRIORITIES = ("Highest", "High", "Medium", "Low", "Lowest")
_NEW, _OPEN, _CUSTOMER, _PENDING, _RESOLVED, _CLOSED = (
    "Waiting for support", "In progress", "Waiting for customer", "Pending", "Resolved", "Closed"
)  # fmt: skip
_WORKING = (_NEW, _OPEN, _CUSTOMER, _PENDING)
WORKFLOW: Mapping[str, tuple[str, ...]] = {
    **{name: tuple(other for other in (*_WORKING, _RESOLVED) if other != name) for name in _WORKING},
    _RESOLVED: (_CLOSED, _OPEN, _NEW),
    _CLOSED: (_NEW,),
}  # fmt: skip
_TEXT_CHARS, _LABEL_CHARS, _SUMMARY_CHARS = 32_767, 255, 255
_CLAUSE = re.compile(r'(\w+)\s*(=|>=)\s*"((?:[^"\\]|\\.)*)"\s*(?:AND\s+|$)')
_AGO = re.compile(r"-(\d+)m")
_MALFORMED = {"errorMessages": ["There was an error parsing JSON. Check that your request body is valid."], "errors": {}}  # fmt: skip


def refused(status: int, message: str, /, **errors: str) -> Refusal:
    """As the platform says no."""
    return Refusal(status, {"errorMessages": [message] if message else [], "errors": errors})


def desk_refused(status: int, message: str) -> Refusal:
    """As the service desk says no."""
    return Refusal(status, {"errorMessage": message, "i18nErrorMessage": {"i18nKey": "sd.error", "parameters": []}})  # fmt: skip


def written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}+0000"


@dataclass
class Issue:
    """A request with everything that happened to it."""

    number: int
    key: str
    fields: Body
    made: datetime
    changes: list[datetime] = field(default_factory=list)
    history: list[Body] = field(default_factory=list)
    comments: list[Body] = field(default_factory=list)
    pages: list[Body] = field(default_factory=list)


class Jira:
    """One site with one service desk. `human`, if given, is an agent who calls the same API with a token of their own."""

    def __init__(
        self,
        *,
        copilot: Account,
        clock: Clock,
        groups: Sequence[str],
        human: Account | None = None,
        customers: Sequence[Account] = (),
        fields: Sequence[str] = ("summary", "description", "labels", "priority", QUEUE_FIELD),
        index_delay: timedelta = timedelta(0),
    ) -> None:
        """`fields` are on the form of the request type; nothing else can be set by a request."""
        self.index_delay = index_delay
        """How late the search sees a change."""
        self._clock = clock
        self._groups = tuple(groups)
        self._fields = tuple(fields)
        accounts = [copilot, *([human] if human else [])]
        self._people = {one.id: one for one in (*accounts, *customers)}
        self._issues: dict[int, Issue] = {}
        self._numbers = 10_000
        self.door = Door(accounts, clock, {"message": "Client must be authenticated to access this resource.", "status-code": 401})  # fmt: skip

    def site(self) -> Starlette:
        desk, issue = "/rest/servicedeskapi", "/rest/api/3/issue/{key}"
        return self.door.site(
            [
                ("POST", f"{desk}/request", self._create),
                ("GET", f"{desk}/request/{{key}}/comment", self._comments),
                ("POST", f"{desk}/request/{{key}}/comment", self._comment),
                ("GET", f"{desk}/servicedesk/{{desk}}/requesttype/{{kind}}/field", self._form),
                ("GET", issue, self._show),
                ("PUT", issue, self._edit),
                ("GET", f"{issue}/transitions", self._transitions),
                ("POST", f"{issue}/transitions", self._transit),
                ("GET", f"{issue}/changelog", self._changelog),
                ("GET", f"{issue}/remotelink", self._remote_links),
                ("POST", f"{issue}/remotelink", self._link_page),
                ("POST", "/rest/api/3/issueLink", self._link_issue),
                ("GET", "/rest/api/3/search/jql", self._search),
                ("GET", "/rest/api/3/myself", self._myself),
                ("GET", "/rest/api/3/user/search", self._people_found),
            ]
        )

    def busy(self, times: int, *, retry_after: int) -> None:
        """Be over the limit for the next calls."""
        body = {"errorMessages": ["Rate limit exceeded."], "errors": {}}
        headers = {"Retry-After": str(retry_after), "X-RateLimit-NearLimit": "true"}
        self.door.planned += [Refusal(429, body, headers)] * times

    async def _create(self, request: Request) -> Response:
        body = await given(request, _MALFORMED)
        if (body.get("serviceDeskId"), body.get("requestTypeId")) != (DESK, REQUEST_TYPE):
            raise desk_refused(400, "The request type or service desk does not exist.")
        wanted = body.get("requestFieldValues") or {}
        reporter = str(body.get("raiseOnBehalfOf") or request.state.account.id)
        if reporter not in self._people:
            raise desk_refused(400, "The user in raiseOnBehalfOf is not a customer of this service desk.")  # fmt: skip
        if not wanted.get("summary"):
            raise desk_refused(400, "Please provide a valid value for field 'Summary'")
        try:
            values = self._checked(wanted)
        except Refusal as refusal:
            said = " ".join(refusal.body["errors"].values())
            raise desk_refused(400, said) from refusal
        number, now = self._number(), self._clock()
        key = f"IT-{len(self._issues) + 1}"
        fields = {
            "labels": [], "priority": {"name": "Medium"}, QUEUE_FIELD: None, "description": None, **values,
            "status": {"name": _NEW}, "assignee": None, "issuelinks": [], "resolution": None,
            "reporter": self._person(reporter), "creator": self._person(request.state.account.id),
        }  # fmt: skip
        self._issues[number] = Issue(number, key, fields, now, [now])
        told = {"issueId": str(number), "issueKey": key, "requestTypeId": REQUEST_TYPE, "serviceDeskId": DESK,
                "currentStatus": {"status": _NEW}, "reporter": self._person(reporter)}  # fmt: skip
        return JSONResponse(told, 201)

    def _checked(self, wanted: Body) -> Body:
        for name, value in wanted.items():
            if name not in self._fields:
                raise refused(400, "", **{name: f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."})  # fmt: skip
            self._check(name, value)
        return dict(wanted)

    def _check(self, name: str, value: object) -> None:
        if name == "labels" and isinstance(value, list):
            for label in value:
                if " " in label or len(label) > _LABEL_CHARS:
                    raise refused(400, "", labels=f"The label '{label}' contains spaces or is too long.")  # fmt: skip
        if name == QUEUE_FIELD and (not isinstance(value, dict) or value.get("value") not in self._groups):  # fmt: skip
            raise refused(400, "", **{name: "Option value is not valid: Specify a valid 'value'"})
        if name == "priority" and (not isinstance(value, dict) or value.get("name") not in PRIORITIES):  # fmt: skip
            raise refused(400, "", priority="The priority selected is invalid.")
        if name == "summary" and ("\n" in str(value) or len(str(value)) > _SUMMARY_CHARS):
            raise refused(400, "", summary="The summary is invalid because it contains newline characters or is too long.")  # fmt: skip
        if name == "description" and len(str(value)) > _TEXT_CHARS:
            raise refused(400, "", description="The entered text is too long. It exceeds the allowed limit of 32,767 characters.")  # fmt: skip

    async def _show(self, request: Request) -> Response:
        return JSONResponse(self._shown(self._known(request)))

    async def _edit(self, request: Request) -> Response:
        issue = self._known(request)
        values = self._checked((await given(request, _MALFORMED)).get("fields") or {})
        items = [
            _item(name, _name(issue.fields[name]), _name(value))
            for name, value in values.items()
            if issue.fields[name] != value
        ]
        issue.fields |= values
        self._noted(issue, request, items)
        return Response(status_code=204)

    async def _transitions(self, request: Request) -> Response:
        return JSONResponse({"transitions": self._ways(self._known(request))})

    def _ways(self, issue: Issue) -> list[Body]:
        names = list(WORKFLOW)
        return [
            {
                "id": str(11 + names.index(name)), "name": f"To {name.lower()}", "to": {"name": name},
                "fields": {"resolution": {"required": True, "name": "Resolution"}} if name == _RESOLVED else {},
            }
            for name in WORKFLOW[issue.fields["status"]["name"]]
        ]  # fmt: skip

    async def _transit(self, request: Request) -> Response:
        issue = self._known(request)
        body = await given(request, _MALFORMED)
        sought = (body.get("transition") or {}).get("id")
        way = next((one for one in self._ways(issue) if one["id"] == sought), None)
        if way is None:
            raise refused(400, "It seems that you have tried to perform a workflow operation that is not valid for the current state of this issue.")  # fmt: skip
        values = body.get("fields") or {}
        if way["fields"] and not values.get("resolution"):
            raise refused(400, "", resolution="Resolution is required.")
        item = _item("status", issue.fields["status"]["name"], way["to"]["name"])
        issue.fields |= {"status": way["to"], "resolution": values.get("resolution")}
        self._noted(issue, request, [item])
        return Response(status_code=204)

    async def _comment(self, request: Request) -> Response:
        issue = self._known(request)
        body = await given(request, _MALFORMED)
        text = str(body.get("body") or "")
        if not text or len(text) > _TEXT_CHARS:
            raise desk_refused(400, "The entered text is empty or exceeds the allowed limit of 32,767 characters.")  # fmt: skip
        now = self._clock()
        made = {
            "id": str(self._number()), "body": text, "public": bool(body.get("public", True)),
            "author": self._person(request.state.account.id),
            "created": {"iso8601": written(now), "epochMillis": int(now.timestamp() * 1000)},
        }  # fmt: skip
        issue.comments.append(made)
        issue.changes.append(now)
        return JSONResponse(made, 201)

    async def _comments(self, request: Request) -> Response:
        found = self._known(request).comments
        begin, size = _asked(request, "start", "limit", 50)
        page = found[begin : begin + size]
        told = {"start": begin, "limit": size, "size": len(page), "isLastPage": begin + size >= len(found), "values": page}  # fmt: skip
        return JSONResponse(told)

    async def _changelog(self, request: Request) -> Response:
        found = self._known(request).history
        begin, size = _asked(request, "startAt", "maxResults", 100)
        page = found[begin : begin + size]
        told = {"startAt": begin, "maxResults": size, "total": len(found), "isLast": begin + size >= len(found), "values": page}  # fmt: skip
        return JSONResponse(told)

    async def _remote_links(self, request: Request) -> Response:
        return JSONResponse(self._known(request).pages)

    async def _link_page(self, request: Request) -> Response:
        issue = self._known(request)
        body = await given(request, _MALFORMED)
        known = [one for one in issue.pages if one["globalId"] == body.get("globalId")]
        if not known:
            known = [{"id": self._number(), "globalId": body.get("globalId"), "object": body["object"]}]  # fmt: skip
            issue.pages += known
        return JSONResponse({"id": known[0]["id"]}, 201)

    async def _link_issue(self, request: Request) -> Response:
        body = await given(request, _MALFORMED)
        inward = self._by_key(str((body.get("inwardIssue") or {}).get("key")))
        outward = self._by_key(str((body.get("outwardIssue") or {}).get("key")))
        kind = body.get("type") or {}
        if kind.get("name") != "Relates":
            raise refused(404, f"No issue link type with name '{kind.get('name')}' found.")
        outward.fields["issuelinks"].append({"type": kind, "inwardIssue": {"key": inward.key}})
        inward.fields["issuelinks"].append({"type": kind, "outwardIssue": {"key": outward.key}})
        return Response(status_code=201)

    async def _form(self, request: Request) -> Response:
        if (request.path_params["desk"], request.path_params["kind"]) != (DESK, REQUEST_TYPE):
            raise desk_refused(404, "The request type or service desk does not exist.")
        options = [{"value": str(number), "label": name} for number, name in enumerate(self._groups)]  # fmt: skip
        told = [
            {"fieldId": name, "name": name, "required": name == "summary", "validValues": options if name == QUEUE_FIELD else []}
            for name in self._fields
        ]  # fmt: skip
        return JSONResponse({"requestTypeFields": told, "canRaiseOnBehalfOf": True})

    async def _search(self, request: Request) -> Response:
        jql = request.query_params.get("jql", "")
        clauses = self._clauses(jql.partition(" ORDER BY ")[0])
        now = self._clock()
        keyed = []
        for issue in self._issues.values():
            seen = [at for at in issue.changes if at <= now - self.index_delay]
            if seen and all(_holds(issue, seen[-1], now, *clause) for clause in clauses):
                keyed.append((seen[-1] if "ORDER BY updated" in jql else issue.made, issue.number))
        begin, size = _asked(request, "nextPageToken", "maxResults", 50)
        order = [number for _, number in sorted(keyed)]
        page = [self._shown(self._issues[number]) for number in order[begin : begin + size]]
        is_last = begin + size >= len(order)
        told: Body = {"issues": page, "isLast": is_last}
        return JSONResponse(told if is_last else {**told, "nextPageToken": str(begin + size)})

    @staticmethod
    def _clauses(jql: str) -> list[tuple[str, str, str]]:
        if not jql.strip():
            raise refused(400, "Unbounded JQL queries are not allowed here. Please add a search restriction to your query.")  # fmt: skip
        found, at = [], 0
        while at < len(jql):
            clause = _CLAUSE.match(jql, at)
            if clause is None or clause[1] not in ("labels", "updated"):
                raise refused(400, f"Error in the JQL Query: '{jql[at : at + 20]}' is not understood. (line 1, character {at + 1})")  # fmt: skip
            found.append((clause[1], clause[2], re.sub(r"\\(.)", r"\1", clause[3])))
            at = clause.end()
        return found

    async def _myself(self, request: Request) -> Response:
        return JSONResponse(self._person(request.state.account.id))

    async def _people_found(self, request: Request) -> Response:
        sought = request.query_params.get("query", "").casefold()
        found = [self._person(one.id) for one in self._people.values() if one.email.startswith(sought)]  # fmt: skip
        return JSONResponse(found)

    def _person(self, number: str) -> Body:
        one = self._people[number]
        return {"accountId": one.id, "displayName": one.name, "emailAddress": one.email, "accountType": "atlassian"}  # fmt: skip

    def _known(self, request: Request) -> Issue:
        return self._by_key(request.path_params["key"])

    def _by_key(self, key: str) -> Issue:
        for issue in self._issues.values():
            if key in (issue.key, str(issue.number)):
                return issue
        raise refused(404, "Issue does not exist or you do not have permission to see it.")

    def _shown(self, issue: Issue) -> Body:
        times = {"created": written(issue.made), "updated": written(issue.changes[-1])}
        return {"id": str(issue.number), "key": issue.key, "fields": {**issue.fields, **times}}

    def _noted(self, issue: Issue, request: Request, items: Sequence[Body]) -> None:
        if not items:
            return
        now = self._clock()
        author = self._person(request.state.account.id)
        issue.history.append({"id": str(self._number()), "author": author, "created": written(now), "items": list(items)})  # fmt: skip
        issue.changes.append(now)

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers


def _item(name: str, before: str | None, after: str | None) -> Body:
    return {"field": name, "fieldId": name, "fromString": before, "toString": after}


def _name(value: object) -> str | None:
    if isinstance(value, dict):
        return str(value.get("value") or value.get("name"))
    return None if value is None else str(value)


def _asked(request: Request, start: str, size: str, most: int) -> tuple[int, int]:
    params = request.query_params
    return int(params.get(start) or 0), min(int(params.get(size) or most), most)


def _holds(issue: Issue, updated: datetime, now: datetime, name: str, operator: str, value: str) -> bool:  # fmt: skip
    if (name, operator) == ("labels", "="):
        return value.casefold() in (label.casefold() for label in issue.fields["labels"])
    ago = _AGO.fullmatch(value)
    if (name, operator) != ("updated", ">=") or ago is None:
        raise refused(400, f"Error in the JQL Query: '{name} {operator} {value}' is not understood.")  # fmt: skip
    return updated >= now - timedelta(minutes=int(ago[1]))
