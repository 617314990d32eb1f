"""What one check found, and what the product is to a check."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from evals.case import Value
from evals.sources import Article

State = Literal["ok", "warning", "error"]


class Line(Value):
    """One check."""

    check: str
    state: State
    told: str
    """What was found, in a sentence."""
    details: tuple[str, ...] = ()
    """What is wrong, one by one, with what to do."""


class Taught(NamedTuple):
    """A text that the product learns from, or a title of an article."""

    text: str
    origin: str


@dataclass(frozen=True, slots=True)
class Product:
    """What a suite is held against: the articles that are served, the company's labels, what the product has seen."""

    articles: tuple[Article, ...] = ()
    labels: tuple[str, ...] = ()
    """Every category.subcategory; empty: not known."""
    taught: tuple[Taught, ...] = ()


def judged(check: str, faults: Sequence[str], well: str, ill: str) -> Line:
    """An error where there are faults; `well` and `ill` say what was found."""
    if faults:
        return Line(check=check, state="error", told=ill, details=tuple(faults))
    return Line(check=check, state="ok", told=well)
