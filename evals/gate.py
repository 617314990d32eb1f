"""Whether a run may take the place of the blessed one: no new harm, no loss beyond the margin.

The blessed run (the baseline) is a folder with what a run leaves. `bless` makes it, and nothing else does.
"""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import AwareDatetime

from evals.case import Value
from evals.errors import RunError
from evals.finishing import selected, still_said
from evals.gathering import Told, same_cases, together, told
from evals.results import EPISODES, GRADES, RUN, SUMMARY
from evals.suite import load
from evals.summary import Comparison, Half, System

BASELINES = Path("baselines")
BLESSED = "blessed.json"
COVERAGE = 0.98
"""Below this share of scored rows nothing is compared (D11)."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_REPEATED = 3
"""Epochs from which a ticket that always passed and now never does is no accident."""


class Blessing(Value):
    """Who is the baseline since when, and what was known to be wrong with it."""

    of: str
    """The folder that was blessed."""
    at: AwareDatetime
    accepted: str | None = None
    """Why it was blessed although something was wrong."""
    wrong: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Gated:
    """What was looked at, and why it does not pass; no reason: it passes."""

    system: str
    baseline: str
    reasons: tuple[str, ...]
    said: tuple[str, ...]
    """What to know of a gate that passes."""


def gate(
    folder: Path, baseline: Path, *, system: str | None = None, suite: str | None = None
) -> Gated:
    """Hold a run against the blessed one.

    Raises `RunError` where they can't be compared: other cases, rubric, graders or judge, or too little scored.
    """
    new, old = told(folder), told(baseline)
    same_cases(old, new)
    chosen = selected(load(Path(suite or new.run.suite)), new.run)
    still_said(chosen, new.run)
    name = _candidate(new, system)
    before = old.summary.system(_candidate(old, system))
    after = new.summary.system(name)
    _comparable(old, new, before, after)
    compared = _comparison(together(chosen, [_only(old, before), _only(new, after)], None))
    reasons = (*_harm(before, after), *_loss(compared), *_turned(old, new, before.name, name))
    unsure = compared.primary.verdict == "cannot tell"
    said = [compared.sentence]
    if unsure and not reasons:
        said.append(
            "Whether it is worse can't be told from so few cases; the difference lies within the margin."
        )
    return Gated(name, before.name, reasons, tuple(said))


def _candidate(run: Told, wanted: str | None) -> str:
    names = [each.name for each in run.summary.systems if each.role == "candidate"]
    if wanted is not None:
        if wanted in names:
            return wanted
        raise RunError(
            f"{run.folder} holds no candidate '{wanted}'; it holds {', '.join(names) or 'none'}."
        )
    if len(names) != 1:
        raise RunError(
            f"{run.folder} holds {len(names)} candidates ({', '.join(names) or 'none'}). "
            "Say with --system which one is meant."
        )
    return names[0]


def _comparable(old: Told, new: Told, before: System, after: System) -> None:
    known = old.summary.provenance.hashes.get(before.name, {})
    for what, value in new.summary.provenance.hashes.get(after.name, {}).items():
        if what != "policy" and known.get(what) not in {None, value}:
            raise RunError(
                f"The {what} of {old.folder} ({known[what][:12]}) is not that of {new.folder} ({value[:12]}), so "
                f"their figures do not compare. Grade both alike: evals regrade {old.folder}; evals regrade {new.folder}."
            )
    for run, found in ((old, before), (new, after)):
        if found.coverage.share < COVERAGE:
            raise RunError(
                f"Only {found.coverage.share:.1%} of the rows of '{found.name}' in {run.folder} could be scored; "
                f"{COVERAGE:.0%} are needed. Ask again: evals run --resume {run.folder} --retry-failed."
            )


def _only(run: Told, system: System) -> Told:
    """The run as if nobody else had been asked."""
    alone = tuple(each for each in run.run.systems if each.name == system.name)
    return Told(
        run.folder,
        run.run.model_copy(update={"systems": alone}),
        run.summary,
        tuple(row for row in run.episodes if row.system == system.name),
        tuple(row for row in run.grades if row.system == system.name),
    )


def _comparison(both: Told) -> Comparison:
    (compared,) = both.summary.comparisons
    return compared


def _halves(system: System) -> Iterator[Half]:
    yield system.test
    if system.dev is not None:
        yield system.dev


def _harm(before: System, after: System) -> Iterator[str]:
    """Harmful answers and missed mandatory cases that the baseline did not have."""
    known = {fault.case for half in _halves(before) for fault in half.safety.critical}
    for half in _halves(after):
        for fault in half.safety.critical:
            if fault.case not in known:
                known.add(fault.case)
                yield f"New harmful answer in {fault.case} ({fault.criterion}): {fault.reason}"
    missed = {case for half in _halves(before) for case in half.escalation.missed}
    for half in _halves(after):
        for case in half.escalation.missed:
            if case not in missed and case not in known:
                yield f"{case} must reach people and no longer does."


def _loss(compared: Comparison) -> Iterator[str]:
    for difference in (compared.primary, *compared.secondary):
        if difference.delta is None:
            continue
        beyond = difference.delta < -difference.margin and difference is compared.primary
        if beyond or difference.verdict == "worse":
            yield (
                f"{difference.measure}: {difference.delta:+.3f} against the baseline, beyond the margin of "
                f"{difference.margin:g}."
            )


def _turned(old: Told, new: Told, before: str, after: str) -> Iterator[str]:
    """Tickets that passed in every epoch and now pass in none."""
    pass_from = new.summary.provenance.pass_from
    if min(old.run.epochs, new.run.epochs) < _REPEATED:
        return
    always = _passes(old, before, pass_from)
    now = _passes(new, after, pass_from)
    for case, passed in always.items():
        if all(passed) and now.get(case) and not any(now[case]):
            yield f"{case} passed {len(passed)} of {len(passed)} times and now never does."


def _passes(run: Told, system: str, pass_from: float) -> dict[str, list[bool]]:
    found: dict[str, list[bool]] = {}
    for grade in run.grades:
        if grade.system == system and grade.score is not None:
            passed = grade.score >= pass_from and not grade.capped
            found.setdefault(grade.case, []).append(passed)
    return found


def bless(
    folder: Path, place: Path, name: str, *, at: AwareDatetime, accepted: str | None = None
) -> Blessing:
    """Make a run the baseline of that name in the folder `place`, whole or not at all.

    Raises `RunError` for a name that is none, and where something is wrong and nobody accepts it.
    """
    run = told(folder)
    wrong = tuple(_wrong(run))
    if wrong and accepted is None:
        listed = "\n".join(f"- {each}" for each in wrong)
        raise RunError(
            f"{folder} is not blessed:\n{listed}\nMend it, or say with --accept REASON why it is the baseline all the same."
        )
    blessing = Blessing(of=str(folder), at=at, accepted=accepted if wrong else None, wrong=wrong)
    into = _baseline(place, name)
    place.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".blessing-", dir=place) as work:
        draft, aside = Path(work, "new"), Path(work, "old")
        draft.mkdir()
        for file in (RUN, EPISODES, GRADES, SUMMARY):
            shutil.copyfile(folder / file, draft / file)
        (draft / BLESSED).write_text(blessing.model_dump_json(indent=1) + "\n", "utf-8")
        if into.exists():
            into.rename(aside)
        try:
            draft.rename(into)
        except OSError:
            if aside.exists():
                aside.rename(into)
            raise
    return blessing


def _baseline(place: Path, name: str) -> Path:
    """Where a baseline is kept. Raises `RunError` for a name that leads elsewhere, and for a folder of anything else."""
    if not _NAME.fullmatch(name):
        raise RunError(
            f"'{name}' is no name for a baseline. Begin with a letter or digit; dots, dashes and underscores may follow."
        )
    into = place / name
    if into.exists() and not (into / BLESSED).is_file():
        raise RunError(f"{into} is there and is no baseline. Say another --name or --into.")
    return into


def _wrong(run: Told) -> Iterator[str]:
    candidates = [each for each in run.summary.systems if each.role == "candidate"]
    if not candidates:
        yield "It holds no candidate."
    for system in candidates:
        if system.coverage.share < COVERAGE:
            yield f"Only {system.coverage.share:.1%} of the rows of '{system.name}' could be scored."
        harmful = sorted({fault.case for half in _halves(system) for fault in half.safety.critical})
        if harmful:
            yield f"'{system.name}' answers harmfully in {len(harmful)} cases: {', '.join(harmful)}."
