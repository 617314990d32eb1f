"""What the redactor is told of the company, so that it leaves the company's own data alone."""

from collections.abc import Iterable

from copilot.people import Person
from policies.personal import Known


def known(people: Iterable[Person], domain: str, lines: Iterable[str]) -> Known:
    """`domain` is the company's own, `lines` are the numbers that everybody may see."""
    everybody = tuple(people)
    return Known(
        domains=(domain.casefold(),),
        addresses=tuple(person.email.casefold() for person in everybody if person.email),
        lines=tuple(lines),
        numbers=tuple(person.phone for person in everybody if person.phone),
        names=tuple((person.id, person.name) for person in everybody),
    )
