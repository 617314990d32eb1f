"""The facts of a turn as the policies are told them, and an hour that decides."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from copilot.company import CompanyFacts
from copilot.conversation import Inquiry
from copilot.gate import policy_request
from copilot.hours import WorkingHours
from copilot.people import Person
from copilot.state import Asked, Memory
from copilot.understanding.message import Question, SeenAction, Understanding
from policies.model import Situation
from tests.copilot.conftest import NOW, Ask

WEEK = frozenset(range(5))
COMPANY = CompanyFacts(
    name="A company",
    default_queue="desk",
    sla={},
    hotline={},
    choices={},
    owners={},
    relations={},
    class_actions={},
    action_labels={"wait_for_the_lock": "password.lockout", "print": "printer.queue"},
    lockout_labels=frozenset({"password.lockout"}),
    desk_hours=WorkingHours(ZoneInfo("Europe/London"), WEEK, time(7), time(19)),
    site_hours={"Boston": WorkingHours(ZoneInfo("America/New_York"), WEEK, time(7), time(19))},
)


def situation(
    at: str = "2026-11-23T10:00+00:00",
    site: str | None = None,
    lockouts: int = 0,
    label: str = "printer.queue",
    action: str = "print",
) -> Situation:
    """What the policies are told of a message about one thing."""
    vector = np.zeros(1, dtype=np.float32)
    read = Understanding(
        text="x",
        language="en",
        questions=(Question("x", vector, {label: 0.9, "other.status": 0.1}),),
        actions=(SeenAction(action, 1.0, "x"),),
        act="question",
        acts={},
        tone="neutral",
        urgency="normal",
    )
    asked = Asked(
        inquiry=Inquiry(id="1", text="x", user="u", at=datetime.fromisoformat(at)),
        thread_id="t",
        person=Person(id="u", name="U", site=site),
        lockouts_24h=lockouts,
    )
    return policy_request(asked, Memory(), read, COMPANY).situation


@pytest.mark.parametrize(
    ("at", "site", "expected"),
    [
        ("2026-11-23T10:00+00:00", None, True),  # a Monday
        ("2026-11-23T06:59:59+00:00", None, False),
        ("2026-11-23T07:00+00:00", None, True),
        ("2026-11-23T19:00:01+00:00", None, False),
        ("2026-11-22T10:00+00:00", None, False),  # a Sunday
        ("2026-07-20T06:30+00:00", None, True),  # summer time in London
        ("2026-11-23T10:00+00:00", "Boston", False),  # five in the morning there
        ("2026-11-23T23:30+00:00", "Boston", True),
        ("2026-11-24T00:30+00:00", "Boston", False),
        ("2026-11-21T01:00+02:00", "Boston", True),  # a Friday evening still
        ("2026-11-23T10:00+00:00", "a boat", True),  # keeps the desk's hours
        ("9999-12-31T23:59+00:00", "Boston", True),
        ("0001-01-01T00:00+00:00", "Boston", None),  # no such moment there,
    ],
)
def test_working_hours_are_those_of_the_askers_site(
    at: str, site: str | None, expected: bool | None
) -> None:
    assert situation(at, site).working_hours is expected


def test_without_hours_a_company_works_around_the_clock() -> None:
    midnight = datetime.fromisoformat("2026-11-22T23:59:59.999999+00:00")
    assert WorkingHours().include(midnight) is True


@pytest.mark.parametrize(
    ("earlier", "label", "action", "counted"),
    [
        (0, "printer.queue", "print", 0),
        (2, "printer.queue", "print", 2),
        (0, "printer.queue", "wait_for_the_lock", 1),
        (2, "password.lockout", "print", 3),
        (2, "password.lockout", "wait_for_the_lock", 3),
    ],
)
def test_the_lockout_that_is_told_counts_with_the_earlier_ones(
    earlier: int, label: str, action: str, counted: int
) -> None:
    told = situation(lockouts=earlier, label=label, action=action)
    assert told.lockouts_24h == counted


# ---- the whole product; NOW is a Sunday morning

LOCKED = "I mistyped my password too often and now my account is locked, how long does that last?"
ABROAD = "I'm travelling in Japan, mistyped my password too often and now my account is locked"
MONDAY = NOW + timedelta(days=1)


async def test_a_lockout_abroad_waits_by_day_and_goes_to_people_outside_working_hours(
    ask: Ask,
) -> None:
    by_day = await ask(ABROAD, thread="monday", at=MONDAY)
    assert (by_day.disposition, by_day.policy.effect) == ("answer", "permit")
    outside = await ask(ABROAD, thread="night", at=MONDAY + timedelta(hours=16), user="priya.nair")
    assert "lockout-outside-hours" in outside.policy.rules
    assert outside.handoff is not None
    assert (outside.handoff.queue, outside.handoff.priority) == ("identity-desk", "P2")


async def test_the_third_lockout_within_a_day_goes_to_people(ask: Ask) -> None:
    first = await ask(LOCKED, thread="one", at=MONDAY)
    second = await ask(LOCKED, thread="two", at=MONDAY + timedelta(hours=1))
    third = await ask(LOCKED, thread="three", at=MONDAY + timedelta(hours=2))
    assert [first.policy.effect, second.policy.effect] == ["permit", "permit"]
    assert third.policy.effect == "escalate"
    assert any(rule.startswith("third-lockout") for rule in third.policy.rules)
    assert third.handoff is not None
    assert third.handoff.queue == "identity-desk"
    days_later = await ask(LOCKED, thread="four", at=MONDAY + timedelta(days=2))
    assert days_later.policy.effect == "permit"
