"""Runs read back from their folders, and several of the same cases put together as one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from evals import pricing
from evals.episode import Episode
from evals.errors import RunError
from evals.finishing import facts, grades, with_costs
from evals.grade import Grade
from evals.metrics.facts import Asked
from evals.results import SUMMARY, Run, episodes
from evals.suite import Suite
from evals.summary import Summary, read

_Row = TypeVar("_Row", Episode, Grade)


@dataclass(frozen=True, slots=True)
class Told:
    """One run, read."""

    folder: Path
    run: Run
    summary: Summary
    episodes: tuple[Episode, ...]
    grades: tuple[Grade, ...]


def told(folder: Path) -> Told:
    """A graded run. Raises `RunError` where the folder holds none."""
    run = Run.read(folder)
    summary = read(folder / SUMMARY)
    return Told(folder, run, summary, tuple(episodes(folder)), tuple(grades(folder)))


def same_cases(first: Told, other: Told) -> None:
    """Raises `RunError` for runs that can't be compared, case by case."""
    if first.run.said_hash != other.run.said_hash:
        raise RunError(
            f"{first.folder} and {other.folder} asked different cases ({first.run.said_hash[:12]}, "
            f"{other.run.said_hash[:12]}): nothing can be compared. Run both with the same suite, --split and --limit."
        )


def together(suite: Suite, runs: Sequence[Told], reference: str | None) -> Told:
    """Several runs as one. A calibrating system is shown once, a name that comes twice is told apart by its folder."""
    from evals.metrics.summarising import summarise

    asked: dict[str, Asked] = {}
    rows: list[Episode] = []
    graded: list[Grade] = []
    for each in runs:
        names = _names(each, asked)
        hashes = each.summary.provenance.hashes
        for system in facts(suite, each.run).systems:
            if name := names.get(system.name):
                kept = hashes.get(system.name, system.hashes)
                asked[name] = system.model_copy(update={"name": name, "hashes": kept})
        rows += [_as(row, names) for row in each.episodes if row.system in names]
        graded += [_as(row, names) for row in each.grades if row.system in names]
    first = runs[0]
    known = facts(suite, first.run, judge=first.summary.provenance.judge).model_copy(
        update={
            "systems": tuple(asked.values()),
            "epochs": max(each.run.epochs for each in runs),
            "command": " ; ".join(dict.fromkeys(each.run.command for each in runs)),
        }
    )
    made = with_costs(summarise(suite, rows, graded, known, reference=reference), pricing.book())
    return Told(first.folder, first.run, made, tuple(rows), tuple(graded))


def _names(each: Told, before: Mapping[str, Asked]) -> dict[str, str]:
    """What each system of a run is called among several; a calibrating one that is there already is left out."""
    names: dict[str, str] = {}
    for system in each.run.systems:
        if system.name not in before:
            names[system.name] = system.name
        elif system.kind != "calibrating":
            names[system.name] = f"{system.name} ({each.folder.name})"
    return names


def _as(row: _Row, names: Mapping[str, str]) -> _Row:
    return row.model_copy(update={"system": names[row.system]})
