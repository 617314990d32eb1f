"""The journal on SQLite and on PostgreSQL: one contract."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest

from copilot.errors import ForeignThreadError, InquiryConflictError, UnknownInquiryError
from copilot.record import NewInquiry, Stored, Unfinished
from integrations.store.journal import SqlJournal
from tests.integrations.store_values import (
    AT,
    TICKET,
    a_feedback,
    a_handoff,
    a_record,
    a_reply,
    an_inquiry,
)


async def begun(journal: SqlJournal, name: str = "i1", **about) -> str:
    new = await journal.begin(an_inquiry(name, **about), text_hash="h")
    assert isinstance(new, NewInquiry)
    return new.thread_id


async def finished(journal: SqlJournal, name: str = "i1", **about) -> str:
    thread = await begun(journal, name, thread=about.pop("thread", None), at=about.pop("at", AT))
    await journal.finish(a_reply(thread, name, **about), a_record(thread, name))
    return thread


async def test_a_new_inquiry_is_stored_before_anything_else(journal):
    thread = await begun(journal)
    (stored,) = await journal.unfinished()
    assert (stored.id, stored.text, stored.thread) == ("i1", "vpn down", thread)


async def test_the_same_inquiry_gets_its_reply_again(journal):
    thread = await begun(journal)
    assert await journal.begin(an_inquiry(), text_hash="h") == Unfinished(thread_id=thread)
    reply = a_reply(thread)
    await journal.finish(reply, a_record(thread))
    assert await journal.begin(an_inquiry(), text_hash="h") == Stored(reply=reply)
    assert await journal.unfinished() == []


async def test_the_same_id_with_another_text_is_refused(journal):
    await begun(journal)
    with pytest.raises(
        InquiryConflictError, match=r"id was used before for another message\. Send"
    ):
        await journal.begin(an_inquiry(text="other"), text_hash="other")


async def test_the_same_id_of_another_user_is_refused_without_their_reply(journal):
    await finished(journal)
    with pytest.raises(InquiryConflictError):
        await journal.begin(an_inquiry(user="omar.haddad"), text_hash="h")


async def test_an_unseen_thread_starts_under_its_id(journal):
    assert await begun(journal, thread="slack-17") == "slack-17"
    assert await begun(journal, "i2", thread="slack-17") == "slack-17"


async def test_somebody_elses_thread_is_refused_and_nothing_is_stored(journal):
    await begun(journal, thread="mine")
    foreign = an_inquiry("i2", user="omar.haddad", thread="mine")
    with pytest.raises(ForeignThreadError, match="conversation belongs to somebody else"):
        await journal.begin(foreign, text_hash="h")
    assert [kept.id for kept in await journal.unfinished()] == ["i1"]


async def test_a_taken_id_for_a_new_thread_is_passed_over(journal):
    thread = await begun(journal)
    again = await SqlJournal.open("sqlite://")
    await again.begin(an_inquiry("squat", user="omar.haddad", thread=thread), text_hash="h")
    assert await begun(again) != thread
    await again.close()


async def test_the_first_reply_stays(journal):
    thread = await finished(journal, text="first")
    await journal.finish(a_reply(thread, text="second"), a_record(thread))
    stored = await journal.begin(an_inquiry(), text_hash="h")
    assert isinstance(stored, Stored)
    assert stored.reply.text == "first"


async def test_finishing_what_was_never_asked_is_an_error(journal):
    with pytest.raises(UnknownInquiryError, match="No inquiry of that id is known"):
        await journal.finish(a_reply("t"), a_record("t"))


async def test_a_handoff_is_planned_and_then_taken(journal):
    await begun(journal)
    await journal.plan_handoff("i1", "k", a_handoff())
    await journal.plan_handoff("i1", "k", a_handoff("known better now"))
    await journal.handed_off("k", TICKET)
    await journal.handed_off("k", TICKET)


async def test_a_handoff_of_an_unknown_inquiry_is_an_error(journal):
    with pytest.raises(UnknownInquiryError):
        await journal.plan_handoff("nobody", "k", a_handoff())
    with pytest.raises(UnknownInquiryError, match="No handoff was planned under the key 'k'"):
        await journal.handed_off("k", TICKET)


async def test_a_thread_reads_in_order_with_replies_signals_and_outcome(journal):
    thread = await finished(journal)
    await begun(journal, "i2", thread=thread, text="and now?", at=AT - timedelta(days=1))
    await journal.note_feedback(a_feedback("still_stuck"))
    view = await journal.thread(thread, "dana.reed")
    assert view is not None
    assert [turn.text for turn in view.turns] == ["vpn down", "and now?"]
    assert view.turns[0].reply == a_reply(thread)
    assert view.turns[0].signals == {"act": "problem", "sure": 0.5}
    assert [turn.outcome for turn in view.turns] == ["still_stuck", None]


async def test_a_thread_is_its_owners_and_tier_twos(journal):
    thread = await begun(journal)
    assert (await journal.thread(thread, None)).user == "dana.reed"
    assert await journal.thread("unknown", "dana.reed") is None
    with pytest.raises(ForeignThreadError):
        await journal.thread(thread, "omar.haddad")


async def test_recent_threads_tell_how_they_ended(journal):
    old = await finished(journal, "old", at=AT - timedelta(days=20))
    case = await finished(journal, "case", ticket=TICKET)
    await finished(journal, "thanks", thread=case, category=None, subcategory=None, resolved=True)
    recent = await journal.recent_threads("dana.reed", AT - timedelta(days=14), 20)
    assert [thread.thread_id for thread in recent] == [case]
    (last,) = recent
    assert (last.category, last.subcategory) == ("vpn", "session_drops")
    assert (last.ticket, last.disposition, last.resolved) == (TICKET, "answer", True)
    every = await journal.recent_threads("dana.reed", AT - timedelta(days=30), 20)
    assert {thread.thread_id for thread in every} == {case, old}
    assert await journal.recent_threads("omar.haddad", AT - timedelta(days=30), 20) == []


async def test_a_topic_replaces_the_one_before_as_a_whole(journal):
    thread = await finished(journal)
    await finished(journal, "i2", thread=thread, category="printer", subcategory=None)
    (recent,) = await journal.recent_threads("dana.reed", AT, 5)
    assert (recent.category, recent.subcategory) == ("printer", None)


async def test_a_message_from_the_past_does_not_age_a_thread(journal):
    thread = await begun(journal)
    await begun(journal, "i2", thread=thread, at=AT - timedelta(days=3))
    (recent,) = await journal.recent_threads("dana.reed", AT, 5)
    assert recent.last_at == AT


async def test_the_latest_feedback_counts_and_a_repeat_changes_nothing(journal):
    thread = await finished(journal)
    later = AT + timedelta(hours=1)
    await journal.note_feedback(a_feedback("fixed"))
    await journal.note_feedback(a_feedback("still_stuck", at=later))
    await journal.note_feedback(a_feedback("fixed"))
    view = await journal.thread(thread, None)
    assert view.turns[0].outcome == "still_stuck"
    (recent,) = await journal.recent_threads("dana.reed", AT, 5)
    assert recent.resolved is False


async def test_feedback_without_a_time_repeats_only_the_last(journal):
    thread = await finished(journal)
    for verdict in ("fixed", "fixed", "still_stuck", "fixed"):
        await journal.note_feedback(a_feedback(verdict, at=None))
    assert (await journal.thread(thread, None)).turns[0].outcome == "fixed"


async def test_feedback_needs_an_inquiry_of_ones_own(journal):
    with pytest.raises(UnknownInquiryError, match="Use the `inquiry_id` of a reply"):
        await journal.note_feedback(a_feedback("fixed"))
    await finished(journal)
    with pytest.raises(ForeignThreadError):
        await journal.note_feedback(a_feedback("fixed", user="omar.haddad"))


@pytest.mark.parametrize(
    "at",
    [
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))),
        datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-12))),
        datetime(1969, 7, 20, 20, 17, 40, 7, tzinfo=UTC),
    ],
)
async def test_any_time_of_the_calendar_can_be_stored(journal, at):
    thread = await begun(journal, at=at)
    assert (await journal.thread(thread, None)).turns[0].at == at
    (recent,) = await journal.recent_threads("dana.reed", at - timedelta(0), 5)
    assert abs((recent.last_at - at).total_seconds()) <= 14 * 3600


@pytest.mark.parametrize(
    "text",
    [
        "'; DROP TABLE turns; --",
        "<script>alert(1)</script>",
        "nul \x00 bell \x07",
        "🖨️ ça ira",
        "x" * 16_000,
    ],
)
async def test_any_text_comes_back_as_it_was(journal, text):
    thread = await begun(journal, text=text)
    assert (await journal.thread(thread, None)).turns[0].text == text


async def test_the_same_inquiry_many_times_at_once_begins_once(journal):
    answers = await asyncio.gather(*(journal.begin(an_inquiry(), text_hash="h") for _ in range(20)))
    assert sum(isinstance(answer, NewInquiry) for answer in answers) == 1
    assert len({answer.thread_id for answer in answers}) == 1
    assert len(await journal.unfinished()) == 1


async def test_a_cancelled_turn_leaves_the_journal_usable(journal):
    for number in range(20):
        task = asyncio.create_task(journal.begin(an_inquiry(f"c{number}"), text_hash="h"))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await begun(journal)
    assert len(await journal.unfinished()) >= 1
