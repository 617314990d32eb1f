"""Who is at the door, and what follows from it. Pure: nothing here asks anybody."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from copilot.people import Person

Role = Literal["employee", "tier2", "platform", "admin"]
How = Literal["demo", "owner", "token", "link", "oidc"]
"""What vouches for somebody: the demonstration's user switcher, the token file of whoever owns the
home, an API token, a one-time link, or the company's sign-in."""

ROLES: tuple[Role, ...] = get_args(Role)
_STATE_KEY = "identity"


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who signed in. Roles come from the directory's groups and from grants, never from a request."""

    person: Person
    roles: frozenset[Role]
    how: How
    queues: frozenset[str] | None = None
    """The queues whose cases a tier-2 agent works on; `None` is all of them."""
    session: str | None = None
    """Id of the session or token, for the log. It opens nothing."""

    @property
    def id(self) -> str:
        return self.person.id


def is_agent(identity: Identity) -> bool:
    """Whether they work on other people's cases."""
    return bool(identity.roles & {"tier2", "admin"})


def may_see_queue(identity: Identity, queue: str) -> bool:
    """Whether they work on the cases of a queue."""
    return is_agent(identity) and (identity.queues is None or queue in identity.queues)


def may_see_case(identity: Identity, *, queue: str, opened_by: str) -> bool:
    """Whether they may read a case: an agent of its queue, or whose case it is."""
    return may_see_queue(identity, queue) or identity.id == opened_by


def seen_queues(identity: Identity, queues: Collection[str]) -> tuple[str, ...]:
    """Those of the company's queues that they may see, in the same order."""
    return tuple(queue for queue in queues if may_see_queue(identity, queue))


def is_own(identity: Identity, user: str) -> bool:
    """Whether what belongs to `user` is theirs; in a demonstration anybody may be anybody."""
    return identity.id == user or identity.how == "demo"


def may_ask_as(identity: Identity, user: str) -> bool:
    """Whether a request may name `user` as the asker; benchmarks and the owner's commands name anybody."""
    return is_own(identity, user) or "platform" in identity.roles


def identity_in(scope: Mapping[str, Any]) -> Identity | None:
    """Whom the guard found for a request, by its ASGI scope; `None` for a stranger."""
    return cast(Identity | None, scope.get("state", {}).get(_STATE_KEY))


def put_identity(scope: Mapping[str, Any], identity: Identity) -> None:
    """The guard's alone: everything behind it reads this and nothing else."""
    cast(dict[str, Any], scope)["state"] = {**scope.get("state", {}), _STATE_KEY: identity}
