"""A company's directory with a memory: quick while it is up, and bounded in age while it is down."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from copilot.errors import DirectoryUnavailableError
from copilot.people import Person
from integrations.aging import Aged, Ages, Aging
from integrations.directory.port import Source

Roll = Callable[[Sequence[Person]], None]
"""Is told the people of each new snapshot, in a thread."""


class CachedDirectory:
    """Who somebody is, at most so old; a person who is served past that age says since when it is known."""

    def __init__(
        self,
        source: Source,
        ages: Ages,
        clock: Callable[[], datetime],
        *,
        tell: Callable[[str], None],
        snapshot: int = 5_000,
    ) -> None:
        """`snapshot`: how many people are known by name to whoever looks for names in a text."""
        self._source = source
        self._tell = tell
        self._snapshot = snapshot
        self._by_id: Aging[str, Person | None] = Aging(
            source.person, ages, clock, fails=DirectoryUnavailableError, tell=tell
        )
        self._by_email: Aging[str, Person | None] = Aging(
            self._found, ages, clock, fails=DirectoryUnavailableError, tell=tell
        )
        self._people: tuple[Person, ...] = ()

    async def person(self, person_id: str) -> Person | None:
        return _marked(await self._by_id.get(person_id))

    async def person_by_email(self, address: str) -> Person | None:
        return _marked(await self._by_email.get(address.casefold()))

    async def names(self, ids: Iterable[str]) -> Mapping[str, str]:
        wanted = set(ids)
        names = {person.id: person.name for person in self._people if person.id in wanted}
        for name in await asyncio.gather(*(self._name(each) for each in wanted - set(names))):
            names |= name
        return names

    def people(self) -> Sequence[Person]:
        return self._people

    async def look_around(self, roll: Roll) -> None:
        """Take a new snapshot. Without the directory the last one stays."""
        try:
            self._people = tuple(await self._source.people(self._snapshot))
        except DirectoryUnavailableError:
            self._tell("no_snapshot")
            return
        self._tell("snapshot")
        await asyncio.to_thread(roll, self._people)

    async def keep_looking(self, roll: Roll, every: timedelta) -> None:
        """Take a snapshot now and then, until cancelled."""
        while True:
            await self.look_around(roll)
            await asyncio.sleep(every.total_seconds())

    async def close(self) -> None:
        await self._source.close()

    async def _found(self, address: str) -> Person | None:
        person = await self._source.person_by_email(address)
        if person is not None:
            self._by_id.put(person.id, person)
        return person

    async def _name(self, person_id: str) -> Mapping[str, str]:
        try:
            person = await self.person(person_id)
        except DirectoryUnavailableError:
            return {}
        return {person_id: person.name} if person else {}


def _marked(aged: Aged[Person | None]) -> Person | None:
    if aged.value is None or not aged.is_stale:
        return aged.value
    return replace(aged.value, known_at=aged.at)
