"""The economics section: the bill of each candidate, line by line, with where every figure comes from."""

from collections.abc import Iterator
from dataclasses import dataclass

from evals.economics import Bill, Measured, Priced, band, bill, measured, second_order, worked
from evals.pricing import Amount, Book
from evals.summary import System

_PER = {"month": "a month", "ticket": "a ticket", "event": "each time"}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the economics table."""

    name: str
    value: str
    basis: str
    """measured, entered or assumed, with the source."""
    share: float = 0.0
    """Dollars of the stacked bar; zero: not part of it."""


@dataclass(frozen=True, slots=True)
class Money:
    """The economics of one system."""

    system: str
    headline: str
    lines: tuple[Line, ...]
    """The bill of a month."""
    results: tuple[Line, ...]
    """Cost a ticket, baseline, savings, break-even, and the same for other desks."""
    notes: tuple[str, ...]


def money(book: Book, system: System, *, seed: int) -> Money:
    """What the report shows of one system."""
    run = measured(system.test)
    month = bill(book, run)
    return Money(
        system=system.name,
        headline=_headline(month),
        lines=tuple(_line(priced, book) for priced in month.lines),
        results=(*_results(book, run, month, seed), *_desks(book, run)),
        notes=tuple(_notes(book, run)),
    )


def _headline(month: Bill) -> str:
    strict = (
        "no ticket was confirmed as solved, so there is no cost of a verified resolution"
        if month.verified is None
        else f"a verified resolution costs {_usd(month.verified)}"
    )
    gain = "saves" if month.savings >= 0 else "costs"
    return (
        f"With {month.tickets:,.0f} tickets a month {strict}; a ticket handled costs {_usd(month.handled)} "
        f"beside {_usd(month.baseline)} by people alone, which {gain} {_usd(abs(month.savings))} a month"
        f"{'' if month.savings >= 0 else ' more'}."
    )


def _line(priced: Priced, book: Book) -> Line:
    line = priced.line
    amount = line.usd or line.minutes
    if amount is None:
        basis = f"measured: {line.source}"
    elif line.minutes is not None and line.role is not None:
        rate = book.rates[line.role]
        basis = (
            f"{amount.basis}: {amount.value:g} minutes {_PER[line.per]} of '{line.role}' at "
            f"{_usd(float(rate.value))} an hour; {amount.source}"
        )
        if line.event is not None:
            basis += (
                f"; measured: {priced.usd / _once(amount, rate):,.0f} times" if priced.usd else ""
            )
    else:
        basis = f"{amount.basis}: {amount.source}"
    return Line(f"{line.name} ({line.term})", _usd(priced.usd), basis, priced.usd)


def _once(minutes: Amount, rate: Amount) -> float:
    return float(minutes.value) / 60 * float(rate.value)


def _results(book: Book, run: Measured, month: Bill, seed: int) -> Iterator[Line]:
    spread = band(book, run, seed=seed)
    drawn = f"5 to 95 % of {_drawn(book)}"
    yield Line("Total of the month", _usd(month.total), "the sum of the lines of the bill below")
    for name, value, what in (
        ("A ticket handled", month.handled, "reached the copilot, whoever ended it"),
        ("A ticket deflected", month.deflected, "no person took part"),
        ("A ticket resolved", month.resolved, "no person took part, and the answer was right"),
        ("A verified resolution", month.verified, "and the employee confirmed it: the strict one"),
    ):
        yield Line(name, "none" if value is None else _usd(value), f"total divided by: {what}")
    yield Line(
        "Band of a ticket handled", f"{_usd(spread.handled[0])} to {_usd(spread.handled[1])}", drawn
    )
    yield Line("Human baseline, a ticket", _usd(month.baseline), "the same mix by people alone")
    yield Line("Savings a month", _usd(month.savings), "tickets times baseline, less the total")
    yield Line(
        "Band of the savings",
        f"{_usd(spread.savings[0])} to {_usd(spread.savings[1])}",
        f"{drawn}; it saves in {spread.saves:.0%} of the draws",
    )
    yield Line(
        "Break-even",
        "never" if month.break_even is None else f"{month.break_even:,} tickets a month",
        "where fixed cost is earned back; never: a ticket alone costs more than by people",
    )
    example = worked(book.demand)
    yield Line(
        "Gross value of the worked example",
        f"{example.deflected:,} tickets, {_usd(float(example.gross_usd))}",
        f"of {example.repetitive:,} repetitive tickets, before licences and running cost",
    )
    for name, usd in second_order(book, run):
        yield Line(name, _usd(usd), "beside the bill, never in it: second-order, assumed minutes")


def _drawn(book: Book) -> str:
    return f"draws over the intervals of the run and of the {book.label} price book"


def _desks(book: Book, run: Measured) -> Iterator[Line]:
    for scenario in book.scenarios:
        month = bill(book.under(scenario), run)
        even = "never" if month.break_even is None else f"{month.break_even:,} tickets a month"
        yield Line(
            f"Another desk: {scenario.name}",
            f"{_usd(month.handled)} beside {_usd(month.baseline)}",
            f"savings {_usd(month.savings)} a month, break-even {even}",
        )


def _notes(book: Book, run: Measured) -> Iterator[str]:
    yield (
        f"Prices are {book.label}: put your own into a copy of the price book and name it with --economics. "
        "The mix of tickets is that of the suite, which holds more privileged and hostile requests than a desk sees."
    )
    if run.unmeasured:
        yield f"Not measured in this run, and counted as nothing: {', '.join(run.unmeasured)}."


def _usd(value: float) -> str:
    sign = "-" if value < 0 else ""
    size = abs(value)
    return f"{sign}${size:,.2f}" if size < 1_000 else f"{sign}${size:,.0f}"  # noqa: PLR2004
