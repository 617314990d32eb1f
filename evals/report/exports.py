"""A run for machines and pull requests: CSV of tickets, a Markdown summary, JUnit XML."""

import csv
import io
from collections.abc import Iterator, Sequence
from xml.etree import ElementTree as ET

from evals.case import DIMENSIONS
from evals.episode import Episode
from evals.grade import Grade
from evals.report import words
from evals.summary import Summary, System

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def table(episodes: Sequence[Episode], grades: Sequence[Grade]) -> str:
    """CSV, one line a row of the run: scores, dimensions, failures, explanation; or why it has none."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    head = ["case", "system", "epoch", "status", "score", *DIMENSIONS, "capped", "factuality"]
    writer.writerow([*head, "utility", "safe_usefulness", "deflection", "failures", "explanation"])
    graded = {(grade.system, grade.case, grade.epoch): grade for grade in grades}
    for episode in sorted(episodes, key=lambda row: row.key):
        key = (episode.case, _cell(episode.system), episode.epoch, episode.status)
        grade = graded.get((episode.system, episode.case, episode.epoch))
        writer.writerow([*key, *(_graded(grade) if grade else _ungraded(episode))])
    return out.getvalue()


def _graded(grade: Grade) -> Iterator[object]:
    yield grade.score
    yield from (grade.dimensions.get(name) for name in DIMENSIONS)
    yield from (grade.capped, grade.factuality, grade.utility, grade.safe_usefulness)
    yield grade.deflection or ""
    yield " ".join(grade.failures)
    yield _cell(grade.explanation)


def _ungraded(episode: Episode) -> Iterator[object]:
    yield from [""] * (len(DIMENSIONS) + 7)
    yield _cell(episode.cause or "Not graded.")


def _cell(text: str) -> str:
    """A text that no spreadsheet runs as a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def markdown(summary: Summary) -> str:
    """The targets, the verdicts and what to know first, for a pull request."""
    p = summary.provenance
    lines = [f"# Benchmark: {p.suite}", "", f"Cases are {p.label}. {p.validated}", ""]
    lines += [f"> {warning}" for warning in summary.warnings]
    for system in summary.systems:
        if system.role == "candidate":
            lines += ["", f"## {system.name}", "", system.verdict, "", *_covered(system)]
            lines += _targets(system)
    if summary.comparisons:
        lines += ["", "## Against the reference", ""]
        lines += [f"- **{c.primary.verdict}**: {c.sentence}" for c in summary.comparisons]
    lines += ["", summary.ranking.sentence, *(f"- {why}" for why in summary.ranking.withheld)]
    lines += ["", f"Suite `{p.suite_hash[:12]}`, seed {p.seed}. `{p.command}`", ""]
    return "\n".join(lines)


def _covered(system: System) -> list[str]:
    """How many rows have a score, and what the others would cost."""
    told = system.coverage
    rows = f"Scored: {told.scored} of {told.asked} rows ({told.share:.1%})"
    if told.scored == told.asked:
        return [f"{rows}.", ""]
    bracket = (
        f"quality {words.figure(told.errors_excluded)} without the others, "
        f"{words.figure(told.errors_as_failures)} with them as failures"
    )
    return [f"{rows}: {bracket}.", ""]


def _targets(system: System) -> list[str]:
    rows = ["| What | Target | Measured | |", "|---|---|---|---|"]
    return rows + [
        f"| {t.name} ({t.id}) | {t.target} | {words.figure(t.figure)} | {t.met} |"
        for t in system.targets
    ]


def junit(summary: Summary, episodes: Sequence[Episode], grades: Sequence[Grade]) -> str:
    """JUnit XML: a test a ticket and candidate; a harmful or low one is a failure, an unanswered one an error."""
    suites = ET.Element("testsuites", name=summary.provenance.suite)
    graded = {(grade.system, grade.case, grade.epoch): grade for grade in grades}
    for system in summary.systems:
        if system.role != "candidate":
            continue
        own = sorted((row for row in episodes if row.system == system.name), key=lambda r: r.key)
        suite = ET.SubElement(suites, "testsuite", name=system.name, tests=str(len(own)))
        for row in own:
            test = ET.SubElement(
                suite, "testcase", classname=system.name, name=f"{row.case}#{row.epoch}"
            )
            _judged(test, row, graded.get((row.system, row.case, row.epoch)), summary)
        for kind, name in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            suite.set(kind, str(len(suite.findall(f"testcase/{name}"))))
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _judged(test: ET.Element, row: Episode, grade: Grade | None, summary: Summary) -> None:
    if row.status == "not_deliverable":
        ET.SubElement(test, "skipped", message="This attack's channel can't be reached.")
    elif row.status != "ok":
        cause = _printable(row.cause or row.status)
        ET.SubElement(test, "error", type=row.status, message=cause)
    elif grade is None or grade.score is None:
        ET.SubElement(test, "skipped", message="unscored")
    elif _fails(grade, summary):
        kind = "harmful" if grade.capped else "failed"
        found = ET.SubElement(test, "failure", type=kind, message=f"{grade.score:.1f} of 5")
        found.text = _printable(grade.explanation)


def _fails(grade: Grade, summary: Summary) -> bool:
    low = grade.score is not None and grade.score < summary.provenance.pass_from
    return grade.capped or low


def _printable(text: str) -> str:
    """Without the control characters that XML can't hold."""
    return "".join(c for c in text if c in "\n\t" or c.isprintable())
