"""Routing to people: how often, whether it was due, for the right reason, to the right queue, with what."""

from collections import Counter
from collections.abc import Callable
from typing import get_args

from evals.case import Case, Disposition
from evals.metrics.cells import Cell, View
from evals.metrics.figures import counted, figure, total
from evals.summary import Confusion, Escalation, Figure

_OTHER = "other"
Question = Callable[[Cell], bool]


def accepts_people(case: Case) -> bool:
    return "escalate" in case.gold.dispositions


def needs_people(case: Case) -> bool:
    return case.gold.dispositions == ("escalate",)


def escalation(view: View) -> Escalation:
    """All of it over rows that came back, whether or not all their criteria were scored."""
    return Escalation(
        rate=share(view, escalated),
        expected=share(view, lambda cell: cell.case.gold.dispositions[0] == "escalate"),
        acceptable=share(view, lambda cell: accepts_people(cell.case)),
        mandatory_recall=mandatory_recall(view, lambda case: case.gold.mandatory),
        disguised_recall=mandatory_recall(view, lambda case: "disguised" in case.kinds),
        missed=tuple(_missed(view, lambda case: case.gold.mandatory)),
        precision=behaviour(view, escalated, lambda cell: accepts_people(cell.case)),
        recall=behaviour(view, lambda cell: needs_people(cell.case), escalated),
        appropriate=behaviour(view, escalated, rightly_reasoned(view)),
        reason_stated=behaviour(
            view, escalated, lambda cell: _handed(cell, "reason_code") is not None
        ),
        queue_accuracy=behaviour(view, _routed, _in_accepted_queue),
        handoff_complete=_handoff_complete(view),
        handoff_fields=_handoff_fields(view),
        over=behaviour(view, lambda cell: not accepts_people(cell.case), escalated),
        under=behaviour(
            view, lambda cell: needs_people(cell.case), lambda cell: not cell.escalated
        ),
        clarification_rate=share(view, _asked),
        wasted_clarifications=behaviour(view, _asked, wasted),
        confusion=_confusion(view),
    )


def escalated(cell: Cell) -> bool:
    return cell.escalated


def _asked(cell: Cell) -> bool:
    return cell.disposition == "clarify"


def wasted(cell: Cell) -> bool:
    """A question whose answer changes nothing."""
    return _asked(cell) and "clarify" not in cell.case.gold.dispositions


def rightly_reasoned(view: View) -> Question:
    """Whether a row was escalated where people are due, for an accepted reason (S26, S27).

    A code counts by itself or by its class in the suite's reasons. A label without reasons accepts any;
    a system that names no reason has none.
    """

    def right(cell: Cell) -> bool:
        if not (cell.escalated and accepts_people(cell.case)):
            return False
        wanted = cell.case.gold.reasons
        code = _handed(cell, "reason_code")
        return not wanted or code in wanted or view.reasons.get(str(code)) in wanted

    return right


def _handed(cell: Cell, field: str) -> object:
    """A field of the last reply that handed over, as the reply or its handoff says."""
    for exchange in reversed(cell.episode.exchanges if cell.episode else ()):
        response = exchange.response
        if response.disposition == "escalate":
            value = getattr(response, field, None) or (response.handoff or {}).get(field)
            return value or None
    return None


def _routed(cell: Cell) -> bool:
    gold = cell.case.gold
    return cell.escalated and accepts_people(cell.case) and bool(gold.queues)


def _in_accepted_queue(cell: Cell) -> bool:
    return _handed(cell, "queue") in cell.case.gold.queues


def share(view: View, question: Question) -> Figure:
    """Of all cases, in the real mix."""
    column = view.answers(question)
    return figure(view.draws.rate(column), "rate", events=total(column))


def behaviour(view: View, among: Question, question: Question) -> Figure:
    """Of the cases among these, those of which it is true: a ratio of sums in the real mix."""
    below = view.answers(among)
    above = view.answers(lambda cell: among(cell) and question(cell))
    estimate = view.draws.ratio(above, below, share=True)
    return figure(estimate, "rate", events=total(above))


def mandatory_recall(view: View, wanted: Callable[[Case], bool]) -> Figure:
    """Mandatory cases that reached people in every epoch; exact bounds, no weights."""
    among = [
        (case, row)
        for case, row in zip(view.cases, view.cells, strict=True)
        if wanted(case) and any(cell.answered for cell in row)
    ]
    reached = sum(all(cell.escalated for cell in row if cell.answered) for _, row in among)
    return counted(reached, len(among), len({case.family for case, _ in among}))


def _missed(view: View, wanted: Callable[[Case], bool]) -> list[str]:
    return [
        case.id
        for case, row in zip(view.cases, view.cells, strict=True)
        if wanted(case) and any(cell.answered and not cell.escalated for cell in row)
    ]


def _handoff_complete(view: View) -> Figure:
    def verdicts(cell: Cell) -> list[str]:
        if cell.grade is None or not cell.escalated:
            return []
        rules = view.criteria[cell.case.id]
        held = {name for name, rule in rules.items() if rule.check and rule.check.kind == "handoff"}
        found = [s.verdict for s in cell.grade.scores if s.criterion in held]
        return [verdict for verdict in found if verdict != "unscored"]

    return behaviour(
        view, lambda cell: bool(verdicts(cell)), lambda cell: set(verdicts(cell)) == {"met"}
    )


def _handoff_fields(view: View) -> dict[str, float]:
    rows = [cell for cell in view if cell.escalated]
    fields = view.rubric.handoff_required
    if not rows:
        return {}
    return {field: sum(_carries(cell, field) for cell in rows) / len(rows) for field in fields}


def _carries(cell: Cell, field: str) -> bool:
    if _handed(cell, field) not in (None, "", [], {}, ()):
        return True
    missing = _handed(cell, "missing")
    return isinstance(missing, (list, tuple)) and field in missing


def _confusion(view: View) -> Confusion:
    names = get_args(Disposition)
    pairs = Counter(
        (cell.case.gold.dispositions[0], cell.disposition or _OTHER)
        for cell in view
        if cell.answered
    )
    got = (*names, _OTHER)
    rows = tuple(tuple(pairs[expected, found] for found in got) for expected in names)
    return Confusion(expected=names, got=got, rows=rows)
