"""The policy question of a turn: who, what, in which situation. Pure; the decision is the policy's."""

from collections.abc import Iterator, Mapping
from typing import get_args

from copilot.company import CompanyFacts
from copilot.people import Person
from copilot.state import Asked, Memory
from copilot.understanding.message import Understanding
from policies.catalogue import ASK_QUESTION
from policies.model import Asker, Location, PolicyRequest, Relation, RequestedAction, Situation

LOCATIONS = get_args(Location)


def policy_request(
    asked: Asked,
    memory: Memory,
    understanding: Understanding,
    company: CompanyFacts,
) -> PolicyRequest:
    """What the policy layer is asked. Facts come from directory and records, wishes from the text."""
    return PolicyRequest(
        asker=asker(asked.person),
        actions=(*_plain_question(understanding), *_requested(understanding, company.relations)),
        situation=Situation(
            device_managed=_managed(asked.person),
            location=_strictest_location(asked.person, memory, understanding),
            working_hours=_working_hours(asked, company),
            topic=_topic(understanding),
            lockouts_24h=asked.lockouts_24h + _locked_out_now(understanding, company),
            probes_in_thread=memory.probes,
            lockdown=company.lockdown,
        ),
    )


def _requested(
    understanding: Understanding, relations: Mapping[str, Relation]
) -> Iterator[RequestedAction]:
    for seen in understanding.actions:
        yield RequestedAction(
            action=seen.action,
            relation=relations.get(seen.action, "unknown"),
            seen_by=seen.seen_by,
            confidence=round(min(seen.confidence, 1.0), 4),
        )


def _plain_question(understanding: Understanding) -> Iterator[RequestedAction]:
    """What a message asks in which the recogniser saw nothing: an action that only a model saw adds to it."""
    if understanding.actions and all(a.seen_by == "model" for a in understanding.actions):
        yield RequestedAction(action=ASK_QUESTION.id, relation="self")


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


def _working_hours(asked: Asked, company: CompanyFacts) -> bool | None:
    """Whether it was working time at the asker's site when the message was written."""
    site = asked.person.site or ""
    return company.site_hours.get(site, company.desk_hours).include(asked.inquiry.at)


def _locked_out_now(understanding: Understanding, company: CompanyFacts) -> bool:
    """Whether this message is about a lockout: it counts beside those of earlier conversations."""
    told = {company.action_labels.get(seen.action) for seen in understanding.actions}
    return bool({*told, _topic(understanding)} & company.lockout_labels)


def _topic(understanding: Understanding) -> str | None:
    """What the message as a whole is about."""
    return next((question.label for question in understanding.questions), None)
