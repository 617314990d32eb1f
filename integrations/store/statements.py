"""The journal's SQL, composed once per database and compiled once by SQLAlchemy's cache."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Executable, Select, Table, bindparam, case, delete, func, select, update

from integrations.store.database import Insert
from integrations.store.tables import feedback, handoffs, threads, turns


@dataclass(frozen=True, slots=True)
class Statements:
    """Every statement of the journal; the parameters are named after what they carry."""

    find_turn: Executable
    start_thread: Executable
    join_thread: Executable
    add_turn: Executable
    finish_turn: Executable
    close_thread: Executable
    plan_handoff: Executable
    unopened: Executable
    hand_off: Executable
    unfinished: Executable
    owner: Executable
    turns_of: Executable
    latest_records: Executable
    recent: Executable
    feedback_of: Executable
    add_feedback: Executable
    set_outcome: Executable
    set_resolved: Executable
    threads_of: Executable
    forget_feedback: Executable
    forget_handoffs: Executable
    forget_turns: Executable
    forget_threads: Executable


def statements(insert: Callable[[Table], Insert]) -> Statements:
    """The statements in the dialect of `insert`."""
    return Statements(
        find_turn=select(turns).where(turns.c.inquiry_id == bindparam("sought")),
        start_thread=insert(threads).on_conflict_do_nothing(),
        join_thread=_join_thread(insert),
        add_turn=insert(turns).on_conflict_do_nothing(),
        finish_turn=update(turns)
        .where(turns.c.inquiry_id == bindparam("sought"), turns.c.reply.is_(None))
        .values(reply=bindparam("given"), record=bindparam("kept")),
        close_thread=_close_thread(),
        plan_handoff=_plan_handoff(insert),
        hand_off=update(handoffs)
        .where(handoffs.c.key == bindparam("planned"))
        .values(ticket=bindparam("opened")),
        unopened=select(handoffs.c.key, handoffs.c.handoff, turns.c.thread_id, turns.c.inquiry)
        .join(turns, turns.c.inquiry_id == handoffs.c.inquiry_id)
        .where(handoffs.c.ticket.is_(None), turns.c.reply.is_not(None))
        .order_by(turns.c.seq),
        unfinished=select(turns.c.inquiry_id, turns.c.inquiry)
        .where(turns.c.reply.is_(None))
        .order_by(turns.c.seq),
        owner=select(threads.c.user_id).where(threads.c.id == bindparam("thread")),
        turns_of=select(turns)
        .where(turns.c.thread_id == bindparam("thread"))
        .order_by(turns.c.seq),
        latest_records=select(turns.c.inquiry_id, turns.c.record)
        .where(turns.c.record.is_not(None))
        .order_by(turns.c.seq.desc())
        .limit(bindparam("limit")),
        recent=select(threads)
        .where(threads.c.user_id == bindparam("user"), threads.c.last_at >= bindparam("since"))
        .order_by(threads.c.last_at.desc(), threads.c.id)
        .limit(bindparam("limit")),
        feedback_of=select(feedback.c.verdict, feedback.c.at)
        .where(feedback.c.inquiry_id == bindparam("sought"))
        .order_by(feedback.c.seq),
        add_feedback=insert(feedback),
        set_outcome=update(turns)
        .where(turns.c.inquiry_id == bindparam("sought"))
        .values(outcome=bindparam("verdict")),
        set_resolved=update(threads)
        .where(threads.c.id == bindparam("thread"))
        .values(resolved=bindparam("fixed")),
        threads_of=select(threads.c.id).where(threads.c.user_id == bindparam("user")),
        forget_feedback=delete(feedback).where(feedback.c.inquiry_id.in_(_asked_by())),
        forget_handoffs=delete(handoffs).where(handoffs.c.inquiry_id.in_(_asked_by())),
        forget_turns=delete(turns).where(turns.c.user_id == bindparam("user")),
        forget_threads=delete(threads).where(threads.c.user_id == bindparam("user")),
    )


def _asked_by() -> Select[tuple[str]]:
    return select(turns.c.inquiry_id).where(turns.c.user_id == bindparam("user"))


def _join_thread(insert: Callable[[Table], Insert]) -> Executable:
    """Starts the thread or touches it; changes no row where it belongs to somebody else."""
    start = insert(threads)
    later = start.excluded.last_at > threads.c.last_at
    return start.on_conflict_do_update(
        index_elements=["id"],
        set_={"last_at": case((later, start.excluded.last_at), else_=threads.c.last_at)},
        where=threads.c.user_id == start.excluded.user_id,
    )


def _close_thread() -> Executable:
    """The thread's last state; a topic or a ticket once known stays until a new one is."""
    return (
        update(threads)
        .where(threads.c.id == bindparam("thread"))
        .values(
            disposition=bindparam("done"),
            category=func.coalesce(bindparam("topic"), threads.c.category),
            subcategory=case(
                (bindparam("topic").is_(None), threads.c.subcategory), else_=bindparam("subtopic")
            ),
            ticket=func.coalesce(bindparam("opened"), threads.c.ticket),
            resolved=bindparam("solved"),
        )
    )


def _plan_handoff(insert: Callable[[Table], Insert]) -> Executable:
    """A plan may be made again until the desk has taken it."""
    plan = insert(handoffs)
    return plan.on_conflict_do_update(
        index_elements=["key"],
        set_={"handoff": plan.excluded.handoff},
        where=handoffs.c.ticket.is_(None),
    )
