"""Copies: between cases that are not declared to be kin, between the splits, and of what the product learns from."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from evals.case import Case
from evals.checks.line import Line, Product, judged
from evals.nearness import Copy, Limits, Texts
from evals.suite import Suite

if TYPE_CHECKING:
    from evals.nearness import Embed, Floats

_SHOWN = 160
"""Characters of a text in a finding."""
_SHARES = (0.5, 0.9, 0.95, 0.99, 1.0)


class _Written(NamedTuple):
    """A text of a case: what is said first, or what an attack plants."""

    case: Case
    text: str


def lines(suite: Suite, product: Product, embed: "Embed | None") -> Iterator[Line]:
    """Leakage between cases and splits, and from the product; by letters alone where nothing embeds."""
    written = list(_written(suite))
    bounds = suite.header.audit
    limits = Limits(bounds.alike_letters, bounds.alike_meaning)
    said = [each.text for each in written]
    ours = Texts(said, embed(said) if embed else None)
    yield _kin(suite)
    yield _between_cases(written, ours, limits)
    if product.taught:
        taught = [each.text for each in product.taught]
        theirs = Texts(taught, embed(taught) if embed else None)
        yield _of_the_product(written, ours, product, theirs, limits)
    if embed is None:
        told = "Copies were told by their letters alone: nothing embedded the texts."
        yield Line(check="embeddings", state="warning", told=told)


def _written(suite: Suite) -> Iterator[_Written]:
    """The opening of every case; later turns answer what was said before, and anybody says those."""
    for case in suite.cases:
        yield _Written(case, case.turns[0].text)
        if case.attack and case.attack.text:
            yield _Written(case, case.attack.text)


def _kin(suite: Suite) -> Line:
    """Twins and pairs stand in one split, and a pair has two sides."""
    faults = []
    sides: dict[str, list[Case]] = {}
    for case in suite.cases:
        clean = suite.by_id.get(case.twin_of or "")
        if clean is not None and clean.split != case.split:
            faults.append(
                f"{case.id}: it is in {case.split}, its twin {clean.id} in {clean.split}. Move one."
            )
        if case.pair:
            sides.setdefault(case.pair, []).append(case)
    for pair, cases in sides.items():
        ids = ", ".join(case.id for case in cases)
        if len(cases) == 1:
            faults.append(f"{ids}: pair '{pair}' has no other side. Write it, or take `pair` out.")
        elif len({case.split for case in cases}) > 1:
            faults.append(f"{ids}: pair '{pair}' stands in both splits. Move one side.")
    twins = sum(case.twin_of is not None for case in suite.cases)
    well = f"{len({case.family for case in suite.cases})} families, {twins} twins and {len(sides)} pairs, each in one split."
    return judged("splits", faults, well, f"Twins or pairs that are torn apart: {len(faults)}.")


def _between_cases(written: Sequence[_Written], ours: Texts, limits: Limits) -> Line:
    found = [
        (written[copy.one], written[copy.other], copy)
        for copy in ours.copies(ours, limits)
        if copy.one < copy.other and not _declared(written[copy.one].case, written[copy.other].case)
    ]
    found.sort(key=lambda each: each[0].case.split == each[1].case.split)
    faults = [
        f"{one.case.id} ({one.case.split}) and {other.case.id} ({other.case.split}), {_near(copy)}: "
        f'"{_short(one.text)}" / "{_short(other.text)}". Rewrite one, or declare them twins, a pair or a family.'
        for one, other, copy in found
    ]
    across = sum(one.case.split != other.case.split for one, other, _ in found)
    nearest = _nearest(ours, ours, [each.case.family for each in written])
    well = f"No two of {len(written)} texts are copies but where they are declared kin.{nearest}"
    ill = f"Pairs of cases that are copies: {len(found)}, across the splits: {across}.{nearest}"
    return judged("leakage", faults, well, ill)


def _declared(one: Case, other: Case) -> bool:
    """Whether two texts may be alike; what must not be in both splits is the business of another check."""
    return (
        one.family == other.family
        or one.id == other.twin_of
        or other.id == one.twin_of
        or (one.pair is not None and one.pair == other.pair)
    )


def _of_the_product(
    written: Sequence[_Written], ours: Texts, product: Product, theirs: Texts, limits: Limits
) -> Line:
    """Each case once, with the text of the product that is nearest to it."""
    worst: dict[str, tuple[_Written, Copy]] = {}
    for copy in theirs.copies(ours, limits):
        each = written[copy.one]
        known = worst.get(each.case.id)
        if known is None or _strength(copy) > _strength(known[1]):
            worst[each.case.id] = each, copy
    faults = [
        f'{each.case.id} ({each.case.split}), {_near(copy)}: "{_short(each.text)}" / '
        f'"{_short(theirs.texts[copy.other])}" ({product.taught[copy.other].origin}). Rewrite the case.'
        for each, copy in sorted(worst.values(), key=lambda found: -_strength(found[1]))
    ]
    nearest = _nearest(ours, theirs, None)
    number = len(product.taught)
    well = f"No case copies one of the {number} texts that the product learns from.{nearest}"
    ill = f"Cases that copy one of the {number} texts that the product learns from: {len(faults)}.{nearest}"
    return judged("copies of the product", faults, well, ill)


def _strength(copy: Copy) -> float:
    return max(copy.letters, copy.cosine or 0.0)


def _near(copy: Copy) -> str:
    meaning = "" if copy.cosine is None else f", cosine {copy.cosine:.2f}"
    return f"letters {copy.letters:.2f}{meaning}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…"


def _nearest(ours: Texts, theirs: Texts, families: Sequence[str] | None) -> str:
    """How near the nearest text is, in quantiles, so that the bound can be judged; texts of a family don't count."""
    if ours.vectors is None or theirs.vectors is None:
        return ""
    import numpy as np

    cosines = _unlike(ours.vectors @ theirs.vectors.T, families)
    nearest = np.quantile(cosines.max(axis=1), _SHARES)
    shown = ", ".join(
        f"{share:.0%} {value:.2f}" for share, value in zip(_SHARES, nearest, strict=True)
    )
    return f" Cosine of the nearest one, by share of the texts: {shown}."


def _unlike(cosines: "Floats", families: Sequence[str] | None) -> "Floats":
    import numpy as np

    if families is None:
        return cosines
    names = np.array(families)
    return np.where(names[:, None] == names[None, :], np.float32(-1), cosines)
