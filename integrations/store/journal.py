"""The journal: what was asked is stored first, what was answered is stored before it is shown."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from itertools import count
from typing import TypeVar, get_args

from pydantic import BaseModel, ValidationError
from sqlalchemy import Connection, Row
from sqlalchemy.exc import IntegrityError

from copilot.conversation import Feedback, Handoff, Inquiry, Rating, Reply, TicketRef
from copilot.errors import (
    ForeignThreadError,
    InquiryConflictError,
    StoreUnavailableError,
    UnknownInquiryError,
)
from copilot.record import (
    Begun,
    NewInquiry,
    PlannedHandoff,
    Stored,
    ThreadSummary,
    ThreadTurn,
    ThreadView,
    TurnRecord,
    Unfinished,
)
from integrations.store.database import Database, RacedError
from integrations.store.statements import statements
from integrations.store.tables import to_stamp, to_time

Document = TypeVar("Document", bound=BaseModel)
StoredRow = Row[tuple[object, ...]]


class SqlJournal:
    """Every turn in SQLite or PostgreSQL. Any method may raise `StoreUnavailableError`."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._sql = statements(database.insert)

    @classmethod
    async def open(cls, url: str, *, busy_seconds: float = 5.0) -> "SqlJournal":
        """A journal on a database of its own, with the schema up to date."""
        return cls(await Database.open(url, busy_seconds=busy_seconds))

    async def begin(self, inquiry: Inquiry, *, text_hash: str) -> Begun:
        """Store the redacted inquiry, or say what became of it when its id is known already.

        Raises `InquiryConflictError` when the id was used for another message or by somebody else,
        and `ForeignThreadError` when the thread is somebody else's; then nothing is stored.
        """
        return await self.database.write(lambda db: self._begin(db, inquiry, text_hash))

    async def finish(self, reply: Reply, record: TurnRecord) -> None:
        """Store the reply with the turn's record. The first reply of an inquiry stays."""
        await self.database.write(lambda db: self._finish(db, reply, record))

    async def plan_handoff(self, inquiry_id: str, key: str, handoff: Handoff) -> None:
        """Store what the desk is about to be given."""
        plan = {"key": key, "inquiry_id": inquiry_id, "handoff": handoff.model_dump_json()}

        def work(db: Connection) -> None:
            try:
                db.execute(self._sql.plan_handoff, plan)
            except IntegrityError as error:
                raise _unknown() from error

        await self.database.write(work)

    async def handed_off(self, key: str, ticket: TicketRef) -> None:
        """Store that the desk took it. Raises `UnknownInquiryError` when nothing was planned."""
        taken = {"planned": key, "opened": ticket.model_dump_json()}

        def work(db: Connection) -> None:
            if not db.execute(self._sql.hand_off, taken).rowcount:
                raise UnknownInquiryError(
                    f"No handoff was planned under the key '{key}'. Plan it before calling the desk."
                )

        await self.database.write(work)

    async def unopened(self) -> list[PlannedHandoff]:
        """Handoffs that were answered for but that no desk has taken yet, oldest first."""
        rows = await self.database.read(lambda db: db.execute(self._sql.unopened).all())
        return [
            PlannedHandoff(
                key=row.key,
                handoff=_load(Handoff, row.handoff, row.key),
                thread_id=row.thread_id,
                inquiry=_load(Inquiry, row.inquiry, row.key),
            )
            for row in rows
        ]

    async def unfinished(self) -> list[Inquiry]:
        """Inquiries without a reply, oldest first; `thread` is the conversation they belong to."""
        rows = await self.database.read(lambda db: db.execute(self._sql.unfinished).all())
        return [_load(Inquiry, row.inquiry, row.inquiry_id) for row in rows]

    async def thread(self, thread_id: str, user: str | None) -> ThreadView | None:
        """A conversation as its owner sees it; `user=None` reads for tier 2, who may see every one.

        Raises `ForeignThreadError` for anybody else.
        """
        sought = {"thread": thread_id}

        def work(db: Connection) -> tuple[str | None, Sequence[StoredRow]]:
            owner = db.execute(self._sql.owner, sought).scalar()
            if owner is None or user not in (None, owner):
                return owner, ()
            return owner, db.execute(self._sql.turns_of, sought).all()

        owner, rows = await self.database.read(work)
        if owner is None:
            return None
        if user not in (None, owner):
            raise _foreign()
        return ThreadView(thread_id=thread_id, user=owner, turns=tuple(map(_turn, rows)))

    async def records(self, thread_id: str) -> dict[str, TurnRecord]:
        """What was kept of a conversation's turns, by inquiry, oldest first. For operators."""
        rows = await self.database.read(
            lambda db: db.execute(self._sql.turns_of, {"thread": thread_id}).all()
        )
        return {
            row.inquiry_id: _load(TurnRecord, row.record, row.inquiry_id)
            for row in rows
            if row.record
        }

    async def latest_records(self, limit: int) -> list[TurnRecord]:
        """What was kept of the latest answered turns of everybody, newest first. For operators."""
        rows = await self.database.read(
            lambda db: db.execute(self._sql.latest_records, {"limit": limit}).all()
        )
        return [_load(TurnRecord, row.record, row.inquiry_id) for row in rows]

    async def recent_threads(self, user: str, since: datetime, limit: int) -> list[ThreadSummary]:
        """The user's conversations with a message since then, newest first, the current one too."""
        sought = {"user": user, "since": to_stamp(since), "limit": limit}

        def work(db: Connection) -> list[ThreadSummary]:
            rows = db.execute(self._sql.recent, sought).all()
            return [_summary(row, self._case(db, row)) for row in rows]

        return await self.database.read(work)

    async def note_feedback(self, feedback: Feedback) -> TicketRef | None:
        """Store the outcome of a turn. A repeat changes nothing; the latest verdict counts.

        Returns the ticket that the reply named, `None` where it named none.

        Raises `UnknownInquiryError`, and `ForeignThreadError` for somebody else's inquiry.
        """
        return await self.database.write(lambda db: self._note(db, feedback))

    async def forget(self, user: str) -> tuple[int, list[str]]:
        """Delete everything of a person's conversations; gives the number of messages and their threads."""
        return await self.database.write(lambda db: self._forget(db, user))

    async def close(self) -> None:
        await self.database.close()

    def _forget(self, db: Connection, user: str) -> tuple[int, list[str]]:
        named = {"user": user}
        found = [row.id for row in db.execute(self._sql.threads_of, named)]
        for statement in (self._sql.forget_feedback, self._sql.forget_handoffs):
            db.execute(statement, named)
        count = db.execute(self._sql.forget_turns, named).rowcount
        db.execute(self._sql.forget_threads, named)
        return count, found

    def _case(self, db: Connection, row: StoredRow) -> str | None:
        """What a conversation's ticket was filed under: by its last message, or the last that named it."""
        if row.ticket is None:
            return None
        if row.disposition == "escalate":
            return _label(row.category, row.subcategory)
        turns = db.execute(self._sql.turns_of, {"thread": row.id}).all()
        replies = (_load(Reply, t.reply, t.inquiry_id) for t in reversed(turns) if t.reply)
        return next((_label(r.category, r.subcategory) for r in replies if r.ticket), None)

    def _begin(self, db: Connection, inquiry: Inquiry, text_hash: str) -> Begun:
        known = db.execute(self._sql.find_turn, {"sought": inquiry.id}).first()
        if known is not None:
            return _again(known, inquiry, text_hash)
        thread_id = self._place(db, inquiry)
        turn = {
            "inquiry_id": inquiry.id,
            "thread_id": thread_id,
            "user_id": inquiry.user,
            "text_hash": text_hash,
            "at": to_stamp(inquiry.at),
            "inquiry": inquiry.model_copy(update={"thread": thread_id}).model_dump_json(),
        }
        if not db.execute(self._sql.add_turn, turn).rowcount:
            raise RacedError
        return NewInquiry(thread_id=thread_id)

    def _place(self, db: Connection, inquiry: Inquiry) -> str:
        """The conversation of a new inquiry: the one it names, or one of its own."""
        at = to_stamp(inquiry.at)
        start = {"user_id": inquiry.user, "started_at": at, "last_at": at}
        if inquiry.thread is not None:
            if db.execute(self._sql.join_thread, {**start, "id": inquiry.thread}).rowcount:
                return inquiry.thread
            raise _foreign()
        candidates = (_thread_id(inquiry, number) for number in count())
        return next(
            candidate
            for candidate in candidates
            if db.execute(self._sql.start_thread, {**start, "id": candidate}).rowcount
        )

    def _finish(self, db: Connection, reply: Reply, record: TurnRecord) -> None:
        done = {
            "sought": reply.inquiry_id,
            "given": reply.model_dump_json(),
            "kept": record.model_dump_json(),
        }
        if db.execute(self._sql.finish_turn, done).rowcount:
            db.execute(self._sql.close_thread, _last_state(reply))
        elif db.execute(self._sql.find_turn, {"sought": reply.inquiry_id}).first() is None:
            raise _unknown()

    def _note(self, db: Connection, feedback: Feedback) -> TicketRef | None:
        sought = {"sought": feedback.inquiry_id}
        turn = db.execute(self._sql.find_turn, sought).first()
        if turn is None:
            raise _unknown()
        if turn.user_id != feedback.user:
            raise _foreign()
        named = None if turn.reply is None else _load(Reply, turn.reply, turn.inquiry_id).ticket
        at = None if feedback.at is None else to_stamp(feedback.at)
        if _is_repeat(db.execute(self._sql.feedback_of, sought).all(), feedback.verdict, at):
            return named
        db.execute(
            self._sql.add_feedback,
            {
                "inquiry_id": feedback.inquiry_id,
                "verdict": feedback.verdict,
                "at": at,
                "comment": feedback.comment,
            },
        )
        if feedback.verdict in get_args(Rating):
            return named
        db.execute(self._sql.set_outcome, {**sought, "verdict": feedback.verdict})
        fixed = feedback.verdict == "fixed"
        db.execute(self._sql.set_resolved, {"thread": turn.thread_id, "fixed": fixed})
        return named


def _again(known: StoredRow, inquiry: Inquiry, text_hash: str) -> Begun:
    if known.user_id != inquiry.user or known.text_hash != text_hash:
        raise InquiryConflictError(
            "This inquiry id was used before for another message. Send this message under a new id."
        )
    if known.reply is None:
        return Unfinished(thread_id=known.thread_id)
    return Stored(reply=_load(Reply, known.reply, inquiry.id))


def _is_repeat(earlier: Sequence[StoredRow], verdict: str, at: int | None) -> bool:
    """The same event again: the same verdict of the same time, or, without a time, the last one."""
    if at is None:
        return bool(earlier) and earlier[-1].verdict == verdict
    return any(row.verdict == verdict and row.at == at for row in earlier)


def _last_state(reply: Reply) -> dict[str, str | bool | None]:
    return {
        "thread": reply.thread_id,
        "done": reply.disposition,
        "topic": reply.category,
        "subtopic": reply.subcategory,
        "opened": reply.ticket.model_dump_json() if reply.ticket else None,
        "solved": reply.resolved,
    }


def _turn(row: StoredRow) -> ThreadTurn:
    inquiry = _load(Inquiry, row.inquiry, row.inquiry_id)
    record = _load(TurnRecord, row.record, row.inquiry_id) if row.record else None
    return ThreadTurn(
        inquiry_id=inquiry.id,
        at=inquiry.at,
        text=inquiry.text,
        reply=_load(Reply, row.reply, row.inquiry_id) if row.reply else None,
        outcome=row.outcome,
        signals=record.signals if record else {},
    )


def _label(category: str | None, subcategory: str | None) -> str | None:
    return f"{category}.{subcategory or ''}" if category else None


def _summary(row: StoredRow, case: str | None) -> ThreadSummary:
    return ThreadSummary(
        thread_id=row.id,
        last_at=to_time(row.last_at),
        disposition=row.disposition,
        category=row.category,
        subcategory=row.subcategory,
        ticket=_load(TicketRef, row.ticket, row.id) if row.ticket else None,
        case=case,
        resolved=row.resolved,
    )


def _thread_id(inquiry: Inquiry, number: int) -> str:
    """An id of the inquiry's own making: the same message gets the same thread in every run."""
    seed = f"{inquiry.user}\n{inquiry.id}\n{number}"
    return f"t-{hashlib.sha256(seed.encode()).hexdigest()[:20]}"


def _load(model: type[Document], text: str, name: str) -> Document:
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        raise StoreUnavailableError(
            f"The {model.__name__} stored for '{name}' can't be read by this version. "
            "Run the version that wrote it, or restore the record from a backup."
        ) from error


def _unknown() -> UnknownInquiryError:
    return UnknownInquiryError("No inquiry of that id is known. Use the `inquiry_id` of a reply.")


def _foreign() -> ForeignThreadError:
    return ForeignThreadError(
        "This conversation belongs to somebody else. Leave `thread` out to start your own."
    )
