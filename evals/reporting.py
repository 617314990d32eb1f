"""What `evals report` does: the page and the exports of one run, or of several that asked the same cases."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from evals import pricing
from evals.episode import Episode
from evals.errors import RunError
from evals.finishing import facts, grades, selected, still_said, with_costs
from evals.grade import Grade
from evals.metrics.facts import Asked
from evals.report import exports, page
from evals.report.money import money
from evals.results import SUMMARY, Run, episodes
from evals.suite import Suite, load
from evals.summary import Summary, read, write

_Row = TypeVar("_Row", Episode, Grade)
PAGE, TABLE, MARKDOWN, JUNIT = "report.html", "tickets.csv", "summary.md", "junit.xml"


@dataclass(frozen=True, slots=True)
class _Told:
    """One run, read."""

    folder: Path
    run: Run
    summary: Summary
    episodes: tuple[Episode, ...]
    grades: tuple[Grade, ...]


def report(
    folders: Sequence[Path],
    out: Path | None = None,
    *,
    suite: str | None = None,
    reference: str | None = None,
    prices: Path | None = None,
) -> Path:
    """Write the page and the exports. Returns the file of the page.

    `prices` is a price book; without it the shipped one. Raises `RunError` where a folder holds no graded run, or the runs asked different cases.
    """
    told = [_told(folder) for folder in folders]
    whole = load(Path(suite or told[0].run.suite))
    chosen = selected(whole, told[0].run)
    place = _place(folders, out)
    for each in told:
        _same_cases(told[0], each)
        still_said(chosen, each.run)
    shown = told[0] if len(told) == 1 and reference is None else _together(chosen, told, reference)
    book = pricing.book(prices) if prices else pricing.book()
    summary = with_costs(shown.summary, book) if prices else shown.summary
    place.mkdir(parents=True, exist_ok=True)
    if place != folders[0] or prices:
        write(summary, place / SUMMARY)
    (place / TABLE).write_text(exports.table(shown.episodes, shown.grades), "utf-8")
    (place / MARKDOWN).write_text(exports.markdown(summary), "utf-8")
    (place / JUNIT).write_text(exports.junit(summary, shown.episodes, shown.grades), "utf-8")
    page.write(
        page.Run(
            summary,
            chosen.cases,
            shown.episodes,
            shown.grades,
            money=[
                money(book, system, seed=summary.provenance.seed)
                for system in summary.systems
                if system.role == "candidate"
            ],
        ),
        place / PAGE,
    )
    return place / PAGE


def _place(folders: Sequence[Path], out: Path | None) -> Path:
    if out is not None:
        return out
    if len(folders) > 1:
        raise RunError(
            f"{len(folders)} runs are named, and a report of several belongs to none of them. "
            "Say with --out where it goes."
        )
    return folders[0]


def _told(folder: Path) -> _Told:
    run = Run.read(folder)
    summary = read(folder / SUMMARY)
    return _Told(folder, run, summary, tuple(episodes(folder)), tuple(grades(folder)))


def _same_cases(first: _Told, other: _Told) -> None:
    if first.run.said_hash != other.run.said_hash:
        raise RunError(
            f"{first.folder} and {other.folder} asked different cases ({first.run.said_hash[:12]}, "
            f"{other.run.said_hash[:12]}): nothing can be compared. Run both with the same suite, --split and --limit."
        )


def _together(suite: Suite, told: Sequence[_Told], reference: str | None) -> _Told:
    """Several runs as one. A calibrating system is shown once, a name that comes twice is told apart by its folder."""
    from evals.metrics.summarising import summarise

    asked: dict[str, Asked] = {}
    rows: list[Episode] = []
    graded: list[Grade] = []
    for each in told:
        names = _names(each, asked)
        hashes = each.summary.provenance.hashes
        for system in facts(suite, each.run).systems:
            if name := names.get(system.name):
                kept = hashes.get(system.name, system.hashes)
                asked[name] = system.model_copy(update={"name": name, "hashes": kept})
        rows += [_as(row, names) for row in each.episodes if row.system in names]
        graded += [_as(row, names) for row in each.grades if row.system in names]
    first = told[0]
    known = facts(suite, first.run, judge=first.summary.provenance.judge).model_copy(
        update={
            "systems": tuple(asked.values()),
            "epochs": max(each.run.epochs for each in told),
            "command": " ; ".join(dict.fromkeys(each.run.command for each in told)),
        }
    )
    made = with_costs(summarise(suite, rows, graded, known, reference=reference), pricing.book())
    return _Told(first.folder, first.run, made, tuple(rows), tuple(graded))


def _names(told: _Told, before: dict[str, Asked]) -> dict[str, str]:
    """What each system of a run is called in the report; a calibrating one that is there already is left out."""
    names: dict[str, str] = {}
    for system in told.run.systems:
        if system.name not in before:
            names[system.name] = system.name
        elif system.kind != "calibrating":
            names[system.name] = f"{system.name} ({told.folder.name})"
    return names


def _as(row: _Row, names: dict[str, str]) -> _Row:
    return row.model_copy(update={"system": names[row.system]})
