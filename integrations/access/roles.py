"""From a person of the directory to an identity: groups by the settings' mapping, and stored grants."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from copilot.people import Person
from integrations.access.identity import How, Identity, Role


@dataclass(frozen=True, slots=True)
class Grant:
    """A role that an administrator gave to somebody, beside what their groups say."""

    person: str
    role: Role
    queues: frozenset[str] | None = None
    """For tier 2: the queues it is for; `None` is all."""


@dataclass(frozen=True, slots=True)
class RoleMap:
    """Which groups of the directory mean which role."""

    groups: Mapping[Role, frozenset[str]] = field(default_factory=dict)
    queue_prefix: str = "queue:"
    """The group `queue:network` is for the queue `network`. Without a prefix every agent sees every queue."""

    def identity(
        self,
        person: Person,
        grants: Sequence[Grant],
        *,
        how: How,
        session: str | None = None,
        at_most: frozenset[Role] | None = None,
    ) -> Identity | None:
        """`None` for whoever left, or of whom only an id is known. `at_most`: what a token was made for."""
        if not (person.active and person.is_known):
            return None
        granted = [grant for grant in grants if grant.person == person.id]
        roles: set[Role] = {"employee", *self._by_group(person), *(g.role for g in granted)}
        held = frozenset(roles if at_most is None else roles & at_most)
        queues = None if "admin" in held else self._queues(person, granted)
        return Identity(person, held, how, queues, session)

    def _by_group(self, person: Person) -> set[Role]:
        return {role for role, groups in self.groups.items() if groups & set(person.groups)}

    def _queues(self, person: Person, granted: Sequence[Grant]) -> frozenset[str] | None:
        """Losing a group never widens what is seen: an agent by group without a queue group sees none."""
        agent = [grant for grant in granted if grant.role == "tier2"]
        if not self.queue_prefix or any(grant.queues is None for grant in agent):
            return None
        prefix = self.queue_prefix
        own = {group.removeprefix(prefix) for group in person.groups if group.startswith(prefix)}
        return frozenset(own).union(*(grant.queues or () for grant in agent))
