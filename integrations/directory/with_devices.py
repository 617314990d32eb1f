"""The directory with what device management says of each person's devices."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from copilot.people import Device, Person
from integrations.aging import Ages, Aging
from integrations.devices.port import Devices, DevicesUnavailableError
from integrations.directory.port import People


class DirectoryWithDevices:
    """Devices come from device management alone; where it can't be asked, they are unknown and the turn goes on."""

    def __init__(
        self,
        people: People,
        devices: Devices,
        ages: Ages,
        clock: Callable[[], datetime],
        *,
        posture: timedelta,
        seconds: float,
        tell: Callable[[str], None],
    ) -> None:
        """`posture`: a verdict older than this is unknown. `seconds`: how long a turn waits for devices."""
        self._people = people
        self._devices = devices
        self._clock = clock
        self._posture = posture
        self._seconds = seconds
        self._tell = tell
        self._known: Aging[Person, Sequence[Device]] = Aging(
            self._asked, ages, clock, fails=DevicesUnavailableError, tell=tell
        )

    async def person(self, person_id: str) -> Person | None:
        return await self._equipped(await self._people.person(person_id))

    async def person_by_email(self, address: str) -> Person | None:
        return await self._equipped(await self._people.person_by_email(address))

    async def names(self, ids: Iterable[str]) -> Mapping[str, str]:
        return await self._people.names(ids)

    def people(self) -> Sequence[Person]:
        return self._people.people()

    async def _equipped(self, person: Person | None) -> Person | None:
        if person is None:
            return None
        # By who they are, not by all that is known of them.
        key = Person(person.id, person.name, person.email)
        try:
            found = (await self._known.get(key)).value
        except DevicesUnavailableError:
            self._tell("unknown")
            found = ()
        return replace(person, devices=tuple(map(self._judged, found)))

    async def _asked(self, person: Person) -> Sequence[Device]:
        try:
            async with asyncio.timeout(self._seconds):
                return await self._devices.devices_of(person)
        except TimeoutError as error:
            raise DevicesUnavailableError(
                f"Device management took longer than {self._seconds:g} seconds. Check its load."
            ) from error

    def _judged(self, device: Device) -> Device:
        at = device.checked_at
        # A time ahead of ours by as much is no better known than an old one.
        if at is not None and abs(self._clock() - at) <= self._posture:
            return device
        return replace(device, compliant=None)
