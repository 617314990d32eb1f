"""What stands behind the figures, and what a reader must know before the first of them."""

from collections.abc import Iterator, Mapping, Sequence

from evals import agreement
from evals.case import Case
from evals.metrics.cells import PASS_FROM
from evals.metrics.facts import Facts
from evals.stats import FEW_CLUSTERS
from evals.suite import Suite
from evals.summary import Agreement, Figure, Provenance, System

UNVALIDATED = (
    "Labels were set by this repository's authors in two separate passes; no support engineer and no "
    "systems administrator has validated them."
)
ENTERED = (
    "Labels were set by the people who entered the cases; the agreement of their passes is shown."
)
_ENOUGH = 0.98


def provenance(
    suite: Suite,
    facts: Facts,
    cases: Sequence[Case],
    resamples: int,
    hashes: Mapping[str, dict[str, str]],
) -> Provenance:
    """What it takes to make the figures again."""
    header, rubric = suite.header, suite.rubric
    synthetic = sum(case.source == "synthetic" for case in cases)
    return Provenance(
        suite=header.name,
        suite_version=header.version,
        suite_hash=suite.hash,
        rubric=rubric.name,
        rubric_version=rubric.version,
        label=header.label,
        share_synthetic=synthetic / len(cases),
        validated=UNVALIDATED if synthetic else ENTERED,
        cases={
            "test": sum(case.split == "test" for case in cases),
            "dev": sum(case.split == "dev" for case in cases),
            "dialogues": sum(case.dialogue for case in cases),
        },
        epochs=facts.epochs,
        seed=facts.seed,
        resamples=resamples,
        margins={"score": header.margins.score, "rate": header.margins.rate},
        pass_from=PASS_FROM,
        command=facts.command,
        started=facts.started,
        versions=facts.versions,
        hashes=dict(hashes),
        judge=facts.judge,
        agreement=facts.agreement,
        deviations=facts.deviations,
    )


def agreed(found: agreement.Agreement) -> Agreement:
    """The agreement of two label passes, as it stands in a summary."""
    return Agreement(
        field=found.field,
        n=found.n,
        same=found.same,
        alpha=Figure(
            value=found.alpha,
            low=found.interval.low if found.interval else None,
            high=found.interval.high if found.interval else None,
            n=found.n,
            unit="index",
            method=found.interval.method if found.interval else "none",
        ),
        level=found.level,
        kappa=found.kappa,
    )


def warnings(suite: Suite, systems: Sequence[System]) -> Iterator[str]:
    """Sentences that stand above the figures."""
    if suite.header.label != "real":
        yield f"The cases are {suite.header.label}: they show what a system can do, not what a desk will see."
    half = systems[0].test
    if half.split != "test":
        yield "No case of the test split was asked: these are figures of the split that people tuned on."
    if half.families < FEW_CLUSTERS:
        yield f"Only {half.families} incident families: intervals are t intervals and wide for a reason."
    for system in systems:
        yield from _of(system)
    if not any(system.role == "calibrating" for system in systems):
        yield "No calibrating system was run, so nothing shows that the benchmark itself works."


def _of(system: System) -> Iterator[str]:
    if system.coverage.share < _ENOUGH:
        share, causes = system.coverage.share, system.coverage.causes
        named = ", ".join(
            f"{count} {cause.replace('_', ' ')}" for cause, count in causes.items() if count
        )
        yield f"{system.name}: only {share:.1%} of its rows could be scored ({named})."
    for band in system.bands:
        if not band.inside:
            got = "nothing" if band.value is None else f"{band.value:.2f}"
            yield (
                f"Calibration failed: {system.name}, {band.what}: wanted {band.wanted}, got {got}. "
                "Mend the benchmark before believing its figures."
            )
