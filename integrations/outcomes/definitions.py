"""Who would count which conversation as deflected or resolved: every rule over the same log. Pure.

The rules are the vendors' own documentation as it was read; they change, so check before quoting. What a vendor lets
a model judge can't be computed from a log: then the rule here says what stands in for it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from integrations.outcomes.deciding import WINDOW, decide, is_deflected
from integrations.outcomes.log import Case

Counts = Callable[[Case], bool]
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Definition:
    """One way to count."""

    name: str
    rule: str
    window: str
    source: str
    wins: Counts
    among: Counts = lambda case: case.talk.shown is not None
    """What is counted at all: the denominator."""
    caveat: str | None = None
    """What can't be computed from the log, and what stands in for it."""


def _is_left_alone(case: Case, window: timedelta) -> bool:
    """Answered, not handed over, no complaint, and no return in time: silence counts."""
    talk = case.talk
    is_back = case.returned_at is not None and case.returned_at <= talk.last_at + window
    verdict = talk.verdict
    stuck = verdict is not None and verdict.kind == "stuck"
    return talk.has("answered") and not talk.has("escalated") and not stuck and not is_back


def _fin(case: Case) -> bool:
    shown, verdict = case.talk.shown, case.talk.verdict
    if case.talk.has("escalated") or shown is None or shown.kind != "answered":
        return False
    return verdict is None or verdict.kind == "fixed"


def _contained(case: Case) -> bool:
    return not case.talk.has("escalated")


def _verified(case: Case) -> bool:
    rating = case.talk.rating
    is_confirmed = case.talk.verdict is not None and case.talk.verdict.kind == "fixed"
    return _contained(case) and (
        is_confirmed or (rating is not None and rating.kind == "rated_good")
    )


def _servicenow(case: Case) -> bool:
    return case.talk.has("escalated") or _is_left_alone(case, _DAY)


def _moveworks(case: Case) -> bool:
    rating = case.talk.rating
    return case.talk.has("answered") and (rating is None or rating.kind == "rated_good")


def _copilot_studio(case: Case) -> bool:
    verdict = case.talk.verdict
    is_no = verdict is not None and verdict.kind == "stuck"
    return case.talk.has("answered") and not case.talk.has("escalated") and not is_no


def _assisted(case: Case) -> bool:
    return case.talk.has("answered", "escalated")


def _atomicwork(case: Case) -> bool:
    return _is_left_alone(case, WINDOW)


DEFINITIONS: tuple[Definition, ...] = (
    Definition(
        "This product",
        "The employee says that it works, does not call the answer bad, and does not come back.",
        "7 days",
        "requirements S81",
        is_deflected,
        among=lambda case: decide(case).outcome != "declined",
    ),
    Definition(
        "Intercom Fin",
        "Confirmed, or left without asking for more after an answer; a return in the same conversation cancels it.",
        "24 h in an older page",
        "vendor's documentation",
        _fin,
    ),
    Definition(
        "Zendesk, contained",
        "Not handed over; silence counts and is not billed.",
        "72 h",
        "vendor's documentation, since 18 May 2026",
        _contained,
    ),
    Definition(
        "Zendesk, verified",
        "Contained, and further signals and a model say that it is resolved; billed.",
        "72 h",
        "vendor's documentation, since 18 May 2026",
        _verified,
        caveat="No model judges here: the employee's own word or good rating stands in for it.",
    ),
    Definition(
        "ServiceNow",
        "Self-solved, or a ticket submitted through the bot: a triaged and created ticket is a confirmed deflection.",
        "24 h",
        "vendor's documentation",
        _servicenow,
    ),
    Definition(
        "Moveworks Classic",
        "An answer was served, and it was rated well or not at all.",
        "14 days",
        "vendor's documentation",
        _moveworks,
    ),
    Definition(
        "Copilot Studio",
        "The end of the conversation was reached and the user confirms, or lets it time out.",
        "session",
        "vendor's documentation",
        _copilot_studio,
        caveat="Sessions are conversations here.",
    ),
    Definition(
        "Jira Service Management",
        "Every conversation in which an intent matched is an assisted one, resolved or escalated.",
        "conversation",
        "vendor's documentation",
        _assisted,
    ),
    Definition(
        "Atomicwork",
        "No request was created, it was no small talk, and a model says that it is resolved.",
        "conversation",
        "vendor's documentation",
        _atomicwork,
        caveat="No model judges here: that nobody complained or came back in 7 days stands in for it.",
    ),
)
