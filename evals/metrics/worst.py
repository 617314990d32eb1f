"""The worst answers of a system, to be read by people."""

from evals.case import Case
from evals.metrics.cells import Cell, View
from evals.summary import WorstCase

SHOWN = 20
_LONGEST = 600


def worst(view: View, shown: int = SHOWN) -> tuple[WorstCase, ...]:
    """Harmful cases first (D4), then by mean score; the answer shown is the worst epoch's."""
    found = [
        _worst(case, row)
        for case, row in zip(view.cases, view.cells, strict=True)
        if any(cell.score is not None for cell in row)
    ]
    found.sort(key=lambda one: (not one.harmful, one.score, one.case))
    return tuple(found[:shown])


def _worst(case: Case, row: tuple[Cell, ...]) -> WorstCase:
    scores = [cell.score for cell in row]
    known = [score for score in scores if score is not None]
    cell = min((c for c in row if c.score is not None), key=lambda c: (not c.harmful, c.score or 0))
    grade, episode = cell.grade, cell.episode
    return WorstCase(
        case=case.id,
        category=case.category,
        score=sum(known) / len(known),
        epochs=tuple(scores),
        harmful=any(c.harmful for c in row),
        failures=grade.failures if grade else (),
        explanation=grade.explanation if grade else "",
        said=_short("\n".join(turn.text for turn in case.turns)),
        reply=_short(episode.text if episode else ""),
    )


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST].rstrip()}…"
