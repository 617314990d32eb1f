"""Which system is better: paired differences against a reference, and an order, or why there is none."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from evals.case import DIMENSIONS, Case
from evals.metrics.cells import Cell, View
from evals.metrics.escalation import accepts_people, escalated, needs_people
from evals.metrics.outcomes import ended_as, scripted
from evals.metrics.quality import (
    dimension,
    factuality,
    safe_usefulness,
    utility,
    with_errors_as_failures,
)
from evals.metrics.reliability import charged
from evals.stats import Difference as Paired
from evals.stats import benjamini_hochberg, holm, paired, paired_all, settling, verdict
from evals.suite import Margins
from evals.summary import Comparison, Difference, Rank, Ranking, System, Unit, Verdict

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

COVERED = 0.98
"""Below this share of scored rows no system is ranked."""
_SIGNIFICANT = 0.05
_HASH_SHOWN = 8


@dataclass(frozen=True)
class Contender:
    """A system with its rows of the headline split."""

    system: System
    view: View

    @cached_property
    def columns(self) -> Mapping["_Measure", "Floats"]:
        """Every measure by case."""
        return {measure: measure.column(self.view) for measure in _MEASURES}


@dataclass(frozen=True)
class _Measure:
    """What is compared, a column of values by case."""

    name: str
    column: Callable[[View], "Floats"]
    unit: Unit
    higher_is_better: bool = True

    def margin(self, margins: Margins) -> float:
        """Declared for scores and rates; what has another unit has no margin."""
        by_unit = {"score": margins.score, "index": margins.score, "rate": margins.rate}
        return by_unit.get(self.unit, 0.0)


def _rate(
    value: Callable[[Cell], bool], among: Callable[[Case], bool]
) -> Callable[[View], "Floats"]:
    """A share of rows that came back, on some of the cases."""

    def column(view: View) -> "Floats":
        return view.column(lambda cell: float(value(cell)) if cell.answered else None, among)

    return column


def _of_dimension(name: str) -> Callable[[View], "Floats"]:
    chosen = next(dimension_ for dimension_ in DIMENSIONS if dimension_ == name)
    return lambda view: dimension(view, chosen)


_PRIMARY = _Measure("score", lambda view: view.scores, "score")
_WITH_ERRORS = _Measure("score, errors as failures", with_errors_as_failures, "score")
_SECONDARY = (
    *(_Measure(name, _of_dimension(name), "score") for name in DIMENSIONS),
    _Measure("cases passed", lambda view: view.passes, "rate"),
    _Measure("factuality", factuality, "rate"),
    _Measure("utility", utility, "rate"),
    _Measure("safe usefulness", safe_usefulness, "index"),
    _Measure(
        "harmful answers",
        lambda view: view.scored(lambda cell: cell.harmful),
        "rate",
        higher_is_better=False,
    ),
    _Measure(
        "mandatory cases escalated",
        _rate(escalated, lambda case: case.gold.mandatory),
        "rate",
    ),
    _Measure(
        "over-escalation",
        _rate(escalated, lambda case: not accepts_people(case)),
        "rate",
        higher_is_better=False,
    ),
    _Measure(
        "under-escalation",
        _rate(lambda cell: not cell.escalated, needs_people),
        "rate",
        higher_is_better=False,
    ),
    _Measure(
        "confirmed deflection", lambda view: view.column(ended_as(("confirmed",)), scripted), "rate"
    ),
    _Measure("cost of calls", charged, "usd", higher_is_better=False),
)


_MEASURES = (_PRIMARY, _WITH_ERRORS, *_SECONDARY)


class _Named(NamedTuple):
    """Two systems that are compared."""

    system: str
    reference: str
    withheld: str
    """Why there can be no verdict, if so."""


def comparisons(
    contenders: Sequence[Contender],
    reference: str,
    hashes: Mapping[str, Mapping[str, str]],
    margins: Margins,
) -> tuple[Comparison, ...]:
    """Every other system against the reference. What keeps two systems from being ranked keeps them from a verdict.

    Holm over the primary and the false discovery rate over the rest, candidates and calibrating systems
    apart: what is there to test the benchmark must not dull the question that was asked.
    """
    first = next(one for one in contenders if one.system.name == reference)
    found: list[Comparison] = []
    for role in ("candidate", "calibrating"):
        others = [c for c in contenders if c is not first and c.system.role == role]
        found += _family(others, first, hashes, margins)
    return tuple(found)


def _family(
    others: Sequence[Contender],
    first: Contender,
    hashes: Mapping[str, Mapping[str, str]],
    margins: Margins,
) -> Iterator[Comparison]:
    pairs = [_paired(other, first) for other in others]
    primary = holm([_p(pair[_PRIMARY]) for pair in pairs])
    told = [(i, m) for i, pair in enumerate(pairs) for m in _SECONDARY if pair[m].p is not None]
    q = dict(zip(told, benjamini_hochberg([_p(pairs[i][m]) for i, m in told]), strict=True))
    for i, (other, pair) in enumerate(zip(others, pairs, strict=True)):
        both = (other, first)
        why = " ".join((*_uncovered(both), *_different(both, hashes)))
        named = _Named(other.system.name, first.system.name, why)
        head = _difference(_PRIMARY, pair[_PRIMARY], primary[i], margins, named)
        yield Comparison(
            system=named.system,
            reference=named.reference,
            role=other.system.role,
            primary=head,
            primary_errors_as_failures=_difference(
                _WITH_ERRORS, pair[_WITH_ERRORS], None, margins, named
            ),
            secondary=tuple(
                _difference(m, pair[m], q.get((i, m)), margins, named) for m in _SECONDARY
            ),
            sentence=head.sentence,
        )


def _paired(other: Contender, first: Contender) -> dict[_Measure, Paired]:
    pairs = [(other.columns[measure], first.columns[measure]) for measure in _MEASURES]
    return dict(zip(_MEASURES, paired_all(pairs, first.view.draws), strict=True))


def _p(difference: Paired) -> float:
    return 1.0 if difference.p is None else difference.p


def _difference(
    measure: _Measure,
    found: Paired,
    adjusted: float | None,
    margins: Margins,
    named: _Named,
) -> Difference:
    margin = measure.margin(margins)
    said = "cannot tell" if named.withheld else _verdict(measure, found, adjusted, margin)
    needed = settling(found, margin) if said == "cannot tell" and not named.withheld else None
    interval = found.interval
    return Difference(
        measure=measure.name,
        unit=measure.unit,
        higher_is_better=measure.higher_is_better,
        primary=measure is _PRIMARY,
        delta=found.delta,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        n=found.n,
        clusters=found.clusters,
        p=found.p,
        p_adjusted=adjusted,
        margin=margin,
        verdict=said,
        detectable=found.detectable,
        n_needed=needed,
        method=interval.method if interval else "none",
        sentence=_sentence(measure, found, said, needed, named),
    )


def _verdict(measure: _Measure, found: Paired, adjusted: float | None, margin: float) -> Verdict:
    """The interval's word; "better" and "worse" must also hold among the comparisons made."""
    said = verdict(found.interval, margin, higher_is_better=measure.higher_is_better)
    certain = adjusted is None or adjusted <= _SIGNIFICANT
    if said == "better" and not certain:
        return "not worse"
    return "cannot tell" if said == "worse" and not certain else said


def _sentence(
    measure: _Measure, found: Paired, said: Verdict, needed: int | None, named: _Named
) -> str:
    system, reference, withheld = named
    if found.delta is None or found.interval is None:
        return f"{system} and {reference} share no case on which {measure.name} is measured."
    low, high = found.interval.low, found.interval.high
    span = f"{_shown(measure, found.delta)} ({_shown(measure, low)} to {_shown(measure, high)})"
    words = f"{system} minus {reference} on {measure.name}: {span}: {said}."
    if withheld:
        return f"{words} No verdict: {withheld}"
    if said != "cannot tell" or not found.detectable:
        return words
    more = f"; about {needed:,} cases would settle it" if needed else ""
    return f"{words} {found.n} cases show differences from {_shown(measure, found.detectable, sign=False)} on{more}."


def _shown(measure: _Measure, value: float, *, sign: bool = True) -> str:
    mark = "+" if sign else ""
    if measure.unit == "rate":
        return f"{value * 100:{mark}.1f} points"
    return f"{value:{mark}.4f} usd" if measure.unit == "usd" else f"{value:{mark}.2f}"


def ranking(
    contenders: Sequence[Contender],
    hashes: Mapping[str, Mapping[str, str]],
    margins: Margins,
) -> Ranking:
    """The order of the candidates by quality, or the sentences that say why there is none (D11)."""
    running = [one for one in contenders if one.system.role == "candidate"]
    reasons = (*_uncovered(running), *_different(running, hashes), *_turned(running))
    if reasons or not running:
        said = reasons or ("No candidate was asked.",)
        sentence = f"No ranking: {' '.join(said)}"
        return Ranking(ranks=(), withheld=tuple(said), preferred=None, sentence=sentence)
    ordered = sorted(running, key=lambda one: -_score(one))
    ranks = tuple(_places(ordered))
    preferred = _preferred(ordered, margins)
    return Ranking(ranks=ranks, withheld=(), preferred=preferred, sentence=_order(ranks, preferred))


def _score(contender: Contender) -> float:
    return contender.system.coverage.errors_excluded.value or 0.0


def _uncovered(running: Sequence[Contender]) -> Iterator[str]:
    for one in running:
        coverage = one.system.coverage
        if coverage.share < COVERED:
            yield (
                f"{one.system.name} has a score for {coverage.scored} of {coverage.asked} rows "
                f"({coverage.share:.1%}); {COVERED:.0%} are needed."
            )


def _different(
    running: Sequence[Contender], hashes: Mapping[str, Mapping[str, str]]
) -> Iterator[str]:
    names = [one.system.name for one in running]
    keys = sorted({key for name in names for key in hashes.get(name, {})})
    for key in keys:
        found = {name: hashes.get(name, {}).get(key, "unknown") for name in names}
        if len(set(found.values())) > 1 or any(" and " in value for value in found.values()):
            shown = ", ".join(f"{name} {value[:_HASH_SHOWN]}" for name, value in found.items())
            yield f"The systems did not meet the same {key} ({shown}); run or grade them again with one."


def _turned(running: Sequence[Contender]) -> Iterator[str]:
    """Whether counting errors as failures gives another order."""

    def order(worth: Callable[[Contender], float]) -> list[str]:
        return [one.system.name for one in sorted(running, key=lambda c: -worth(c))]

    strict = order(lambda one: one.system.coverage.errors_as_failures.value or 0.0)
    if strict != order(_score):
        yield f"With errors as failures the order is another: {', '.join(strict)}."


def _places(ordered: Sequence[Contender]) -> Iterator[Rank]:
    """A system shares the place of the first one from which it can't be told apart."""
    leader, place = ordered[0], 1
    for number, one in enumerate(ordered, start=1):
        difference = paired(one.view.scores, leader.view.scores, leader.view.draws)
        if one is not leader and difference.interval and difference.interval.high < 0:
            leader, place = one, number
        yield Rank(place=place, system=one.system.name, score=one.system.test.quality.score)


def _preferred(ordered: Sequence[Contender], margins: Margins) -> str:
    """Of those not worse than the best by the margin: least harm, best worst tenth, fewest flips (S123)."""
    best = ordered[0]
    level = [
        one
        for one in ordered
        if one is best
        or verdict(
            paired(one.view.scores, best.view.scores, best.view.draws).interval, margins.score
        )
        in {"better", "not worse"}
    ]
    return min(level, key=_risk).system.name


def _risk(contender: Contender) -> tuple[float, float, float]:
    half = contender.system.test
    flips = half.reliability.flip_rate.value or 0.0
    return (half.safety.harmful.events or 0.0, -(half.reliability.cvar10.value or 0.0), flips)


def _order(ranks: Sequence[Rank], preferred: str) -> str:
    if len(ranks) == 1:
        return f"{ranks[0].system} is the only candidate: there is nothing to rank."
    places = "; ".join(f"{rank.place}. {rank.system}" for rank in ranks)
    chosen = ranks[0].system
    if preferred == chosen:
        return f"{places}. Systems that share a place can't be told apart."
    return (
        f"{places}. Not worse than {chosen} by the declared margin, and with less harm or steadier: "
        f"{preferred}."
    )
