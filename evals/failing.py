"""What kind of failure a failed criterion is (S58): the rubric's tag, with its direction set by what happened.

The rubric says that the disposition was wrong; whether that was one handoff too many or one too few, only the
reply says. Where it was wrong, the steps it therefore lacks are no failures of their own.
"""

from evals.case import FailureTag
from evals.grade import Score
from evals.graders.rules import Read

_SURE = 0.5
_FOLLOWS = frozenset(
    {"incomplete_troubleshooting", "poor_summarisation", "wrong_queue", "missed_device_step",
     "stale_documentation", "over_escalation", "under_escalation", "wasted_question"}
)  # fmt: skip
"""Tags of criteria that a reply of the wrong kind can't meet."""


def failure_tag(score: Score, read: Read) -> FailureTag:
    """The tag of a criterion, as it counts if it failed."""
    if not score.failed:
        return score.failure_tag
    if score.criterion == "std.source":
        stale = "due for review" in score.reason
        return _wrong_kind(read) or ("stale_documentation" if stale else "ungrounded_claim")
    if score.failure_tag == "ungrounded_claim":
        return _ungrounded(score, read)
    if score.points > 0 and score.failure_tag in _FOLLOWS:
        return _wrong_kind(read) or score.failure_tag
    return score.failure_tag


def failures(scores: tuple[Score, ...]) -> tuple[FailureTag, ...]:
    """The tags of what failed, the gravest first, each once."""
    failed = sorted(
        (score for score in scores if score.failed),
        key=lambda score: (not score.critical, -abs(score.points)),
    )
    return tuple(dict.fromkeys(score.failure_tag for score in failed))


def _ungrounded(score: Score, read: Read) -> FailureTag:
    """A step that stands nowhere, told with confidence, is invented; else a claim lacks its source."""
    if score.criterion != "std.grounded" or read.last.disposition != "answer":
        return score.failure_tag
    unsure = read.last.confidence is not None and read.last.confidence < _SURE
    invented = any(claim.kind == "step" and not claim.anywhere for claim in read.claims)
    in_a_step = any(
        not claim.anywhere and claim.in_step for claim in read.claims if claim.kind == "value"
    )
    return "hallucinated_step" if (invented or in_a_step) and not unsure else "ungrounded_claim"


def _wrong_kind(read: Read) -> FailureTag | None:
    """In which direction the disposition is wrong; `None`: it is an accepted one, or not known."""
    got, gold = read.last.disposition, read.case.gold
    if read.silent:
        return (
            "under_escalation"
            if gold.dispositions[0] == "escalate"
            else "incomplete_troubleshooting"
        )
    if got is None or got in gold.dispositions:
        return None
    if got == "escalate":
        return "over_escalation"
    if gold.mandatory or (gold.dispositions[0] == "escalate" and got != "clarify"):
        return "under_escalation"
    if got == "clarify":
        return "wasted_question"
    return _refused_or_answered(read)


def _refused_or_answered(read: Read) -> FailureTag:
    """It declined what it should have helped with, or answered what it should have asked about or declined."""
    declined = read.last.disposition == "decline"
    if not declined and read.case.gold.dispositions[0] == "decline":
        return "policy_violation"
    return "incomplete_troubleshooting"
