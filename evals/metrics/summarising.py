"""From rows and grades to the summary of a run. The test split is the headline, dev stands beside it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from evals.case import Case, Split
from evals.episode import Episode
from evals.errors import RunError
from evals.grade import Grade
from evals.metrics.calibrating import bands
from evals.metrics.cells import Cell, View
from evals.metrics.comparison import Contender, comparisons, ranking
from evals.metrics.escalation import escalation
from evals.metrics.facts import Asked, Facts
from evals.metrics.failures import failures
from evals.metrics.outcomes import outcomes, times
from evals.metrics.provenance import provenance, warnings
from evals.metrics.quality import coverage, quality
from evals.metrics.reliability import calibration, cost, latency, reliability
from evals.metrics.safety import safety
from evals.metrics.slices import breakdowns, contexts, twins
from evals.metrics.targets import cost_target, targets
from evals.metrics.worst import worst
from evals.stats import RESAMPLES, Resampling, resampling
from evals.suite import Suite
from evals.summary import Cost, Half, Summary, System

_Key = tuple[str, str, int]


@dataclass(frozen=True)
class _Side:
    """The cases of one split, and their draws, for all systems."""

    split: Split
    cases: tuple[Case, ...]
    draws: Resampling


def summarise(
    suite: Suite,
    episodes: Iterable[Episode],
    grades: Iterable[Grade],
    facts: Facts,
    *,
    reference: str | None = None,
    resamples: int = RESAMPLES,
) -> Summary:
    """The figures of a run. Rows of cases or systems that the run does not know raise `RunError`.

    `reference` is the system that the others are compared with; the first candidate where it is `None`.
    """
    rows = {episode.key: episode for episode in episodes}
    graded = {(grade.system, grade.case, grade.epoch): grade for grade in grades}
    _known(suite, rows, facts)
    sides = _sides(suite, facts, resamples)
    views = {
        asked.name: tuple(_view(suite, side, asked.name, rows, graded, facts) for side in sides)
        for asked in facts.systems
    }
    chosen = _reference(facts, reference)
    systems = [
        _system(suite, asked, views[asked.name], sides, facts, asked.name == chosen)
        for asked in _ordered(facts.systems, chosen)
    ]
    contenders = [Contender(system, views[system.name][0]) for system in systems]
    hashes = _hashes(facts, rows)
    compared = comparisons(contenders, chosen, hashes, suite.header.margins)
    return Summary(
        provenance=provenance(
            suite, facts, [c for side in sides for c in side.cases], resamples, hashes
        ),
        systems=tuple(systems),
        comparisons=compared,
        ranking=ranking(contenders, hashes, suite.header.margins),
        warnings=tuple(warnings(suite, systems)),
    )


def priced(summary: Summary, costs: Mapping[str, Cost]) -> Summary:
    """The summary with what `economics` made of the cost of each system named."""
    systems = tuple(
        _priced(system, costs[system.name]) if system.name in costs else system
        for system in summary.systems
    )
    return summary.model_copy(update={"systems": systems})


def _priced(system: System, cost: Cost) -> System:
    row = cost_target(cost)
    rows = tuple(row if target.id == row.id else target for target in system.targets)
    half = system.test.model_copy(update={"cost": cost})
    return system.model_copy(update={"test": half, "targets": rows})


def _known(suite: Suite, rows: Mapping[_Key, Episode], facts: Facts) -> None:
    names = {asked.name for asked in facts.systems}
    for system, case, epoch in rows:
        if system not in names:
            raise RunError(
                f"A row names the system '{system}', which this run did not ask. Take it out."
            )
        if case not in suite.by_id:
            raise RunError(
                f"A row of '{system}' names the case '{case}', which suite '{suite.header.name}' does "
                "not hold. Summarise with the suite that was asked."
            )
        if epoch >= facts.epochs:
            raise RunError(
                f"A row of '{system}' for '{case}' is of epoch {epoch}, and the run has {facts.epochs} "
                "from 0 on. Correct run.json or take the row out."
            )


def _sides(suite: Suite, facts: Facts, resamples: int) -> tuple[_Side, ...]:
    """Test first; dev alone where there is no test split."""
    asked = set(facts.cases) or set(suite.by_id)
    found = []
    splits: tuple[Split, ...] = ("test", "dev")
    for split in splits:
        cases = tuple(c for c in suite.cases if c.split == split and c.id in asked)
        if cases:
            found.append(_Side(split, cases, _draws(suite, cases, facts.seed, resamples)))
    if not found:
        raise RunError("The run asked no case of this suite. Name cases that it holds.")
    return tuple(found)


def _draws(suite: Suite, cases: Sequence[Case], seed: int, resamples: int) -> Resampling:
    strata, families = [case.category for case in cases], [case.family for case in cases]
    try:
        return resampling(strata, families, suite.header.demand, seed=seed, resamples=resamples)
    except ValueError as error:
        raise RunError(f"The demand in suite.yaml does not fit the cases: {error}") from error


def _view(
    suite: Suite,
    side: _Side,
    system: str,
    rows: Mapping[_Key, Episode],
    graded: Mapping[_Key, Grade],
    facts: Facts,
) -> View:
    def cell(case: Case, epoch: int) -> Cell:
        key = (system, case.id, epoch)
        return Cell(case, epoch, rows.get(key), graded.get(key))

    cells = tuple(tuple(cell(case, e) for e in range(facts.epochs)) for case in side.cases)
    criteria = {case.id: {c.id: c for c in suite.rubric.criteria(case)} for case in side.cases}
    return View(side.cases, cells, side.draws, criteria, suite.rubric, suite.reasons)


def _reference(facts: Facts, wanted: str | None) -> str:
    names = [asked.name for asked in facts.systems]
    if wanted is not None and wanted not in names:
        raise RunError(f"The reference '{wanted}' was not asked. Name one of: {', '.join(names)}.")
    candidates = [asked.name for asked in facts.systems if asked.role == "candidate"]
    return wanted or (candidates or names)[0]


def _ordered(systems: Sequence[Asked], reference: str) -> list[Asked]:
    return sorted(systems, key=lambda s: (s.name != reference, s.role != "candidate"))


def _system(
    suite: Suite,
    asked: Asked,
    views: Sequence[View],
    sides: Sequence[_Side],
    facts: Facts,
    reference: bool,
) -> System:
    halves = [_half(view, side, suite, facts) for view, side in zip(views, sides, strict=True)]
    first, dev = halves[0], halves[1] if len(halves) > 1 else None
    rows = targets(first)
    replies = [cell.episode.last for cell in views[0] if cell.answered and cell.episode]
    declared = [reply.declared for reply in replies if reply]
    return System(
        name=asked.name,
        role=asked.role,
        reference=reference,
        hash=asked.hash,
        versions=asked.versions,
        declared=sum(declared) / len(declared) if declared else None,
        verdict=_sentence(first, [row.met for row in rows]),
        coverage=coverage(views[0]),
        targets=rows,
        test=first,
        dev=dev,
        breakdowns=breakdowns(views[0], views[1] if dev else None, suite.header.demand),
        twins=twins(views[0]),
        contexts=contexts(views[0]),
        worst=worst(views[0]),
        bands=bands(asked.name, first) if asked.role == "calibrating" else (),
    )


def _half(view: View, side: _Side, suite: Suite, facts: Facts) -> Half:
    return Half(
        split=side.split,
        cases=len(view.cases),
        families=view.families,
        quality=quality(view),
        safety=safety(view),
        escalation=escalation(view),
        outcomes=outcomes(view, suite.header.demand),
        times=times(view),
        failures=failures(view),
        latency=latency(view),
        cost=cost(view),
        reliability=reliability(view, facts.epochs),
        calibration=calibration(view),
    )


def _sentence(half: Half, met: Sequence[str]) -> str:
    harmful, score = half.safety.harmful, half.quality.score
    if score.value is None:
        return "Nothing of it could be scored."
    counts = f"{met.count('met')} of {len(met)} targets met, {met.count('not met')} not met"
    missed = len(half.escalation.missed)
    harm = f"{harmful.events or 0:.0f} of {harmful.n} cases with a harmful answer"
    kept = f", {missed} mandatory cases kept from people" if missed else ""
    return f"Quality {score.value:.2f} of 5; {counts}; {harm}{kept}."


def _hashes(facts: Facts, rows: Mapping[_Key, Episode]) -> dict[str, dict[str, str]]:
    """What each system's run rests on; the suite as its rows name it."""
    suites: dict[str, set[str]] = {}
    for episode in rows.values():
        suites.setdefault(episode.system, set()).add(episode.suite)
    return {
        asked.name: asked.hashes | dict(_suites(suites.get(asked.name, set())))
        for asked in facts.systems
    }


def _suites(found: set[str]) -> Iterator[tuple[str, str]]:
    if found:
        yield "suite", " and ".join(sorted(found))
