"""From the rows of a run to grades and figures, as often as wanted: no system is asked again."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from evals.errors import RunError
from evals.grade import Grade
from evals.grading import Grader, Judge
from evals.results import GRADES, SUMMARY, Run, episodes, rubric_hash, said_hash
from evals.sources import Register
from evals.suite import Suite

if TYPE_CHECKING:
    from evals.metrics.facts import Facts
    from evals.pricing import Book
    from evals.summary import Summary


def grade(folder: Path, suite: Suite, register: Register, judge: Judge | None = None) -> int:
    """Write `grades.jsonl` anew, whole or not at all. Returns how many rows were graded."""
    grader = Grader(suite, register, judge)
    path, number = folder / GRADES, 0
    draft = path.with_suffix(".draft")
    with draft.open("w", encoding="utf-8") as file:
        for graded in grader.grades(episodes(folder)):
            file.write(graded.model_dump_json() + "\n")
            number += 1
    draft.replace(path)
    return number


def grades(folder: Path) -> Iterator[Grade]:
    """The grades of a run. Raises `RunError` with file and line."""
    path = folder / GRADES
    if not path.is_file():
        raise RunError(f"{path} is not there. Make it with `evals regrade {folder}`.")
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            try:
                yield Grade.model_validate_json(line)
            except ValidationError as error:
                fault = error.errors(include_url=False)[0]["msg"]
                raise RunError(
                    f"{path}:{number}: {fault}. Make the file again with `evals regrade {folder}`."
                ) from error


def summarise(
    folder: Path, suite: Suite, run: Run, *, judge: str | None = None, reference: str | None = None
) -> None:
    """Write `summary.json` from rows and grades."""
    from evals import summary
    from evals.metrics.summarising import summarise as figures
    from evals.pricing import book

    told = facts(suite, run, judge=judge)
    made = figures(suite, episodes(folder), grades(folder), told, reference=reference)
    summary.write(with_costs(made, book()), folder / SUMMARY)


def with_costs(summary: "Summary", prices: "Book") -> "Summary":
    """The summary with the blended cost of every system."""
    from evals.economics import costed
    from evals.metrics.summarising import priced

    seed = summary.provenance.seed
    return priced(
        summary, {each.name: costed(prices, each.test, seed=seed) for each in summary.systems}
    )


def facts(suite: Suite, run: Run, *, judge: str | None = None) -> "Facts":
    """What a run knows of itself and no row says."""
    from evals import labels
    from evals.metrics.facts import Asked, Facts
    from evals.metrics.provenance import agreed

    shared = {
        "suite": suite.hash,
        "rubric": rubric_hash(suite),
        "graders": graders_hash(),
        "judge": judge or "none",
    }
    return Facts(
        epochs=run.epochs,
        systems=tuple(
            Asked(
                name=each.name,
                role="calibrating" if each.kind == "calibrating" else "candidate",
                hash=each.hash,
                versions=each.versions,
                hashes=shared,
            )
            for each in run.systems
        ),
        cases=tuple(case.id for case in suite.cases),
        seed=run.seed,
        command=run.command,
        started=run.started,
        versions=run.versions,
        judge=judge,
        agreement=tuple(agreed(found) for found in labels.of(suite.folder, seed=run.seed)),
        deviations=tuple(deviations(suite, run)),
    )


def deviations(suite: Suite, run: Run) -> Iterator[str]:
    """What is not as it was asked, or was not asked, a sentence each."""
    from evals import adjudication

    if note := still_said(suite, run):
        yield note
    if run.blocked:
        yield (
            f"Not asked, for their label passes differ and nobody has settled it ({len(run.blocked)}): "
            f"{', '.join(run.blocked)}."
        )
    if since := adjudication.blocked(suite):
        yield (
            f"Asked and graded although their labels are in dispute now ({len(since)}): "
            f"{', '.join(since)}."
        )


def graders_hash() -> str:
    """Of the code that grades: figures of two versions of it can't be compared."""
    package = Path(__file__).parent
    digest = hashlib.sha256()
    for file in sorted([package / "grading.py", *(package / "graders").glob("*.py")]):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def selected(whole: Suite, run: Run) -> Suite:
    """The cases that a run asks."""
    suite = whole.only(run.split) if run.split else whole
    left_out = frozenset(run.blocked)
    suite = replace(suite, cases=tuple(case for case in suite.cases if case.id not in left_out))
    return suite if run.limit is None else replace(suite, cases=suite.cases[: run.limit])


def still_said(suite: Suite, run: Run) -> str | None:
    """A note where labels have changed since the asking. Raises `RunError` where the cases have."""
    if said_hash(suite) != run.said_hash:
        raise RunError(
            f"The cases of {run.suite} are not those that were asked: some are new, gone or reworded. Name the "
            "suite that was asked with --suite, or run again (replies that were kept are not asked for again)."
        )
    if suite.hash == run.suite_hash:
        return None
    return (
        f"Asked with labels or rubric of {run.suite_hash[:12]}, graded with those of {suite.hash[:12]}; "
        "what was said is the same."
    )
