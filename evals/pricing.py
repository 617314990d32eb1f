"""The price book: every figure of the cost arithmetic that no run measures, with its source.

One YAML file; the shipped one is `economics.yaml`. A company copies it, puts in its own, and names it.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self, get_args

from pydantic import Field, StrictFloat, StrictInt, StrictStr, ValidationError, model_validator

from evals.case import Value
from evals.documents import DocumentError, unambiguous
from evals.errors import Finding, SuiteError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

SHIPPED = Path(__file__).with_name("economics.yaml")
Basis = Literal["measured", "entered", "assumed"]
Term = Literal["model", "orchestration", "retrieval", "qa", "support", "compliance"]
"""The six terms of the formula (S89)."""
TERMS: tuple[Term, ...] = get_args(Term)
Event = Literal[
    "handoff",
    "bare_handoff",
    "needless_escalation",
    "wrong_answer",
    "harmful_answer",
    "risky_answer",
    "resolved",
]
"""What a run counts, as a share of the tickets."""
_PERCENT = 100
_Amount = Annotated[StrictInt | StrictFloat, Field(ge=0, allow_inf_nan=False)]


class Amount(Value):
    """A figure, how far off it may be, and why it stands here."""

    value: _Amount
    low: _Amount | None = None
    """The 5 % point; `value` where there is none."""
    high: _Amount | None = None
    """The 95 % point."""
    unit: Literal["tickets", "percent", "usd", "usd_per_hour", "minutes"] | None = None
    basis: Basis
    source: StrictStr = Field(min_length=3)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        low, high = self.ends
        if not low <= self.value <= high:
            raise ValueError(
                f"low {low}, value {self.value} and high {high} must rise in this order"
            )
        if self.unit == "percent" and high > _PERCENT:
            raise ValueError(f"{high} % is more than everything; a percentage ends at 100")
        return self

    @property
    def ends(self) -> tuple[float, float]:
        return (
            self.value if self.low is None else self.low,
            self.value if self.high is None else self.high,
        )


class Demand(Value):
    """How much comes in, and the value that the worked example puts on it."""

    tickets_per_month: Amount
    repetitive: Amount
    deflected: Amount
    value_each: Amount


class Work(Value):
    """Somebody's minutes."""

    minutes: Amount
    role: StrictStr


class Baseline(Value):
    """A ticket handled by people alone."""

    common: Work
    triage: Work
    """Beside `specialist`, for a ticket that must reach one."""
    specialist: Work


class Line(Value):
    """One line of the bill: dollars or somebody's minutes, for a month, a ticket or an event."""

    id: StrictStr
    term: Term
    name: StrictStr
    per: Literal["month", "ticket", "event"]
    event: Event | None = None
    role: StrictStr | None = None
    usd: Amount | None = None
    minutes: Amount | None = None
    usage: Literal["model_charge"] | None = None
    """Measured by the run instead of written here."""
    source: StrictStr | None = None

    @model_validator(mode="after")
    def _one_price(self) -> Self:
        prices = [each for each in (self.usd, self.minutes, self.usage) if each is not None]
        if len(prices) != 1:
            raise ValueError("a line has one price: usd, minutes or usage")
        if (self.minutes is None) != (self.role is None):
            raise ValueError("minutes need the role whose hour they are priced by, and only they")
        if (self.per == "event") != (self.event is not None):
            raise ValueError("a line per event names the event, and no other line does")
        return self


class SecondOrder(Value):
    """What others gain or lose; shown beside the bill."""

    id: StrictStr
    name: StrictStr
    event: Event
    role: StrictStr
    sign: Literal[-1, 1]
    minutes: Amount


class Scenario(Value):
    """A desk that the price must hold for as well: what differs."""

    name: StrictStr
    rates: dict[str, _Amount] = Field(default_factory=dict)
    common_minutes: _Amount | None = None
    tickets_per_month: _Amount | None = None


class Book(Value):
    """The whole file."""

    label: StrictStr
    currency: Literal["USD"]
    demand: Demand
    rates: dict[str, Amount]
    baseline: Baseline
    lines: tuple[Line, ...] = Field(min_length=1)
    reviewed: Amount
    """Percent of the answers that stay with the copilot and are read by a person."""
    second_order: tuple[SecondOrder, ...] = ()
    scenarios: tuple[Scenario, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> Self:
        faults = [*self._unknown_roles(), *self._missing_terms(), *self._twice()]
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def _unknown_roles(self) -> Iterator[str]:
        named = [(f"baseline.{name}", work.role) for name, work in self.baseline]
        named += [(line.id, line.role) for line in self.lines if line.role]
        named += [(each.id, each.role) for each in self.second_order]
        named += [(each.name, role) for each in self.scenarios for role in each.rates]
        for where, role in named:
            if role not in self.rates:
                yield f"'{where}' is priced by '{role}', which has no rate; rates are {', '.join(self.rates)}"

    def _missing_terms(self) -> Iterator[str]:
        for term in TERMS:
            if not any(line.term == term for line in self.lines):
                yield f"the term '{term}' has no line; enter 0 where it costs nothing"

    def _twice(self) -> Iterator[str]:
        for name, times in Counter(line.id for line in self.lines).items():
            if times > 1:
                yield f"the line '{name}' stands {times} times"

    def under(self, scenario: Scenario) -> "Book":
        """The book of another desk."""
        rates = {
            role: _entered(amount, scenario.rates.get(role)) for role, amount in self.rates.items()
        }
        demand = self.demand.model_copy(
            update={
                "tickets_per_month": _entered(
                    self.demand.tickets_per_month, scenario.tickets_per_month
                )
            }
        )
        common = self.baseline.common
        minutes = _entered(common.minutes, scenario.common_minutes)
        work = common.model_copy(update={"minutes": minutes})
        baseline = self.baseline.model_copy(update={"common": work})
        return self.model_copy(update={"rates": rates, "demand": demand, "baseline": baseline})


def _entered(amount: Amount, value: float | None) -> Amount:
    if value is None:
        return amount
    return amount.model_copy(update={"value": value, "low": None, "high": None})


def book(file: Path = SHIPPED) -> Book:
    """The price book in a file. Raises `SuiteError` with everything that is wrong in it."""
    try:
        data = unambiguous(file).data
    except OSError as error:
        message = f"The price book can't be read: {error.strerror}. Name one with --economics."
        raise SuiteError([Finding(str(file), None, message)]) from error
    except DocumentError as error:
        raise SuiteError(error.findings) from error
    try:
        return Book.model_validate(data)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        raise SuiteError([Finding(str(file), None, _told(one, data)) for one in faults]) from error


def _told(fault: "ErrorDetails", data: object) -> str:
    place = fault["loc"]
    key = ".".join(map(str, _named(place, data))) or "the file"
    message = fault["msg"].removeprefix("Value error, ")
    value = fault.get("input")
    given = f" (it is {value!r})" if isinstance(value, str | int | float) else ""
    return f"{key}: {message}{given}."


def _named(place: tuple[object, ...], data: object) -> Iterator[object]:
    """A place with the ids of list entries instead of their numbers."""
    here: object = data
    for step in place:
        if isinstance(here, list) and isinstance(step, int) and step < len(here):
            here = here[step]
            yield here.get("id") or here.get("name") or step if isinstance(here, dict) else step
        else:
            here = here.get(step) if isinstance(here, dict) else None
            yield step
