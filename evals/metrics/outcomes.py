"""How cases end, and how long that takes against the baseline.

A single turn has no outcome and is only contained or not; dialogues have the end that their script
gives them, from confirmed to declined (D5, D9, D12).
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import get_args

from evals.case import Case
from evals.grade import Deflection
from evals.metrics.cells import Cell, View
from evals.metrics.figures import figure, total
from evals.stats import percentile
from evals.summary import Figure, Outcomes, Times

_MINUTE_MS = 60_000.0
_FREQUENT_SHARE = 0.6
FORMULA = (
    "Resolution time is the minutes between the messages of the dialogue plus the waits for replies; "
    "unless the dialogue ends confirmed or likely solved, people still have to solve it and the case's "
    "whole baseline is added. Faster = 1 - sum of resolution times / sum of baselines. The baseline "
    "minutes of each dialogue are assumed in the suite, not measured."
)
_SOLVED = ("confirmed", "likely")


def frequent(demand: Mapping[str, float]) -> tuple[str, ...]:
    """The fewest categories that hold 60 % of the demand: what "high-frequency issues" are."""
    held, names = 0.0, []
    for name in sorted(demand, key=lambda name: (-demand[name], name)):
        if held >= _FREQUENT_SHARE - 1e-9:
            break
        names.append(name)
        held += demand[name]
    return tuple(names)


def outcomes(view: View, demand: Mapping[str, float]) -> Outcomes:
    """Containment of single turns, ends of dialogues."""
    ends = [cell.grade.deflection for cell in view if _ended(cell) and cell.grade]
    counts = Counter(end for end in ends if end)
    often = frequent(demand)
    return Outcomes(
        contained=_single(view, lambda cell: not cell.escalated),
        contained_right=_single(view, lambda cell: not cell.escalated and cell.passed),
        dialogues=sum(map(scripted, view.cases)),
        ends={end: counts[end] / len(ends) for end in get_args(Deflection)} if ends else {},
        ungraded=sum(scripted(cell.case) and cell.answered and not _ended(cell) for cell in view),
        deflected_confirmed=_deflected(view, ("confirmed",)),
        deflected_likely=_deflected(view, _SOLVED),
        frequent=often,
        frequent_confirmed=_deflected(view, ("confirmed",), often),
        frequent_likely=_deflected(view, _SOLVED, often),
    )


def ended_as(ends: tuple[str, ...]) -> Callable[[Cell], float | None]:
    """1 for a dialogue that ended so, 0 for another end, `None` without one."""

    def value(cell: Cell) -> float | None:
        if not _ended(cell) or cell.grade is None:
            return None
        return float(cell.grade.deflection in ends)

    return value


def scripted(case: Case) -> bool:
    """A dialogue of which the end is decided by what the employee got (D12)."""
    return case.dialogue and case.outcome is not None


def _ended(cell: Cell) -> bool:
    graded = cell.grade is not None and cell.grade.deflection is not None
    return scripted(cell.case) and cell.answered and graded


def _single(view: View, question: Callable[[Cell], bool]) -> Figure:
    column = view.column(
        lambda cell: float(question(cell)) if cell.answered else None,
        among=lambda case: not case.dialogue,
    )
    return figure(view.draws.rate(column), "rate", events=total(column))


def _deflected(view: View, ends: tuple[str, ...], among: tuple[str, ...] | None = None) -> Figure:
    column = view.column(
        ended_as(ends),
        among=lambda case: scripted(case) and (among is None or case.category in among),
    )
    return figure(view.draws.rate(column), "rate", events=total(column))


def times(view: View) -> Times:
    """Waits and minutes. Dialogues with an assumed baseline only, but for the first reply."""
    first = [
        cell.episode.exchanges[0].latency_ms
        for cell in view
        if cell.episode and cell.answered and cell.episode.exchanges
    ]
    spent = view.column(lambda cell: _elapsed(cell) if _timed(cell) else None, among=scripted)
    closing = view.column(lambda cell: _resolution(cell) if _timed(cell) else None, among=scripted)
    before = view.column(lambda cell: _baseline(cell) if _timed(cell) else None, among=scripted)
    handled, closed, baseline = view.draws.means_of([spent, closing, before])
    ratio = view.draws.ratio(before - closing, before)
    return Times(
        formula=FORMULA,
        first_response=figure(percentile(first, 0.5), "ms", note="Median over rows."),
        handle=figure(handled, "minutes"),
        resolution=figure(closed, "minutes"),
        resolution_median=figure(percentile([x for x in closing if x == x], 0.5), "minutes"),  # noqa: PLR0124  # nan
        baseline=figure(baseline, "minutes", note="Assumed."),
        faster=figure(ratio, "rate"),
    )


def _timed(cell: Cell) -> bool:
    return _ended(cell) and bool(cell.case.outcome and cell.case.outcome.baseline_minutes)


def _baseline(cell: Cell) -> float:
    outcome = cell.case.outcome
    return (outcome.baseline_minutes if outcome else None) or 0.0


def _resolution(cell: Cell) -> float:
    solved = cell.grade is not None and cell.grade.deflection in _SOLVED
    return _elapsed(cell) + (0.0 if solved else _baseline(cell))


def _elapsed(cell: Cell) -> float:
    """Minutes from the first message to the last reply: the script's pauses and the waits."""
    if cell.episode is None:
        return 0.0
    waits = sum(exchange.latency_ms for exchange in cell.episode.exchanges) / _MINUTE_MS
    return waits + sum(_pauses(cell))


def _pauses(cell: Cell) -> list[float]:
    """Pauses before the turns that were said after the first; skipped turns take no time."""
    said = [exchange.said for exchange in cell.episode.exchanges] if cell.episode else []
    turns = list(cell.case.turns)
    pauses: list[float] = []
    for text in said:
        while len(turns) > 1 and turns[0].text != text and any(t.text == text for t in turns[1:]):
            turns.pop(0)
        if turns:
            pauses.append(float(turns.pop(0).minutes_later))
    return pauses[1:]
