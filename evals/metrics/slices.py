"""The same system by properties of the cases. Exploratory: intervals, shrinkage, no tests."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from evals.case import Case
from evals.metrics.cells import Cell, View
from evals.metrics.figures import figure, total
from evals.stats import Estimate, resampling, shrunk
from evals.summary import Breakdown, By, Contexts, Figure, Slice, Twins

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_PROPERTIES: dict[By, Callable[[Case], Sequence[str]]] = {
    "category": lambda case: (case.category,),
    "kind": lambda case: case.kinds,
    "tone": lambda case: (case.tone,),
    "noise": lambda case: (case.noise,),
    "language": lambda case: (case.language,),
    "length": lambda case: (case.length,),
    "urgency": lambda case: (case.urgency,),
    "channel": lambda case: (case.channel,),
}


def breakdowns(view: View, dev: View | None, demand: Mapping[str, float]) -> tuple[Breakdown, ...]:
    """By every property, on the headline split; by split with both."""
    found = [
        Breakdown(by=by, slices=tuple(_slices(view, by, property_, demand)))
        for by, property_ in _PROPERTIES.items()
    ]
    both = [("test", view), *([("dev", dev)] if dev else [])]
    sides = tuple(_slice(name, _all(half), half, None) for name, half in both)
    return (*found, Breakdown(by="split", slices=sides))


def _slices(
    view: View, by: By, property_: Callable[[Case], Sequence[str]], demand: Mapping[str, float]
) -> Iterator[Slice]:
    names = sorted({name for case in view.cases for name in property_(case)})
    masks = {name: [name in property_(case) for case in view.cases] for name in names}
    estimates = [_mean(view, masks[name]) for name in names]
    whole = view.draws.mean(view.scores).value
    drawn = _drawn_in(estimates, whole)
    for name, small in zip(names, drawn, strict=True):
        one = _slice(name, masks[name], view, demand.get(name) if by == "category" else None)
        yield one.model_copy(update={"shrunk": None if small is None else round(small, 8)})


def _drawn_in(estimates: Sequence[Estimate], whole: float | None) -> tuple[float | None, ...]:
    if whole is None:
        return tuple(None for _ in estimates)
    known = [e.value if e.value is not None else whole for e in estimates]
    return shrunk(known, [e.error if e.value is not None else None for e in estimates], whole)


def _slice(name: str, mask: Sequence[bool], view: View, demand: float | None) -> Slice:
    held = [row for row, inside in zip(view.cells, mask, strict=True) if inside]
    return Slice(
        name=name,
        n=len(held),
        demand=demand,
        score=figure(_mean(view, mask), "score"),
        shrunk=None,
        passed=_share(view, mask, lambda cell: cell.passed if cell.status == "ok" else None),
        escalated=_share(view, mask, lambda cell: cell.escalated if cell.answered else None),
        harmful=sum(any(cell.harmful for cell in row) for row in held),
    )


def _all(view: View) -> list[bool]:
    return [True] * len(view.cases)


def _mean(view: View, mask: Sequence[bool]) -> Estimate:
    return view.draws.student(_inside(view.scores, mask))


def _share(view: View, mask: Sequence[bool], value: Callable[[Cell], bool | None]) -> Figure:
    column = view.column(lambda cell: None if (held := value(cell)) is None else float(held))
    return figure(view.draws.rate(_inside(column, mask)), "rate")


def _inside(column: "Floats", mask: Sequence[bool]) -> "Floats":
    import numpy as np

    return np.where(mask, column, np.nan)


def twins(view: View) -> Twins | None:
    """Clean cases against their noisy twins, every pair alike; `None` without a pair in the split."""
    import numpy as np

    place = {case.id: number for number, case in enumerate(view.cases)}
    pairs = [(place[c.twin_of], place[c.id]) for c in view.cases if c.twin_of in place]
    scored = [p for p in pairs if not np.isnan(view.scores[list(p)]).any()]
    if not scored:
        return None
    clean, noisy = (view.scores[[pair[side] for pair in scored]] for side in (0, 1))
    families = [view.cases[pair[0]].family for pair in scored]
    draws = resampling(["all"] * len(scored), families, seed=view.draws.seed)
    return Twins(
        pairs=len(scored),
        clean=figure(draws.mean(clean), "score"),
        noisy=figure(draws.mean(noisy), "score"),
        gap=figure(draws.mean(clean - noisy), "score"),
    )


def contexts(view: View) -> Contexts | None:
    """Pairs of the same words: right only if every side passes in every epoch."""
    sides: dict[str, list[bool | None]] = {}
    families: dict[str, str] = {}
    for case, row in zip(view.cases, view.cells, strict=True):
        if case.pair:
            scored = [cell for cell in row if cell.status == "ok"]
            right = all(cell.passed for cell in scored) if scored else None
            sides.setdefault(case.pair, []).append(right)
            families[case.pair] = case.family
    whole = {
        pair: all(rights)
        for pair, rights in sides.items()
        if len(rights) > 1 and None not in rights
    }
    if not whole:
        return None
    column, names = _column(whole.values()), [families[pair] for pair in whole]
    draws = resampling(["all"] * len(whole), names, seed=view.draws.seed)
    wrong = tuple(pair for pair, both in whole.items() if not both)
    share = figure(draws.rate(column), "rate", events=total(column))
    return Contexts(pairs=len(whole), right_on_both=share, wrong=wrong)


def _column(values: Iterable[bool]) -> "Floats":
    import numpy as np

    return np.array([float(value) for value in values])
