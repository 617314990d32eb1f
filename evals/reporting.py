"""What `evals report` does: the page and the exports of one run, or of several that asked the same cases."""

from collections.abc import Sequence
from pathlib import Path

from evals import pricing
from evals.errors import RunError
from evals.finishing import selected, still_said, with_costs
from evals.gathering import same_cases, together, told
from evals.report import exports, page
from evals.report.money import money
from evals.results import SUMMARY
from evals.suite import load
from evals.summary import write

PAGE, TABLE, MARKDOWN, JUNIT = "report.html", "tickets.csv", "summary.md", "junit.xml"


def report(
    folders: Sequence[Path],
    out: Path | None = None,
    *,
    suite: str | None = None,
    reference: str | None = None,
    prices: Path | None = None,
) -> Path:
    """Write the page and the exports. Returns the file of the page.

    `prices` is a price book; without it the shipped one. Raises `RunError` where a folder holds no graded
    run, or the runs asked different cases.
    """
    runs = [told(folder) for folder in folders]
    chosen = selected(load(Path(suite or runs[0].run.suite)), runs[0].run)
    place = _place(folders, out)
    for each in runs:
        same_cases(runs[0], each)
        still_said(chosen, each.run)
    alone = len(runs) == 1 and reference is None
    shown = runs[0] if alone else together(chosen, runs, reference)
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
