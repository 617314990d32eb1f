"""How a dialogue with a scripted outcome ended (D5, D9, D12). Silence is unknown, never success."""

from evals.case import Case
from evals.episode import Response
from evals.grade import Deflection, Score

_IF_SOLVED: dict[str, Deflection] = {
    "says_fixed": "confirmed",
    "rates_well": "likely",
    "silent": "unknown",
}
_OTHERWISE: dict[str, Deflection] = {"abandons": "abandoned", "comes_back": "reopened"}


def deflection(
    case: Case, responses: tuple[Response, ...], scores: tuple[Score, ...], *, capped: bool
) -> Deflection | None:
    """The end of a dialogue, decided by what the employee got; `None` without a scripted outcome.

    Once it was handed over, it counts as escalated, whatever came after; declined where the last word was no.
    Solved means that every criterion of `solved_by` is met (any named one unscored: unknown) and nothing harmful
    was said; without `solved_by`, that the last reply is of an accepted kind.
    """
    if case.outcome is None or not case.dialogue:
        return None
    if any(response.disposition == "escalate" for response in responses):
        return "escalated"
    if responses[-1].disposition == "decline":
        return "declined"
    verdicts = {s.criterion: s.verdict for s in scores}
    deciding = [verdicts[name] for name in case.outcome.solved_by]
    if not capped and "unscored" in deciding and "not_met" not in deciding:
        return "unknown"
    accepted = responses[-1].disposition in case.gold.dispositions
    solved = all(verdict == "met" for verdict in deciding) if deciding else accepted
    if solved and not capped:
        return _IF_SOLVED[case.outcome.if_solved]
    return _OTHERWISE[case.outcome.otherwise]
