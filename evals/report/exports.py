"""A run for machines and pull requests: CSV of tickets, a Markdown summary, JUnit XML."""

import csv
import io
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from evals.case import DIMENSIONS
from evals.grade import Grade
from evals.report import words
from evals.summary import Summary, System

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def table(grades: Sequence[Grade]) -> str:
    """CSV, one line a graded row: scores, dimensions, failures, explanation."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    head = ["case", "system", "epoch", "score", *DIMENSIONS, "capped", "factuality", "utility"]
    writer.writerow([*head, "safe_usefulness", "deflection", "failures", "explanation"])
    for grade in sorted(grades, key=lambda g: (g.system, g.case, g.epoch)):
        figures = [grade.score, *(grade.dimensions.get(name) for name in DIMENSIONS)]
        writer.writerow(
            [
                grade.case,
                _cell(grade.system),
                grade.epoch,
                *figures,
                grade.capped,
                grade.factuality,
                grade.utility,
                grade.safe_usefulness,
                grade.deflection or "",
                " ".join(grade.failures),
                _cell(grade.explanation),
            ]
        )
    return out.getvalue()


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
            lines += ["", f"## {system.name}", "", system.verdict, "", *_targets(system)]
    if summary.comparisons:
        lines += ["", "## Against the reference", ""]
        lines += [f"- **{c.primary.verdict}**: {c.sentence}" for c in summary.comparisons]
    lines += ["", summary.ranking.sentence, *(f"- {why}" for why in summary.ranking.withheld)]
    lines += ["", f"Suite `{p.suite_hash[:12]}`, seed {p.seed}. `{p.command}`", ""]
    return "\n".join(lines)


def _targets(system: System) -> list[str]:
    rows = ["| What | Target | Measured | |", "|---|---|---|---|"]
    return rows + [
        f"| {t.name} ({t.id}) | {t.target} | {words.figure(t.figure)} | {t.met} |"
        for t in system.targets
    ]


def junit(summary: Summary, grades: Sequence[Grade]) -> str:
    """JUnit XML: a test a ticket and candidate; a harmful or failed one is a failure."""
    suites = ET.Element("testsuites", name=summary.provenance.suite)
    for system in summary.systems:
        if system.role != "candidate":
            continue
        own = sorted(
            (g for g in grades if g.system == system.name), key=lambda g: (g.case, g.epoch)
        )
        failed = [grade for grade in own if _fails(grade, summary)]
        suite = ET.SubElement(
            suites, "testsuite", name=system.name, tests=str(len(own)), failures=str(len(failed))
        )
        for grade in own:
            test = ET.SubElement(
                suite, "testcase", classname=system.name, name=f"{grade.case}#{grade.epoch}"
            )
            if grade.score is None:
                ET.SubElement(test, "skipped", message="unscored")
            elif _fails(grade, summary):
                kind = "harmful" if grade.capped else "failed"
                found = ET.SubElement(test, "failure", type=kind, message=f"{grade.score:.1f} of 5")
                found.text = _printable(grade.explanation)
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _fails(grade: Grade, summary: Summary) -> bool:
    return grade.score is not None and (grade.capped or grade.score < summary.provenance.pass_from)


def _printable(text: str) -> str:
    """Without the control characters that XML can't hold."""
    return "".join(c for c in text if c in "\n\t" or c.isprintable())
