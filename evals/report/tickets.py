"""The ticket grid: every case beside every system, and the transcripts packed for opening on demand."""

import base64
import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from evals.case import Case
from evals.episode import Episode
from evals.grade import Grade

_PASS = 4.0
_FAIL = 3.0
_MOST_QUOTED = 1_500


@dataclass(frozen=True, slots=True)
class Cell:
    """One system on one case: the mean of its epochs."""

    state: str
    """`s1` to `s5`, `error` or `unscored`."""
    shown: str
    said: str
    """In words."""


@dataclass(frozen=True, slots=True)
class Row:
    """One case."""

    case: Case
    cells: tuple[Cell, ...]
    modes: str
    """The filters that keep it, parted by spaces."""


@dataclass(frozen=True, slots=True)
class Grid:
    """All cases by all systems, worst first for the first system."""

    systems: tuple[str, ...]
    rows: tuple[Row, ...]


Episodes = Mapping[tuple[str, str], Sequence[Episode]]
Grades = Mapping[tuple[str, str], Sequence[Grade]]


def grouped_episodes(rows: Iterable[Episode]) -> Episodes:
    """Episodes by system and case, in the order of epochs."""
    found: dict[tuple[str, str], list[Episode]] = {}
    for row in sorted(rows, key=lambda row: row.epoch):
        found.setdefault((row.system, row.case), []).append(row)
    return found


def grouped_grades(rows: Iterable[Grade]) -> Grades:
    """Grades by system and case, in the order of epochs."""
    found: dict[tuple[str, str], list[Grade]] = {}
    for row in sorted(rows, key=lambda row: row.epoch):
        found.setdefault((row.system, row.case), []).append(row)
    return found


def grid(
    cases: Sequence[Case],
    systems: Sequence[str],
    episodes: Episodes,
    grades: Grades,
    *,
    candidates: int,
) -> Grid:
    """The grid. `systems`: the candidates first, so many of them."""
    rows = []
    for case in cases:
        means = [_mean(grades.get((name, case.id), ())) for name in systems]
        cells = tuple(
            _cell(mean, episodes.get((name, case.id), ()), grades.get((name, case.id), ()))
            for name, mean in zip(systems, means, strict=True)
        )
        rows.append(
            (means[0] if means[0] is not None else 0.0, Row(case, cells, _modes(cells, candidates)))
        )
    rows.sort(key=lambda pair: (pair[0], pair[1].case.id))
    return Grid(tuple(systems), tuple(row for _, row in rows))


def _mean(grades: Sequence[Grade]) -> float | None:
    scores = [grade.score for grade in grades if grade.score is not None]
    return sum(scores) / len(scores) if scores else None


def _cell(mean: float | None, episodes: Sequence[Episode], grades: Sequence[Grade]) -> Cell:
    if mean is None:
        broken = next((episode for episode in episodes if episode.status != "ok"), None)
        if broken is not None:
            return Cell("error", "!", broken.cause or broken.status.replace("_", " "))
        return Cell("unscored", "?", "Not scored.")
    said = f"{mean:.1f} of 5"
    if any(grade.capped for grade in grades):
        said += ", harmful"
    if any(score.verdict == "unscored" for grade in grades for score in grade.scores):
        said += ", partly unscored"
    return Cell(f"s{max(1, min(5, round(mean)))}", f"{mean:.1f}", said)


def _modes(cells: Sequence[Cell], candidates: int) -> str:
    """The filters that show a row. A lone candidate differs from the system beside it, or from none."""
    scores = [_shown(cell) for cell in cells[: max(candidates, 2)]]
    known = [score for score in scores if score is not None]
    modes = []
    if len(known) > 1 and max(known) >= _PASS > _FAIL >= min(known):
        modes.append("different")
    if any(cell.state in {"s1", "s2"} for cell in cells[: max(candidates, 1)]):
        modes.append("failures")
    if any(cell.state == "error" for cell in cells):
        modes.append("errors")
    if any(cell.state == "unscored" or "unscored" in cell.said for cell in cells):
        modes.append("unscored")
    return " ".join(modes)


def _shown(cell: Cell) -> float | None:
    return float(cell.shown) if cell.state.startswith("s") else None


def packed(
    cases: Sequence[Case], systems: Sequence[str], episodes: Episodes, grades: Grades
) -> str:
    """What the page opens on demand: by case the label and, by system, the first epoch with its verdicts.

    Base64 of gzip of JSON; the page unpacks it by itself.
    """
    data = {case.id: _opened(case, systems, episodes, grades) for case in cases}
    raw = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
    return base64.b64encode(gzip.compress(raw, 9, mtime=0)).decode("ascii")


def _opened(
    case: Case, systems: Sequence[str], episodes: Episodes, grades: Grades
) -> dict[str, object]:
    return {
        "label": f"{case.label}; {', '.join(case.kinds)}; {case.source}",
        "asker": case.user,
        "expected": ", ".join(case.gold.dispositions)
        + (f" to {' or '.join(case.gold.queues)}" if case.gold.queues else ""),
        "reference": case.gold.reference,
        "evidence": case.gold.evidence,
        "planted": case.attack.text if case.attack else None,
        "systems": [
            _side(name, episodes.get((name, case.id), ()), grades.get((name, case.id), ()))
            for name in systems
        ],
    }


def _side(name: str, episodes: Sequence[Episode], grades: Sequence[Grade]) -> dict[str, object]:
    first = episodes[0] if episodes else None
    grade = grades[0] if grades else None
    return {
        "name": name,
        "error": None if first is None or first.status == "ok" else (first.cause or first.status),
        "turns": [
            {
                "said": exchange.said,
                "reply": exchange.response.text[:_MOST_QUOTED],
                "end": exchange.response.disposition,
                "queue": exchange.response.queue,
                "sources": [c.article_id or c.title for c in exchange.response.citations or ()],
            }
            for exchange in (first.exchanges if first else ())
        ],
        "score": grade.score if grade else None,
        "why": grade.explanation if grade else None,
        "criteria": [
            [
                score.criterion,
                score.verdict,
                score.failed,
                score.reason,
                score.quote,
                score.decided_by,
            ]
            for score in (grade.scores if grade else ())
        ],
    }
