"""The log of every conversation, from the record store: read as a stream, one person at a time."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, select

from integrations.outcomes.log import Case, Conversation, Event, Kind
from integrations.store.database import Database
from integrations.store.tables import feedback, threads, to_stamp, to_time, turns
from integrations.tickets.tables import handoff_ratings, ticket_events, tickets

_OF_REPLY: Mapping[str, Kind] = {
    "answer": "answered",
    "clarify": "clarified",
    "decline": "declined",
    "escalate": "escalated",
}
_OF_FEEDBACK: Mapping[str, Kind] = {
    "fixed": "fixed",
    "still_stuck": "stuck",
    "good_answer": "rated_good",
    "bad_answer": "rated_bad",
}
_CLOSED = ("resolved", "closed")


@dataclass(slots=True)
class _Beside:
    """What is known of inquiries and tickets beside the turns."""

    reactions: dict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))
    steps: dict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))
    ended: dict[str, tuple[str | None, int | None]] = field(default_factory=dict)
    ratings: dict[str, str] = field(default_factory=dict)


async def cases(
    database: Database, *, since: datetime | None = None, until: datetime | None = None
) -> list[Case]:
    """Conversations that began in a span, with what came after them. May raise `StoreUnavailableError`."""

    def work(db: Connection) -> list[Case]:
        beside = _beside(db)
        return [
            case
            for talks in _by_person(db, beside)
            for case in _followed(talks)
            if (since is None or case.talk.started_at >= since)
            and (until is None or case.talk.started_at < until)
        ]

    return await database.read(work)


def _beside(db: Connection) -> _Beside:
    found = _Beside()
    for row in db.execute(select(feedback).order_by(feedback.c.seq)):
        kind = _OF_FEEDBACK.get(row.verdict)
        if kind is not None and row.at is not None:
            found.reactions[row.inquiry_id].append(Event(kind, to_time(row.at)))
    before: dict[str, str] = {}
    columns = (ticket_events.c.ticket_id, ticket_events.c.status, ticket_events.c.at)
    for name, status, at in db.execute(select(*columns).order_by(ticket_events.c.seq)):
        was = before.get(name)
        if status in _CLOSED and was not in _CLOSED:
            found.steps[name].append(Event("closed", to_time(at)))
        elif was in _CLOSED and status not in _CLOSED:
            found.steps[name].append(Event("reopened", to_time(at)))
        before[name] = status
    for row in db.execute(select(tickets.c.id, tickets.c.resolution, tickets.c.minutes)):
        found.ended[row.id] = (row.resolution, row.minutes)
    for row in db.execute(select(handoff_ratings).order_by(handoff_ratings.c.seq)):
        found.ratings[row.ticket] = row.verdict
    return found


def _by_person(db: Connection, beside: _Beside) -> Iterator[list[Conversation]]:
    query = (
        select(
            threads.c.user_id,
            turns.c.thread_id,
            turns.c.inquiry_id,
            turns.c.at,
            turns.c.reply,
        )
        .join(threads, threads.c.id == turns.c.thread_id)
        .order_by(threads.c.user_id, turns.c.thread_id, turns.c.seq)
        .execution_options(yield_per=500)
    )
    for _, of_person in groupby(db.execute(query), key=lambda row: row.user_id):
        by_thread = groupby(of_person, key=lambda row: row.thread_id)
        yield [_conversation(list(rows), beside) for _, rows in by_thread]


def _conversation(rows: list[Any], beside: _Beside) -> Conversation:
    talk = Conversation(
        rows[0].thread_id, rows[0].user_id, to_time(rows[0].at), to_time(rows[-1].at), ()
    )
    events: list[Event] = []
    for row in rows:
        if row.reply is not None:
            talk = _with_reply(talk, json.loads(row.reply), to_time(row.at), events)
        events += beside.reactions.get(row.inquiry_id, [])
    if talk.ticket is not None:
        events += beside.steps.get(talk.ticket, [])
        resolution, minutes = beside.ended.get(talk.ticket, (None, None))
        rating = beside.ratings.get(talk.ticket)
        complete = None if rating is None else rating == "complete"
        talk = replace(talk, resolution=resolution, minutes=minutes, handoff_complete=complete)
    ordered = sorted(events, key=lambda event: to_stamp(event.at))
    return replace(talk, events=tuple(ordered))


def _with_reply(
    talk: Conversation, reply: Mapping[str, Any], at: datetime, events: list[Event]
) -> Conversation:
    """Notes what a reply was; a thanks is the employee's word, no answer."""
    resolved = reply.get("resolved")
    if resolved is True:
        events.append(Event("fixed", at))
    else:
        if resolved is False:
            events.append(Event("stuck", at))
        events.append(Event(_OF_REPLY[reply["disposition"]], at))
    label = f"{reply['category']}.{reply['subcategory']}" if reply.get("subcategory") else None
    ticket = (reply.get("ticket") or {}).get("id")
    return replace(
        talk,
        label=label or talk.label,
        ticket=ticket or talk.ticket,
        versions=tuple(sorted((reply.get("versions") or {}).items())),
    )


def _followed(talks: list[Conversation]) -> Iterator[Case]:
    """Each conversation of one person with their next one about the same."""
    ordered = sorted(talks, key=lambda talk: (talk.started_at, talk.thread_id))
    next_at: dict[str, datetime] = {}
    found: list[Case] = []
    for talk in reversed(ordered):
        found.append(Case(talk, next_at.get(talk.label) if talk.label else None))
        if talk.label is not None:
            next_at[talk.label] = talk.started_at
    yield from reversed(found)
