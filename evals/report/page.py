"""The report: one HTML file, nothing fetched, from a run folder."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from evals.case import DIMENSIONS, Case
from evals.episode import Episode
from evals.grade import Grade
from evals.report import plots, words
from evals.report.money import Money
from evals.report.tickets import grid, grouped_episodes, grouped_grades, packed
from evals.summary import Comparison, Difference, Summary, System

_WORST = 20


@dataclass(frozen=True, slots=True)
class Run:
    """Everything that a report shows."""

    summary: Summary
    cases: Sequence[Case]
    episodes: Sequence[Episode]
    grades: Sequence[Grade]
    money: Sequence[Money] = ()
    audit: tuple[str, ...] = ()
    """Findings of the knowledge audit."""


def html(run: Run) -> str:
    """The page. The same run gives the same bytes."""
    summary = run.summary
    names = [system.name for system in summary.systems]
    episodes, grades = grouped_episodes(run.episodes), grouped_grades(run.grades)
    candidates = [system for system in summary.systems if system.role == "candidate"]
    template = _environment().get_template("report.html.j2")
    return template.render(
        summary=summary,
        head=summary.systems[0] if summary.systems else None,
        candidates=candidates,
        calibrating=[system for system in summary.systems if system.role == "calibrating"],
        forest=_forest(summary.comparisons),
        money=run.money,
        bars={each.system: _bar(each) for each in run.money},
        audit=run.audit,
        dimensions=DIMENSIONS,
        heat=_heat(summary.systems),
        grid=grid(run.cases, names, episodes, grades, candidates=len(candidates)),
        worst={system.name: system.worst[:_WORST] for system in summary.systems},
        packed=packed(run.cases, names, episodes, grades),
        embedded=_embedded(summary),
        style=Markup(_asset("report.css")),  # noqa: S704  # our own file
        script=Markup(_asset("report.js")),  # noqa: S704  # our own file
    )


def write(run: Run, file: Path) -> None:
    """Writes the page."""
    file.write_text(html(run), "utf-8")


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("evals.report"),
        autoescape=select_autoescape(["j2", "html"], default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "figure": words.figure,
        "interval": words.interval,
        "basis": words.basis,
        "plain": words.plain,
        "signed": words.signed,
        "number": words.number,
    }
    return environment


def _asset(name: str) -> str:
    return resources.files("evals.report").joinpath("templates", name).read_text("utf-8")


def _embedded(summary: Summary) -> Markup:
    """The figures as JSON inside the page, so that the file itself can be read again."""
    text = json.dumps(summary.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":"))
    safe = text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return Markup(safe)  # noqa: S704  # no tag can end the script it stands in


def _forest(comparisons: Sequence[Comparison]) -> Markup:
    rows = [
        plots.Whisker(
            label=comparison.system,
            value=primary.delta,
            low=primary.low,
            high=primary.high,
            verdict=primary.verdict,
            said=_said(comparison.system, primary),
        )
        for comparison in comparisons
        for primary in (comparison.primary,)
        if primary.delta is not None and primary.low is not None and primary.high is not None
    ]
    margin = comparisons[0].primary.margin if comparisons else 0.1
    return plots.forest(rows, margin, "Paired differences in the weighted score")


def _said(system: str, primary: Difference) -> str:
    delta = words.signed(primary.delta, primary.unit)
    return f"{system} {delta}, {primary.verdict}"


def _bar(money: Money) -> Markup:
    parts = [
        plots.Part(line.name, line.share, f"{line.name} {line.value}")
        for line in money.lines
        if line.share > 0
    ]
    return plots.stacked(parts, f"A month of {money.system} by component")


def _heat(systems: Sequence[System]) -> Mapping[str, Sequence[tuple[str, object]]]:
    """Score of each system by category, for the heat map."""
    found: dict[str, list[tuple[str, object]]] = {}
    for system in systems:
        for breakdown in system.breakdowns:
            if breakdown.by == "category":
                for piece in breakdown.slices:
                    found.setdefault(piece.name, []).append((system.name, piece))
    return found
