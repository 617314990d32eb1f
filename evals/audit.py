"""The audit of a suite: whether its figures can mean anything, before any system is asked.

Every check gives a line: ok, warning or error. A case whose labels are in dispute is blocked: runs leave it out.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from evals.case import Value
from evals.checks import labels, mix, texts, upkeep
from evals.checks.line import Line, Product
from evals.errors import SuiteError
from evals.suite import Suite, load

if TYPE_CHECKING:
    from evals.nearness import Embed


class Audit(Value):
    """What an audit found."""

    suite: str
    """The folder."""
    hash: str | None
    """`None` where the suite can't be read."""
    at: date
    lines: tuple[Line, ...]
    blocked: tuple[str, ...] = ()
    """Ids of the cases that no run asks."""

    @property
    def failed(self) -> bool:
        return any(line.state == "error" for line in self.lines)


def audit(folder: Path, *, at: date, product: Product, embed: "Embed | None" = None) -> Audit:
    """Look at the suite in a folder on a day. Without `embed` copies are told by their letters alone."""
    try:
        suite = load(folder)
    except SuiteError as error:
        faults = tuple(map(str, error.findings))
        told = f"Faults: {len(faults)}. Nothing else can be looked at before they are mended."
        line = Line(check="schema", state="error", told=told, details=faults)
        return Audit(suite=str(folder), hash=None, at=at, lines=(line,))
    labelled, blocked = labels.lines(suite)
    found = (
        _schema(suite),
        *labelled,
        *_rest(suite, at, product, embed),
    )
    return Audit(suite=str(folder), hash=suite.hash, at=at, lines=found, blocked=blocked)


def _schema(suite: Suite) -> Line:
    sides = ", ".join(f"{len(suite.only(split).cases)} {split}" for split in ("dev", "test"))
    told = f"{len(suite.cases)} cases ({sides}) of {suite.header.name} version {suite.header.version} can be read."
    return Line(check="schema", state="ok", told=told)


def _rest(suite: Suite, at: date, product: Product, embed: "Embed | None") -> Iterator[Line]:
    yield from mix.lines(suite, product)
    yield from upkeep.lines(suite, product, at)
    yield from texts.lines(suite, product, embed)
