"""What agents say of the handoffs that they got."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select

from integrations.store.database import Database
from integrations.store.tables import to_stamp
from integrations.tickets.tables import handoff_ratings

VERDICTS: Mapping[str, str] = {
    "complete": "Complete",
    "missing": "Missing …",
    "wrong_queue": "Wrong queue",
    "bot_could_have_solved": "The bot could have solved it",
    "should_have_come_sooner": "Should have come sooner",
}


class Ratings:
    """Kept with the cases. Any method may raise `StoreUnavailableError`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._add = database.insert(handoff_ratings).on_conflict_do_nothing()

    async def rate(
        self, ticket: str, *, agent: str, verdict: str, note: str | None, key: str, at: datetime
    ) -> None:
        """What an agent says of a handoff; a repeated key changes nothing. The note is redacted already."""
        row = {
            "key": key, "ticket": ticket, "agent": agent, "verdict": verdict, "note": note,
            "at": to_stamp(at),
        }  # fmt: skip
        await self._database.write(lambda db: db.execute(self._add, row))

    async def of(self, ticket: str) -> list[tuple[str, str, str | None]]:
        """Agent, verdict and note: the latest word of each agent, in the order of their first."""
        query = (
            select(handoff_ratings)
            .where(handoff_ratings.c.ticket == ticket)
            .order_by(handoff_ratings.c.seq)
        )
        rows = await self._database.read(lambda db: db.execute(query).all())
        latest = {row.agent: (row.agent, row.verdict, row.note) for row in rows}
        return list(latest.values())
