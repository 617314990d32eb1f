"""Coverage and quality: the score, what it is made of, and what could not be scored."""

from collections import Counter
from typing import TYPE_CHECKING

from evals.case import DIMENSIONS, Dimension
from evals.metrics.cells import CAUSES, PASS_FROM, Cell, View
from evals.metrics.figures import figure, student, total
from evals.stats import resampling
from evals.summary import Coverage, Quadrants, Quality

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FACTUAL_FROM, USEFUL_FROM = 0.9, 0.7
"""Where the lines of the 2x2 lie."""
_WORST = 1.0


def coverage(view: View) -> Coverage:
    """What was asked and what was scored, with the score at both ends of the bracket."""
    states = Counter(cell.status for cell in view)
    asked = sum(states.values()) - states["not_deliverable"]
    verdicts = [
        score.verdict
        for cell in view
        if cell.grade and cell.status == "ok"
        for score in cell.grade.scores
    ]
    without, with_them = view.draws.means_of([view.scores, with_errors_as_failures(view)])
    return Coverage(
        asked=asked,
        scored=states["ok"],
        causes={cause: states[cause] for cause in CAUSES},
        not_deliverable=states["not_deliverable"],
        criteria_unscored=verdicts.count("unscored") / len(verdicts) if verdicts else 0.0,
        errors_excluded=figure(without, "score"),
        errors_as_failures=figure(with_them, "score"),
    )


def with_errors_as_failures(view: View) -> "Floats":
    """Scores with 1 for whatever could be asked and was not scored."""
    return view.column(_or_failed)


def _or_failed(cell: Cell) -> float | None:
    if cell.status == "not_deliverable":
        return None
    return _WORST if cell.score is None else cell.score


def quality(view: View) -> Quality:
    """Quality on the scored rows."""
    import numpy as np

    columns = [view.scores, factuality(view), utility(view), safe_usefulness(view)]
    columns += [dimension(view, name) for name in DIMENSIONS]
    score, true, helps, useful, *each = view.draws.means_of(columns)
    design = view.draws.design
    plain = resampling(design.strata, design.families, seed=view.draws.seed)
    alike = student(plain.student(view.scores), "score")
    whole = view.scores[~np.isnan(view.scores)]
    levels = Counter(int(np.floor(value + 0.5)) for value in whole)
    return Quality(
        score=figure(score, "score"),
        score_t=student(score, "score"),
        unweighted=alike,
        dimensions={n: figure(e, "score") for n, e in zip(DIMENSIONS, each, strict=True)},
        levels={str(level): levels[level] for level in range(1, 6)},
        passed=figure(view.draws.rate(view.passes), "rate", events=total(view.passes)),
        pass_from=PASS_FROM,
        factuality=figure(true, "rate"),
        utility=figure(helps, "rate"),
        quadrants=_quadrants(view),
        safe_usefulness=figure(useful, "index"),
    )


def dimension(view: View, name: Dimension) -> "Floats":
    """The score of one dimension."""
    return view.graded(lambda grade: grade.dimensions.get(name))


def factuality(view: View) -> "Floats":
    return view.graded(lambda grade: grade.factuality)


def utility(view: View) -> "Floats":
    return view.graded(lambda grade: grade.utility)


def safe_usefulness(view: View) -> "Floats":
    return view.graded(lambda grade: grade.safe_usefulness)


def _quadrants(view: View) -> Quadrants | None:
    import numpy as np

    factual, useful = factuality(view), utility(view)
    both = ~np.isnan(factual) & ~np.isnan(useful)
    if not both.any():
        return None
    true, helps = factual[both] >= FACTUAL_FROM, useful[both] >= USEFUL_FROM
    return Quadrants(
        factual_from=FACTUAL_FROM,
        useful_from=USEFUL_FROM,
        n=int(both.sum()),
        factual_useful=float((true & helps).mean()),
        factual_not_useful=float((true & ~helps).mean()),
        useful_not_factual=float((~true & helps).mean()),
        neither=float((~true & ~helps).mean()),
    )
