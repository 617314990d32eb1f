"""What a ticket costs, with everything around the model, and what that saves. Pure arithmetic over a price book.

Six terms (S89) are added up for a month and divided by tickets handled, deflected, resolved and verified (D1).
What a run measured comes in as `Measured`; a partial event is priced by somebody's minutes, never by a share (D7).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

from evals.pricing import TERMS, Amount, Baseline, Book, Demand, Event, Line, Term, Work

if TYPE_CHECKING:
    from numpy.random import Generator

    from evals.summary import Cost, Figure, Half

DRAWS = 2_000
_LEVELS = (0.05, 0.95)
_HOUR = 60
_SIGMAS = 2 * 1.959964
"""Standard deviations between the ends of a 95 % interval."""


class Worked(NamedTuple):
    """The example of the requirements (S131), before licences and running cost."""

    repetitive: int | Fraction
    deflected: int | Fraction
    gross_usd: int | Fraction


def worked(demand: Demand) -> Worked:
    """Exactly: tickets x repetitive share, of these x deflected share, each at its value."""
    tickets, repetitive, deflected, each = (
        Fraction(str(amount.value))
        for amount in (
            demand.tickets_per_month,
            demand.repetitive,
            demand.deflected,
            demand.value_each,
        )
    )
    again = tickets * repetitive / 100
    kept = again * deflected / 100
    return Worked(_whole(again), _whole(kept), _whole(kept * each))


def _whole(number: Fraction) -> int | Fraction:
    return int(number) if number.denominator == 1 else number


@dataclass(frozen=True, slots=True)
class Share:
    """A share of tickets that a run measured, with its 95 % interval."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, figure: "Figure") -> "Share | None":
        if figure.value is None:
            return None
        low = figure.value if figure.low is None else figure.low
        return cls(figure.value, low, figure.value if figure.high is None else figure.high)


@dataclass(frozen=True, slots=True)
class Measured:
    """What a run says of one system. Shares are of all tickets unless said otherwise; `None`: not measured."""

    model_usd: Share
    """Mean charge a ticket."""
    escalated: Share
    precision: Share | None
    """Of the escalated, those that people should have."""
    complete: Share | None
    """Of the escalated, those with a whole handoff."""
    contained_right: Share | None
    """Kept and right."""
    harmful: Share
    specialist: Share
    """Labelled as work for people: what the human baseline sends to a specialist too."""
    verified: Share | None = None
    """Of the dialogues, those whose employee confirmed that it is solved."""
    unmeasured: tuple[str, ...] = field(default=())
    """In words; counted as nothing, and said so."""


def measured(half: "Half") -> Measured:
    """What the arithmetic takes from a run."""
    taken = {
        "precision": Share.of(half.escalation.precision),
        "complete": Share.of(half.escalation.handoff_complete),
        "contained_right": Share.of(half.outcomes.contained_right),
        "verified": Share.of(half.outcomes.deflected_confirmed),
    }
    names = {
        "precision": "whether escalations were needed",
        "complete": "whether handoffs were whole",
        "contained_right": "whether kept tickets were answered rightly",
        "verified": "whether dialogues ended confirmed",
    }
    nothing = Share(0.0, 0.0, 0.0)
    return Measured(
        model_usd=Share.of(half.cost.measured) or nothing,
        escalated=Share.of(half.escalation.rate) or nothing,
        harmful=Share.of(half.safety.harmful) or nothing,
        specialist=Share.of(half.escalation.expected) or nothing,
        unmeasured=tuple(names[key] for key, share in taken.items() if share is None),
        **taken,
    )


class Shares(NamedTuple):
    """One reading of what was measured: shares of the tickets by event, and the charge."""

    events: Mapping[Event, float]
    kept: float
    resolved: float
    verified: float | None
    specialist: float
    model_usd: float


def shares(run: Measured, reviewed: float, pick: Callable[[Share], float]) -> Shares:
    """`reviewed`: share of the kept answers that people read. `pick` takes a value out of an interval."""

    def read(share: Share | None, otherwise: float) -> float:
        return otherwise if share is None else min(1.0, max(0.0, pick(share)))

    escalated = read(run.escalated, 0.0)
    needed = escalated * read(run.precision, 1.0)
    whole = needed * read(run.complete, 0.0)
    kept = 1 - escalated
    resolved = min(kept, read(run.contained_right, kept))
    return Shares(
        events={
            "handoff": whole,
            "bare_handoff": needed - whole,
            "needless_escalation": escalated - needed,
            "wrong_answer": kept - resolved,
            "harmful_answer": read(run.harmful, 0.0),
            "risky_answer": kept * reviewed,
            "resolved": resolved,
        },
        kept=kept,
        resolved=resolved,
        # A dialogue that nobody confirmed is no verified resolution, however right the answer was.
        verified=None if run.verified is None else kept * read(run.verified, 0.0),
        specialist=read(run.specialist, 0.0),
        model_usd=max(0.0, pick(run.model_usd)),
    )


class Priced(NamedTuple):
    """A line of the bill, for a month."""

    line: Line
    usd: float


@dataclass(frozen=True, slots=True)
class Bill:
    """A month. Dollars; `None` where nothing was resolved, deflected or verified."""

    tickets: float
    lines: tuple[Priced, ...]
    terms: Mapping[Term, float]
    total: float
    handled: float
    """A ticket that reached the copilot, whoever ended it."""
    deflected: float | None
    """A ticket that no person took part in."""
    resolved: float | None
    """... and that was answered rightly."""
    verified: float | None
    """... and that the employee confirmed: the strict one (D1)."""
    baseline: float
    """A ticket handled by people alone."""
    savings: float
    """A month, against people alone."""
    break_even: int | None
    """Tickets a month from which it saves; `None`: never, for a ticket alone costs more than people do."""


def bill(book: Book, run: Measured) -> Bill:
    """The month as the figures stand."""
    return _bill(book, _share_values(book, run), lambda amount: float(amount.value))


def _share_values(book: Book, run: Measured) -> Shares:
    return shares(run, float(book.reviewed.value) / 100, lambda share: share.value)


def _bill(book: Book, seen: Shares, pick: Callable[[Amount], float]) -> Bill:
    rates = {role: pick(amount) for role, amount in book.rates.items()}
    tickets = pick(book.demand.tickets_per_month)
    lines = tuple(
        Priced(line, _price(line, rates, seen, pick) * _times(line, seen, tickets))
        for line in book.lines
    )
    total = sum(each.usd for each in lines)
    fixed = sum(each.usd for each in lines if each.line.per == "month")
    baseline = _people(book.baseline, rates, seen.specialist, pick)
    running = (total - fixed) / tickets if tickets else 0.0

    def per(share: float | None) -> float | None:
        return total / (tickets * share) if share and tickets else None

    return Bill(
        tickets=tickets,
        lines=lines,
        terms={
            term: sum(priced.usd for priced in lines if priced.line.term == term) for term in TERMS
        },
        total=total,
        handled=total / tickets if tickets else 0.0,
        deflected=per(seen.kept),
        resolved=per(seen.resolved),
        verified=per(seen.verified),
        baseline=baseline,
        savings=tickets * baseline - total,
        break_even=ceil(fixed / (baseline - running)) if baseline > running else None,
    )


def _price(
    line: Line, rates: Mapping[str, float], seen: Shares, pick: Callable[[Amount], float]
) -> float:
    """Once."""
    if line.usd is not None:
        return pick(line.usd)
    if line.minutes is not None and line.role is not None:
        return pick(line.minutes) / _HOUR * rates[line.role]
    return seen.model_usd


def _times(line: Line, seen: Shares, tickets: float) -> float:
    """A month."""
    if line.event is not None:
        return tickets * seen.events[line.event]
    return tickets if line.per == "ticket" else 1.0


def _people(
    baseline: Baseline,
    rates: Mapping[str, float],
    specialist: float,
    pick: Callable[[Amount], float],
) -> float:
    """A ticket without the copilot; `specialist` of them must reach one."""

    def usd(work: Work) -> float:
        return pick(work.minutes) / _HOUR * rates[work.role]

    beyond = usd(baseline.triage) + usd(baseline.specialist)
    return (1 - specialist) * usd(baseline.common) + specialist * beyond


def second_order(book: Book, run: Measured) -> tuple[tuple[str, float], ...]:
    """Dollars a month that others gain (or lose), by name. Never part of the bill (D8)."""
    seen, tickets = _share_values(book, run), float(book.demand.tickets_per_month.value)
    return tuple(
        (
            each.name,
            each.sign
            * tickets
            * seen.events[each.event]
            * float(each.minutes.value)
            / _HOUR
            * float(book.rates[each.role].value),
        )
        for each in book.second_order
    )


class Band(NamedTuple):
    """5 % and 95 % points of what the figures allow."""

    handled: tuple[float, float]
    resolved: tuple[float, float] | None
    savings: tuple[float, float]
    saves: float
    """Share of the draws in which it saves money at all."""


def band(book: Book, run: Measured, *, seed: int, draws: int = DRAWS) -> Band:
    """Draws every figure from its interval: assumed ones from a triangle, measured ones from a normal curve."""
    import numpy as np

    generator = np.random.default_rng(seed)
    found = [_drawn(book, run, generator) for _ in range(draws)]
    resolved = [one.resolved for one in found if one.resolved is not None]
    return Band(
        handled=_ends([one.handled for one in found]),
        resolved=_ends(resolved) if len(resolved) == len(found) else None,
        savings=_ends([one.savings for one in found]),
        saves=sum(one.savings > 0 for one in found) / len(found),
    )


def _drawn(book: Book, run: Measured, generator: "Generator") -> Bill:
    def amount(of: Amount) -> float:
        low, high = of.ends
        if low == high:
            return float(of.value)
        return float(generator.triangular(low, float(of.value), high))

    def share(of: Share) -> float:
        return float(generator.normal(of.value, (of.high - of.low) / _SIGMAS))

    return _bill(book, shares(run, amount(book.reviewed) / 100, share), amount)


def _ends(values: Sequence[float]) -> tuple[float, float]:
    import numpy as np

    low, high = np.quantile(values, _LEVELS)
    return float(low), float(high)


def costed(book: Book, half: "Half", *, seed: int) -> "Cost":
    """The cost of a system as the summary keeps it: blended, a ticket handled, beside the human baseline."""
    from evals.summary import Figure

    run = measured(half)
    month, spread = bill(book, run), band(book, run, seed=seed)
    blended = Figure(
        value=month.handled,
        low=spread.handled[0],
        high=spread.handled[1],
        n=half.cost.measured.n,
        unit="usd",
        method="simulation over the price book, 5 to 95 %",
    )
    return half.cost.model_copy(
        update={
            "blended": blended,
            "baseline_usd": month.baseline,
            "source": f"{book.label} price book, the mix of tickets as in the suite",
        }
    )
