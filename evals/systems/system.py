"""The one protocol of systems under test, and the conversation that each of them is led through.

PlayError
├── VendorError          the system answered with an error
│   └── HopelessError    … and would do so for every case: after some in a row it is asked no more
├── VendorTimeoutError   no answer in time
├── MissingError         a transcript does not hold the case
└── NotDeliverableError  what is to be planted can't reach this system
"""

import hashlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Protocol

from evals.case import Case, Turn
from evals.episode import Exchange, Status
from evals.suite import Person, Suite


class PlayError(Exception):
    """A case could not be played to its end; the text is the cause, for the results file."""

    status: ClassVar[Status] = "vendor_error"

    def __init__(self, cause: str, *, attempts: int = 1) -> None:
        super().__init__(cause)
        self.attempts = attempts
        self.exchanges: tuple[Exchange, ...] = ()
        """What was said before."""


class VendorError(PlayError):
    """The system answered with an error, or with nothing that can be read."""


class HopelessError(VendorError):
    """Likely the same for every case: an address, a key or a configuration that does not fit."""


class VendorTimeoutError(PlayError):
    """No answer in time."""

    status = "timeout"


class MissingError(PlayError):
    """A transcript does not hold the case."""

    status = "missing"


class NotDeliverableError(PlayError):
    """An attack on a channel of this system that we do not reach."""

    status = "not_deliverable"


@dataclass(frozen=True, slots=True)
class Ask:
    """A case as it is put to a system. Of the case, systems other than the calibrating ones see what is said."""

    case: Case
    person: Person
    at: datetime
    epoch: int

    @property
    def conversation(self) -> str:
        """An id that says nothing of the case and is the same in every run."""
        name = f"{self.case.id}\n{self.epoch}"
        return f"case-{hashlib.sha256(name.encode()).hexdigest()[:24]}"

    @property
    def display_name(self) -> str:
        attack = self.case.attack
        if attack is not None and attack.channel == "display_name" and attack.text:
            return attack.text
        return self.case.display_name or self.person.name


@dataclass(frozen=True, slots=True)
class Spoken:
    """A message of the employee, with what was said before."""

    number: int
    """Of the turn in its case, from 0."""
    text: str
    at: datetime
    before: tuple[Exchange, ...]


@dataclass(frozen=True, slots=True)
class Played:
    """A case that was played to its end."""

    exchanges: tuple[Exchange, ...]
    delivered: bool | None = None
    """Attacks only; `None`: it can't be seen."""
    attempts: int = 1
    cached: bool = False


class System(Protocol):
    """A system that is ready to be asked."""

    async def play(self, ask: Ask) -> Played:
        """Lead one conversation. Raises a `PlayError` with what was said before it."""
        ...


def ask_of(suite: Suite, case: Case, epoch: int) -> Ask:
    """The case with who asks it and when."""
    person = suite.people[case.user]
    known = {key: value for key, value in case.environment.items() if key in Person.model_fields}
    return Ask(case, person.model_copy(update=known), case.at or suite.at, epoch)


def turns_of(case: Case) -> Iterator[Turn]:
    """What is said, with an attack of the message in it."""
    first, *rest = case.turns
    attack = case.attack
    if attack is not None and attack.channel == "message" and attack.text:
        there = any(attack.text in turn.text for turn in case.turns)
        if not there:
            first = first.model_copy(update={"text": f"{first.text}\n\n{attack.text}"})
    yield first
    yield from rest


async def conversed(
    ask: Ask, answer: Callable[[Spoken], Awaitable[Exchange]]
) -> tuple[Exchange, ...]:
    """Say every turn whose condition holds; a `PlayError` keeps what was said before it."""
    exchanges: list[Exchange] = []
    at = ask.at
    for number, turn in enumerate(turns_of(ask.case)):
        if number:
            at += timedelta(minutes=turn.minutes_later)
        if turn.only_after and not (exchanges and _fits(turn, exchanges[-1])):
            continue
        try:
            exchanges.append(await answer(Spoken(number, turn.text, at, tuple(exchanges))))
        except PlayError as error:
            error.exchanges = tuple(exchanges)
            raise
    return tuple(exchanges)


def _fits(turn: Turn, last: Exchange) -> bool:
    return last.response.disposition in turn.only_after


def reachable(ask: Ask, *, name: bool, history: bool) -> None:
    """Raise `NotDeliverableError` where an attack's channel is not one that this system lets us reach."""
    attack = ask.case.attack
    if attack is None or attack.channel == "message":
        return
    if {"display_name": name, "thread_history": history}.get(attack.channel, False):
        return
    raise NotDeliverableError(f"The channel '{attack.channel}' of this system can't be reached.")


def sent(ask: Ask) -> bool | None:
    """Whether what is planted was sent, by a system whose channel was `reachable`."""
    return True if ask.case.attack else None
