"""The company's directory: what an adapter offers, and what the doors use. Read-only."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from copilot.people import Person


class Source(Protocol):
    """A company's own directory. Every question may raise `DirectoryUnavailableError`.

    Who comes back is who was asked for: an adapter compares, whatever the server's filter did.
    """

    async def person(self, person_id: str) -> Person | None:
        """`None` is a definite no; ids are compared letter for letter."""
        ...

    async def person_by_email(self, address: str) -> Person | None:
        """`None` also where several people have the address: then nobody can say who it is."""
        ...

    async def people(self, limit: int) -> Sequence[Person]:
        """So many people with id, name, address and phone, for telling names in a text. No groups."""
        ...

    async def problems(self) -> list[str]:
        """What keeps it from working, in sentences: unreachable, wrong password, missing attributes."""
        ...

    async def close(self) -> None: ...


class People(Protocol):
    """The directory as the copilot and its doors use it."""

    async def person(self, person_id: str) -> Person | None: ...

    async def person_by_email(self, address: str) -> Person | None: ...

    async def names(self, ids: Iterable[str]) -> Mapping[str, str]:
        """The name of each id, as far as they can be had now. Never raises."""
        ...

    def people(self) -> Sequence[Person]:
        """Everybody of a file; of a company's own directory those of the last snapshot."""
        ...
