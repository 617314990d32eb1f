"""The directory as a YAML file: the default where the company connects no directory of its own."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from copilot.people import Device, Person, Platform
from integrations.datafile import DataFileError, Place, read

Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DeviceEntry(Entry):
    name: Word
    asset_tag: Word | None = None
    os: Platform
    os_version: Word | None = None
    managed: bool | None = None
    compliant: bool | None = None
    app_versions: dict[Word, Word] = Field(default_factory=dict)

    def device(self) -> Device:
        return Device(
            name=self.name,
            platform=self.os,
            os_version=self.os_version,
            managed=self.managed,
            compliant=self.compliant,
            asset_tag=self.asset_tag,
            app_versions=tuple(self.app_versions.items()),
        )


class PersonEntry(Entry):
    id: Word
    name: Word
    email: Word | None = None
    site: Word | None = None
    country: Word | None = None
    manager: Word | None = None
    employment: Literal["employee", "contractor", "unknown"] = "unknown"
    sponsor: Word | None = None
    groups: tuple[Word, ...] = ()
    department: Word | None = None
    phone: Word | None = None
    location: Literal["office", "home", "travelling", "unknown"] = "unknown"
    language: Word | None = None
    active: bool = True
    devices: tuple[DeviceEntry, ...] = ()

    def person(self) -> Person:
        return Person(
            id=self.id,
            name=self.name,
            email=self.email,
            site=self.site,
            manager=self.manager,
            employment=self.employment,
            sponsor=self.sponsor,
            groups=self.groups,
            department=self.department,
            phone=self.phone,
            language=self.language,
            location=self.location,
            active=self.active,
            devices=tuple(entry.device() for entry in self.devices),
        )


class DirectoryFile(Entry):
    label: str | None = None
    people: tuple[PersonEntry, ...]


class YamlDirectory:
    """The people of one file, read once and checked whole."""

    def __init__(self, path: Path) -> None:
        """Raises `DataFileError` with every problem of the file."""
        file = read(path)
        entries = file.read_as(DirectoryFile).people
        problems = [file.problem(place, message) for place, message in _faults(entries)]
        if problems:
            raise DataFileError(problems)
        self._everybody = tuple(entry.person() for entry in entries)
        self._people = {person.id: person for person in self._everybody}
        self._addresses = {p.email.casefold(): p for p in self._everybody if p.email}

    async def person(self, person_id: str) -> Person | None:
        return self._people.get(person_id)

    async def person_by_email(self, address: str) -> Person | None:
        return self._addresses.get(address.casefold())

    async def names(self, ids: Iterable[str]) -> Mapping[str, str]:
        return {each: self._people[each].name for each in ids if each in self._people}

    def people(self) -> tuple[Person, ...]:
        """Everybody, in the file's order."""
        return self._everybody


def _faults(entries: tuple[PersonEntry, ...]) -> Iterator[tuple[Place, str]]:
    """What is well formed and still wrong: people twice, and managers or sponsors that nobody is."""
    managers = {entry.id: entry.manager for entry in entries}
    seen: set[str] = set()
    for number, entry in enumerate(entries):
        if entry.id.casefold() in seen:
            yield (
                ("people", number, "id"),
                f"The id '{entry.id}' is there twice. Give each its own.",
            )
        seen.add(entry.id.casefold())
        for role in ("manager", "sponsor"):
            named = getattr(entry, role)
            if named is not None and named not in managers:
                yield ("people", number, role), f"Nobody has the id '{named}'. Correct the {role}."
        if _manages_themselves(entry.id, managers):
            yield (
                ("people", number, "manager"),
                f"'{entry.id}' is above themselves. Break the circle.",
            )
        if entry.employment == "contractor" and entry.sponsor is None:
            yield ("people", number), f"The contractor '{entry.id}' has no sponsor. Name one."


def _manages_themselves(person: str, managers: Mapping[str, str | None]) -> bool:
    above, passed = managers.get(person), set[str]()
    while above is not None and above not in passed:
        if above == person:
            return True
        passed.add(above)
        above = managers.get(above)
    return False
