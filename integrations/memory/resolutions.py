"""Resolutions in the record store: an agent's or the employee's word, never the copilot's own."""

import json
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, Row, bindparam, func, select, text, update

from copilot.errors import CopilotError
from integrations.memory.tables import resolutions
from integrations.store.database import Database
from integrations.store.tables import to_stamp
from knowledge.remembering import Changes, Resolution

ConfirmedBy = Literal["agent", "employee"]
"""An agent who closed the ticket, or the employee who said after that that it works."""
StoredRow = Row[tuple[object, ...]]
EVERYBODY = ("all_staff",)

_CONFIRMED: dict[ConfirmedBy, str] = {"agent": "by_agent", "employee": "by_employee"}
_WITHDRAWN, _FORGOTTEN = "withdrawn", "forgotten"

_SINCE = (
    select(resolutions).where(resolutions.c.seq > bindparam("cursor")).order_by(resolutions.c.seq)
)
_LATEST = (
    select(resolutions)
    .where(resolutions.c.ticket_id == bindparam("ticket"))
    .order_by(resolutions.c.seq.desc())
    .limit(1)
)
_LAST = select(func.max(resolutions.c.seq))
_OF_PERSON = (
    select(resolutions.c.ticket_id).where(resolutions.c.person == bindparam("whose")).distinct()
)
_ERASE = (
    update(resolutions)
    .where(resolutions.c.person == bindparam("whose"))
    .values(person=None, problem=None, kind=_FORGOTTEN)
)


class ResolutionRefusedError(CopilotError):
    """What was said to have solved a ticket can't be remembered; the text says why and what to do."""


class Resolutions:
    """The confirmed resolutions. Any method may raise `StoreUnavailableError`."""

    def __init__(
        self,
        database: Database,
        *,
        digest: Callable[[str], str],
        articles: Callable[[], Collection[str]],
    ) -> None:
        self._database = database
        self._digest = digest
        self._articles = articles
        """The ids of the serving index version."""
        self._add = database.insert(resolutions)

    async def record(
        self,
        ticket_id: str,
        problem: str,
        articles: Sequence[str],
        *,
        by: str,
        person: str,
        at: datetime,
        confirmed: ConfirmedBy = "agent",
        audience: Sequence[str] = EVERYBODY,
        label: tuple[str, str] | None = None,
    ) -> None:
        """Remember which articles solved a ticket. The problem text is redacted already.

        `by` is who confirms, `person` whose ticket it is, `audience` the groups that may profit from
        it. The latest word on a ticket counts, and saying the same again changes nothing. Raises
        `ResolutionRefusedError`.
        """
        self._check(ticket_id, problem, articles, by, audience)
        category, subcategory = label or (None, None)
        row = {
            "ticket_id": ticket_id,
            "kind": _CONFIRMED[confirmed],
            "at": to_stamp(at),
            "by": self._digest(by),
            "person": person,
            "problem": problem.strip(),
            "articles": json.dumps(sorted(set(articles))),
            "audience": json.dumps(sorted(set(audience))),
            "category": category,
            "subcategory": subcategory,
        }

        def work(db: Connection) -> None:
            _in_order(db)
            latest = db.execute(_LATEST, {"ticket": ticket_id}).first()
            if latest is None or any(getattr(latest, name) != row[name] for name in _SAYING):
                db.execute(self._add, row)

        await self._database.write(work)

    async def withdraw(self, ticket_id: str, *, by: str, at: datetime) -> bool:
        """Let the resolution of a ticket count no more; whether there was one."""
        row = {
            "ticket_id": ticket_id,
            "kind": _WITHDRAWN,
            "at": to_stamp(at),
            "by": self._digest(by),
        }

        def work(db: Connection) -> bool:
            _in_order(db)
            latest = db.execute(_LATEST, {"ticket": ticket_id}).first()
            if latest is None or latest.kind not in _CONFIRMED.values():
                return False
            db.execute(self._add, row)
            return True

        return await self._database.write(work)

    async def forget(self, person: str, *, at: datetime) -> int:
        """Erase the problem texts of a person; how many tickets they were of."""
        whose = {"whose": person}

        def work(db: Connection) -> int:
            _in_order(db)
            tickets = [row.ticket_id for row in db.execute(_OF_PERSON, whose)]
            db.execute(_ERASE, whose)
            for ticket in tickets:
                row = {"ticket_id": ticket, "kind": _FORGOTTEN, "at": to_stamp(at), "by": ""}
                db.execute(self._add, row)
            return len(tickets)

        return await self._database.write(work)

    async def since(self, cursor: int) -> Changes:
        """What was confirmed, withdrawn and forgotten after a cursor."""

        def work(db: Connection) -> Changes:
            rows = db.execute(_SINCE, {"cursor": cursor}).all()
            return _changes(rows, db.execute(_LAST).scalar() or 0)

        return await self._database.read(work)

    def _check(
        self,
        ticket_id: str,
        problem: str,
        articles: Sequence[str],
        by: str,
        audience: Sequence[str],
    ) -> None:
        given = {"ticket": ticket_id, "problem": problem, "confirming person": by}
        missing = [name for name, value in given.items() if not value.strip()]
        missing += [] if articles else ["article"]
        missing += [] if audience else ["audience"]
        if missing:
            raise ResolutionRefusedError(
                f"The resolution of ticket '{ticket_id}' names no {missing[0]}. "
                "A resolution says who confirms that which articles solved which problem, and for whom."
            )
        unknown = sorted(set(articles) - set(self._articles()))
        if unknown:
            raise ResolutionRefusedError(
                f"Article '{unknown[0]}' is not in the knowledge base, or not any more. Name the "
                f"articles that solved ticket '{ticket_id}' by ids that are there now."
            )


_SAYING = ("kind", "problem", "articles", "audience", "person")
"""What makes a second word on a ticket another one."""


def _in_order(db: Connection) -> None:
    """Let nobody else write, so that a reader who saw a row saw all rows before it."""
    if db.dialect.name == "postgresql":
        db.execute(text("LOCK TABLE resolutions IN SHARE ROW EXCLUSIVE MODE"))


def _changes(rows: Sequence[StoredRow], last: int) -> Changes:
    latest = {row.ticket_id: row for row in rows}
    confirmed = [row for row in latest.values() if row.kind in _CONFIRMED.values()]
    return Changes(
        cursor=last,
        confirmed=tuple(_resolution(row) for row in sorted(confirmed, key=lambda row: row.seq)),
        withdrawn=frozenset(t for t, row in latest.items() if row.kind == _WITHDRAWN),
        forgotten=frozenset(row.ticket_id for row in rows if row.kind == _FORGOTTEN),
    )


def _resolution(row: StoredRow) -> Resolution:
    return Resolution(
        seq=row.seq,
        ticket=row.ticket_id,
        problem=row.problem,
        articles=tuple(json.loads(row.articles)),
        audience=tuple(json.loads(row.audience)),
    )
