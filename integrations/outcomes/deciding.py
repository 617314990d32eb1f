"""The outcome of a conversation, by rules. Silence is unknown, never a win. Pure.

In this order: a case that people got is `escalated`; a last word of no is `declined`; what was said to work and came
back within the window is `reopened`; what was said to work is `confirmed`; what was rated well without a word on
whether it works is `likely`; who left a question unanswered, or said last that it does not work, `abandoned`; all
else is `unknown`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from integrations.outcomes.log import Case

Outcome = Literal[
    "confirmed", "likely", "unknown", "abandoned", "reopened", "escalated", "declined"
]
WINDOW = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Decided:
    """An outcome, what decided it, and until when it may still change."""

    outcome: Outcome
    because: str
    at: datetime
    """When what decided it happened."""
    open_until: datetime
    """Until then a return makes it `reopened`."""

    def is_open(self, now: datetime) -> bool:
        return self.outcome in ("confirmed", "likely", "unknown") and now < self.open_until


def decide(case: Case, window: timedelta = WINDOW) -> Decided:
    """The outcome of one conversation."""
    talk = case.talk
    shown, verdict = talk.shown, talk.verdict
    until = max(talk.last_at, verdict.at if verdict else talk.last_at) + window
    escalated = talk.last("escalated")
    if escalated is not None:
        return Decided("escalated", "people got the case", escalated.at, until)
    if shown is not None and shown.kind == "declined":
        return Decided("declined", "the copilot said no", shown.at, until)
    back = _came_back(case, window)
    if back is not None:
        return Decided("reopened", back[0], back[1], until)
    if verdict is not None and verdict.kind == "fixed":
        return Decided("confirmed", "the employee says that it works", verdict.at, until)
    if verdict is not None:
        return Decided("abandoned", "the employee says that it does not work", verdict.at, until)
    if shown is not None and shown.kind == "clarified":
        return Decided("abandoned", "the question was never answered", shown.at, until)
    if talk.rating is not None and talk.rating.kind == "rated_good":
        return Decided("likely", "the answer was rated well", talk.rating.at, until)
    return Decided("unknown", "nothing was said", talk.last_at, until)


def is_deflected(case: Case, window: timedelta = WINDOW) -> bool:
    """Our own rule (S81): it works, the answer is not called bad, and nobody comes back within the window."""
    rating = case.talk.rating
    is_satisfied = rating is None or rating.kind == "rated_good"
    return decide(case, window).outcome == "confirmed" and is_satisfied


def _came_back(case: Case, window: timedelta) -> tuple[str, datetime] | None:
    """What says that a problem that was settled is back within the window."""
    talk, verdict = case.talk, case.talk.verdict
    said = next((e for e in talk.events if e.kind in ("fixed", "rated_good")), None)
    if verdict is not None and verdict.kind == "stuck":
        # Without an earlier word that it worked there is nothing to open again.
        is_back = said is not None and said.at < verdict.at <= said.at + window
        return ("the employee says that it is back", verdict.at) if is_back else None
    settled = verdict or said or talk.last("answered")
    if settled is None or case.returned_at is None:
        return None
    if case.returned_at <= max(settled.at, talk.last_at) + window:
        return "the same person asked about it again", case.returned_at
    return None
