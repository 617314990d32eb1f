"""The company's device management as the copilot needs it. Read-only."""

from collections.abc import Sequence
from typing import Protocol

from copilot.people import Device, Person


class DevicesUnavailableError(Exception):
    """Device management can't be asked. The text says what to do; devices are unknown meanwhile."""


class Devices(Protocol):
    """Any question may raise `DevicesUnavailableError`."""

    async def devices_of(self, person: Person) -> Sequence[Device]:
        """The devices of this person and of nobody else, with `checked_at` where it is known."""
        ...

    async def problems(self) -> list[str]:
        """What keeps it from working, in sentences."""
        ...

    async def close(self) -> None: ...
