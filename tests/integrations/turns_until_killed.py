"""A process that takes turns with handoffs until it is done or killed.

Usage: python -m tests.integrations.turns_until_killed URL PREFIX TURNS [STOP_AT]
STOP_AT (`planned` or `opened`) stops in the first turn at that point, says so and waits to be killed.
"""

import asyncio
import sys

from copilot.conversation import Inquiry
from copilot.record import NewInquiry, Stored
from integrations.store.journal import SqlJournal
from integrations.tickets.desk import EmbeddedDesk
from integrations.tickets.promise import Promise, Promises
from tests.integrations.store_values import AT, a_handoff, a_record, a_reply, an_inquiry


def a_desk(journal: SqlJournal) -> EmbeddedDesk:
    promises: Promises = {"P3": Promise.parse("8 working hours")}
    return EmbeddedDesk(journal.database, queues=["network"], promises=promises)


async def take_turn(
    journal: SqlJournal, desk: EmbeddedDesk, inquiry: Inquiry, stop_at: str = ""
) -> None:
    begun = await journal.begin(inquiry, text_hash="h")
    if isinstance(begun, Stored):
        return
    if isinstance(begun, NewInquiry):
        _maybe_stop("begun", stop_at)
    key = f"handoff:{inquiry.id}"
    await journal.plan_handoff(inquiry.id, key, a_handoff())
    _maybe_stop("planned", stop_at)
    ticket = await desk.open(
        a_handoff(), key=key, thread_id=begun.thread_id, opened_by=inquiry.user, at=AT
    )
    _maybe_stop("opened", stop_at)
    await journal.handed_off(key, ticket)
    reply = a_reply(begun.thread_id, inquiry.id, ticket=ticket)
    await journal.finish(reply, a_record(begun.thread_id, inquiry.id))


def _maybe_stop(point: str, stop_at: str) -> None:
    if point == stop_at:
        sys.stdout.write(f"{point}\n")
        sys.stdout.flush()
        sys.stdin.read()


async def main(url: str, prefix: str, turns: int, stop_at: str = "") -> None:
    journal = await SqlJournal.open(url)
    desk = a_desk(journal)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for number in range(turns):
        await take_turn(journal, desk, an_inquiry(f"{prefix}-{number}"), stop_at)
    await journal.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), *sys.argv[4:]))
