"""A ServiceNow instance to talk to where none can be reached: the Table API on incidents and what belongs to them.

Kept from the platform are its traps: unknown fields and queries on unknown fields are left out without a word, `^` is
an operator, a value that begins with `javascript:` is run, long text is cut, and journal fields are written only.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from integrations.sandbox.vendor import Account, Body, Clock, Door, Refusal, given

JOURNALS = ("comments", "work_notes")
_LENGTHS = {"short_description": 160, "description": 4_000, "correlation_id": 100, "correlation_display": 100,
            "u_copilot_links": 4_000, "close_notes": 4_000}  # fmt: skip
_INCIDENT = {
    "number": "", "short_description": "", "description": "", "state": "1", "hold_reason": "", "impact": "3",
    "urgency": "3", "priority": "5", "assignment_group": "", "assigned_to": "", "caller_id": "", "category": "inquiry",
    "subcategory": "", "correlation_id": "", "correlation_display": "", "close_code": "", "close_notes": "",
    "u_copilot_links": "", "comments": "", "work_notes": "",
}  # fmt: skip
_REFERENCES = {"assignment_group": "sys_user_group", "assigned_to": "sys_user", "caller_id": "sys_user"}  # fmt: skip
_PRIORITIES = {("1", "1"): "1", ("1", "2"): "2", ("2", "1"): "2", ("1", "3"): "3", ("2", "2"): "3", ("3", "1"): "3",
               ("2", "3"): "4", ("3", "2"): "4", ("3", "3"): "5"}  # fmt: skip
"""Priority of an impact and an urgency, as a new instance looks it up."""
_STATES, _DONE, _ON_HOLD = ("1", "2", "3", "6", "7", "8"), ("6", "7"), "3"
_CONDITION = re.compile(r"([a-z_]+)(>=|!=|ISNOTEMPTY|STARTSWITH|LIKE|IN|=)(.*)", re.DOTALL)
_ROWS = 10_000
_MALFORMED = {"error": {"message": "Exception while reading request", "detail": "The payload is not valid JSON"}, "status": "failure"}  # fmt: skip

Row = dict[str, str]


def failure(status: int, message: str, detail: str | None = None) -> Refusal:
    return Refusal(status, {"error": {"message": message, "detail": detail}, "status": "failure"})


def written(moment: datetime) -> str:
    """The platform keeps whole seconds, in UTC."""
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def conditions(query: str) -> tuple[list[tuple[str, str, str]], list[str]]:
    """The conditions of an encoded query, and what it is ordered by. A value can't hold a `^`."""
    parts = query.split("^")
    order = [part.removeprefix("ORDERBY") for part in parts if part.startswith("ORDERBY")]
    found = [_CONDITION.fullmatch(part) for part in parts if not part.startswith("ORDERBY")]
    return [(one[1], one[2], one[3]) for one in found if one], order


@dataclass
class _Table:
    columns: frozenset[str]
    rows: list[Row] = field(default_factory=list)

    def found(self, query: str) -> list[Row]:
        wanted, order = conditions(query)
        # A condition on a column that is not there is left out, and more rows are found than were asked for.
        real = [one for one in wanted if one[0] in self.columns]
        rows = [row for row in self.rows if all(_holds(row, *one) for one in real)]
        return sorted(rows, key=lambda row: [row[name] for name in order if name in self.columns])


def _holds(row: Row, name: str, operator: str, value: str) -> bool:
    if value.strip().casefold().startswith("javascript:"):
        raise failure(500, "Transaction cancelled: a script of the query was run")
    had = row[name]
    holds = {
        "=": had.casefold() == value.casefold(),
        "!=": had.casefold() != value.casefold(),
        ">=": had >= value,
        "LIKE": value.casefold() in had.casefold(),
        "STARTSWITH": had.casefold().startswith(value.casefold()),
        "IN": had in value.split(","),
        "ISNOTEMPTY": had != "",
    }
    return holds[operator]


class ServiceNow:
    """One instance. `human`, if given, is a fulfiller who calls the same API with an account of their own."""

    def __init__(
        self,
        *,
        copilot: Account,
        clock: Clock,
        groups: Sequence[str],
        human: Account | None = None,
        callers: Mapping[str, str] | None = None,
        requires_resolution: bool = True,
        audits: bool = True,
    ) -> None:
        """`callers` are names of people by e-mail address; without `audits` the account may not read `sys_audit`."""
        self._clock = clock
        self._numbers = 0
        self._requires_resolution = requires_resolution
        self.audits, self.journals = audits, True
        """Whether `sys_audit` may be read, and whether notes may be written; they are left out otherwise."""
        every = ("sys_id", "sys_created_on", "sys_created_by", "sys_updated_on", "sys_updated_by", "sys_mod_count")  # fmt: skip
        self._tables = {
            name: _Table(frozenset((*every, *columns)))
            for name, columns in {
                "incident": tuple(_INCIDENT),
                "sys_user": ("user_name", "name", "email", "active"),
                "sys_user_group": ("name", "active"),
                "sys_audit": ("tablename", "documentkey", "fieldname", "oldvalue", "newvalue", "user", "record_checkpoint"),
                "sys_journal_field": ("name", "element", "element_id", "value"),
            }.items()
        }  # fmt: skip
        for group in groups:
            self._insert("sys_user_group", "system", {"name": group, "active": "true"})
        accounts = [copilot, *([human] if human else [])]
        people = {one.email: one.login for one in accounts} | dict(callers or {})
        for email, name in people.items():
            person = {"user_name": name, "name": name, "email": email, "active": "true"}
            self._insert("sys_user", "system", person)
        refused = {"error": {"message": "User Not Authenticated", "detail": "Required to provide Auth information"}, "status": "failure"}  # fmt: skip
        self.door = Door(accounts, clock, refused)

    def site(self) -> Starlette:
        table = "/api/now/table/{table}"
        return self.door.site(
            [
                ("GET", table, self._list),
                ("POST", table, self._create),
                ("GET", f"{table}/{{sys_id}}", self._show),
                ("PATCH", f"{table}/{{sys_id}}", self._update),
            ]
        )

    def busy(self, times: int, *, retry_after: int) -> None:
        """Be over the limit for the next calls."""
        body = {"error": {"message": "Rate limit exceeded", "detail": None}, "status": "failure"}
        self.door.planned += [Refusal(429, body, {"Retry-After": str(retry_after)})] * times

    async def _list(self, request: Request) -> Response:
        asked = request.query_params
        found = self._table(request).found(asked.get("sysparm_query", ""))
        begin = int(asked.get("sysparm_offset", "0"))
        end = begin + min(int(asked.get("sysparm_limit", str(_ROWS))), _ROWS)
        headers = {"X-Total-Count": str(len(found))}
        if end < len(found):
            headers["Link"] = f'<{request.url.include_query_params(sysparm_offset=end)}>;rel="next"'
        told = [self._told(request, row) for row in found[begin:end]]
        return JSONResponse({"result": told}, headers=headers)

    async def _create(self, request: Request) -> Response:
        if request.path_params["table"] != "incident":
            raise failure(403, "Operation Failed", "ACL Exception Insert Failed due to security constraints")  # fmt: skip
        wanted = self._taken(await given(request, _MALFORMED))
        self._numbers += 1
        by = request.state.account.login
        values = {**_INCIDENT, "number": f"INC{self._numbers:07}"}
        row = self._insert("incident", by, values)
        self._apply(row, wanted, by, is_new=True)
        return JSONResponse({"result": self._told(request, row)}, 201)

    async def _show(self, request: Request) -> Response:
        return JSONResponse({"result": self._told(request, self._known(request))})

    async def _update(self, request: Request) -> Response:
        row = self._known(request)
        wanted = self._taken(await given(request, _MALFORMED))
        by = request.state.account.login
        self._apply(row, wanted, by, is_new=False)
        return JSONResponse({"result": self._told(request, row)})

    def _table(self, request: Request) -> _Table:
        name = request.path_params["table"]
        if name not in self._tables:
            raise failure(400, f"Invalid table {name}")
        if name == "sys_audit" and not self.audits:
            raise failure(403, "User Not Authorized", "Failed API level ACL Validation")
        return self._tables[name]

    def _known(self, request: Request) -> Row:
        for row in self._table(request).rows:
            if row["sys_id"] == request.path_params["sys_id"]:
                return row
        raise failure(404, "No Record found", "Record doesn't exist or ACL restricts the record retrieval")  # fmt: skip

    def _taken(self, body: Body) -> Row:
        """What the platform makes of the fields of a call: unknown ones are left out, long ones are cut."""
        taken = {name: str(value) for name, value in body.items() if name in _INCIDENT}
        for name, table in _REFERENCES.items():
            if taken.get(name) and not self._is_row(table, taken[name]):
                del taken[name]
        return {name: value[: _LENGTHS.get(name, len(value))] for name, value in taken.items()}

    def _is_row(self, table: str, sys_id: str) -> bool:
        return any(row["sys_id"] == sys_id for row in self._tables[table].rows)

    def _apply(self, row: Row, wanted: Row, by: str, *, is_new: bool) -> None:
        state = wanted.get("state", row["state"])
        if state not in _STATES:
            del wanted["state"]
        will_be = {**row, **wanted}
        if state in _DONE and self._requires_resolution and not (will_be["close_code"] and will_be["close_notes"]):  # fmt: skip
            said = "Data Policy Exception: Following fields are mandatory: Resolution code, Resolution notes"
            raise failure(403, "Operation Failed", said)
        if state == _ON_HOLD and not will_be["hold_reason"]:
            raise failure(403, "Operation Failed", "Data Policy Exception: Following fields are mandatory: On hold reason")  # fmt: skip
        if state != _ON_HOLD:
            wanted["hold_reason"] = ""
        journals = {name: wanted.pop(name) for name in JOURNALS if name in wanted}
        changed = {name: value for name, value in wanted.items() if row[name] != value}
        now = written(self._clock())
        if not is_new and (changed or any(journals.values())):
            row["sys_mod_count"] = str(int(row["sys_mod_count"]) + 1)
            row |= {"sys_updated_on": now, "sys_updated_by": by}
            self._audit(row, changed, by, now)
        row |= changed
        row["priority"] = _PRIORITIES.get((row["impact"], row["urgency"]), "5")
        for name, value in journals.items():
            if value and self.journals:
                entry = {"name": "incident", "element": name, "element_id": row["sys_id"], "value": value}  # fmt: skip
                self._insert("sys_journal_field", by, entry, now)

    def _audit(self, row: Row, changed: Row, by: str, now: str) -> None:
        for name, value in changed.items():
            noted = {"tablename": "incident", "documentkey": row["sys_id"], "fieldname": name, "oldvalue": row[name],
                     "newvalue": value, "user": by, "record_checkpoint": row["sys_mod_count"]}  # fmt: skip
            self._insert("sys_audit", by, noted, now)

    def _insert(self, table: str, by: str, values: Row, now: str | None = None) -> Row:
        at = now or written(self._clock())
        rows = self._tables[table].rows
        made = {
            "sys_id": _sys_id(table, len(rows)), "sys_created_on": at, "sys_created_by": by, "sys_updated_on": at,
            "sys_updated_by": by, "sys_mod_count": "0", **values,
        }  # fmt: skip
        rows.append(made)
        return made

    def _told(self, request: Request, row: Row) -> Body:
        """References are links, unless they are asked to be left out."""
        asked = request.query_params
        names = [name for name in asked.get("sysparm_fields", "").split(",") if name] or list(row)
        plain = asked.get("sysparm_exclude_reference_link") == "true"
        return {
            name: self._value(request, row, name, plain)
            for name in names
            if name.partition(".")[0] in row
        }

    def _value(self, request: Request, row: Row, name: str, plain: bool) -> Body | str:
        name, _, further = name.partition(".")
        if name not in _REFERENCES or not row[name]:
            return row[name]
        if further:
            referred = (one for one in self._tables[_REFERENCES[name]].rows if one["sys_id"] == row[name])  # fmt: skip
            return next(referred).get(further, "")
        if plain:
            return row[name]
        link = f"{request.base_url}api/now/table/{_REFERENCES[name]}/{row[name]}"
        return {"link": link, "value": row[name]}

    def run_script(self, number: str, changes: Row) -> None:
        """A business rule changes an incident."""
        row = next(one for one in self._tables["incident"].rows if one["number"] == number)
        self._apply(row, dict(changes), "system", is_new=False)


def _sys_id(table: str, position: int) -> str:
    """32 hexadecimal digits in no order, as the platform's are."""
    return hashlib.sha256(f"{table}/{position}".encode()).hexdigest()[:32]
