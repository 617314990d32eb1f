"""The policy question of a turn: who, what, in which situation. Pure; the decision is the policy's."""

from collections.abc import Mapping
from typing import get_args

from copilot.people import Person
from copilot.state import Asked, Memory
from copilot.understanding.message import Understanding
from policies.model import Asker, Location, PolicyRequest, Relation, RequestedAction, Situation

LOCATIONS = get_args(Location)


def policy_request(
    asked: Asked,
    memory: Memory,
    understanding: Understanding,
    *,
    relations: Mapping[str, Relation],
    lockdown: bool,
) -> PolicyRequest:
    """What the policy layer is asked. Facts come from directory and records, wishes from the text."""
    return PolicyRequest(
        asker=asker(asked.person),
        actions=tuple(
            RequestedAction(
                action=seen.action,
                relation=relations.get(seen.action, "unknown"),
                seen_by="recogniser",
                confidence=round(min(seen.confidence, 1.0), 4),
            )
            for seen in understanding.actions
        ),
        situation=Situation(
            device_managed=_managed(asked.person),
            location=_strictest_location(asked.person, memory, understanding),
            lockouts_24h=asked.lockouts_24h,
            probes_in_thread=memory.probes,
            lockdown=lockdown,
        ),
    )


def asker(person: Person) -> Asker:
    return Asker(
        id=person.id,
        employment=person.employment,
        groups=tuple(sorted(person.groups)),
        site=person.site,
        verified=person.active,
    )


def location(person: Person, memory: Memory, understanding: Understanding) -> Location:
    """Where they say they are, else where the directory has them: for people to read."""
    said = understanding.location or memory.location or person.location
    return next((place for place in LOCATIONS if place == said), "unknown")


def _strictest_location(person: Person, memory: Memory, understanding: Understanding) -> Location:
    """What somebody writes may tighten a decision ("I am abroad"), never loosen it ("I'm in the office")."""
    said = understanding.location or memory.location
    return "travelling" if said == "travelling" else person.location


def _managed(person: Person) -> bool | None:
    return person.computer.managed if person.computer else None
