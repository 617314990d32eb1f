"""The decision: pure, without clock or I/O, and never more lenient when something is wrong.

Cedar evaluates the rules; what follows from them is said by the rules' annotations and by the
catalogue. An error in a rule, an unknown action and a case that no rule permits all escalate.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import cedarpy

from policies.catalogue import ASK_QUESTION, Action, Catalogue
from policies.model import (
    STRICTNESS,
    Decision,
    Effect,
    PolicyRequest,
    Priority,
    Relation,
    RequestedAction,
    Ruling,
)
from policies.rule import Rule

PASSED_ON = "I cannot decide this myself, so I have passed it on to a colleague."
LAST = "P9"

FACTS = (
    "relation: Relation",
    "employment: Employment",
    "groups: Set<String>",
    "site?: String",
    "verified: Bool",
    "device_managed?: Bool",
    "location: Location",
    "working_hours?: Bool",
    "topic?: String",
    "lockouts_24h: Long",
    "probes: Long",
    "lockdown: Bool",
)
"""What a schema declares of the situation, as it is written there."""

BUILT_IN = {
    "default-escalate": "No rule permits this action, so a person decides.",
    "unknown-action": "The action is not in the catalogue, so a person decides.",
    "policy-error": "A rule could not be evaluated, so a person decides.",
}


@dataclass(frozen=True)
class Policies:
    """Rules, schema and catalogue that were validated together; made by `load_policies`."""

    version: str
    catalogue: Catalogue
    rules: Mapping[str, Rule]
    default_queue: str
    policy_set: cedarpy.PolicySet
    schema: cedarpy.Schema
    entities: cedarpy.Entities


class _Asked(NamedTuple):
    action: str
    relation: Relation


class _Verdict(NamedTuple):
    """What the rules say of one action: the effect and every rule that led to it."""

    effect: Effect
    rules: tuple[str, ...]


def decide(request: PolicyRequest, policies: Policies) -> Decision:
    """Decide about everything that a message asks for. The strictest ruling is the decision.

    The order of actions, groups and rules changes nothing, not even the receipt.
    """
    request = _in_order(request)
    added = _added_by_model(request)
    ranked = sorted(
        ((asked, _ruling(asked, request, policies)) for asked in _asked(request)),
        key=lambda pair: _rank(pair[1], added=pair[0] in added),
    )
    rulings = tuple(ruling for _, ruling in ranked)
    first = rulings[0]
    return Decision(
        effect=first.effect,
        rulings=rulings,
        rules=tuple(dict.fromkeys(rule for ruling in rulings for rule in ruling.rules)),
        queue=first.queue,
        priority=first.priority,
        reason_code=first.reason_code,
        reason=" ".join(dict.fromkeys(reason_of(rule, policies) for rule in first.rules)),
        policy_version=policies.version,
        input_hash=_hash(request),
    )


def reason_of(rule: str, policies: Policies) -> str:
    """Why a rule says what it says; also for the names under which the engine escalates."""
    return policies.rules[rule].reason if rule in policies.rules else BUILT_IN[rule]


def _in_order(request: PolicyRequest) -> PolicyRequest:
    actions = sorted(
        set(request.actions), key=lambda a: (a.action, a.relation, a.seen_by, a.confidence)
    )
    asker = request.asker.model_copy(update={"groups": tuple(sorted(set(request.asker.groups)))})
    return request.model_copy(update={"actions": tuple(actions), "asker": asker})


def _asked(request: PolicyRequest) -> Iterable[_Asked]:
    question = (RequestedAction(action=ASK_QUESTION.id, relation="self"),)
    wanted = request.actions or question
    return dict.fromkeys(_Asked(each.action, each.relation) for each in wanted)


def _added_by_model(request: PolicyRequest) -> frozenset[_Asked]:
    """What only a chat model saw: an action, or for whom it is wanted.

    Among rulings as strict and as urgent, theirs come last: a model may raise what happens to a
    case, not redirect it.
    """
    others = {_Asked(a.action, a.relation) for a in request.actions if a.seen_by != "model"}
    return frozenset(_Asked(a.action, a.relation) for a in request.actions) - others


def _ruling(asked: _Asked, request: PolicyRequest, policies: Policies) -> Ruling:
    action = policies.catalogue.actions.get(asked.action)
    if action is None:
        return _unknown(asked, policies)
    verdict = _verdict(asked, request, policies)
    if verdict.effect == "permit":
        return _said(action, verdict, say=action.say)
    decisive = sorted(_decisive(verdict, policies), key=_urgency)
    say = _sentence(action, decisive)
    if verdict.effect == "decline":
        return _said(action, verdict, say=say)
    return _said(action, verdict, say=say).model_copy(
        update={
            "queue": next(_queues(decisive, action), policies.default_queue),
            "priority": _priority(action, decisive),
            "mandatory_class": next(_classes(action, decisive), None),
            "reason_code": _reason_code(action, verdict, decisive),
            "safe_steps": action.safe_steps,
        }
    )


def _verdict(asked: _Asked, request: PolicyRequest, policies: Policies) -> _Verdict:
    try:
        answer = cedarpy.is_authorized(
            _question(asked, request), policies.policy_set, policies.entities, policies.schema
        )
    except (ValueError, TypeError, OverflowError, RuntimeError):
        return _Verdict("escalate", ("policy-error",))
    reasons = tuple(sorted(answer.diagnostics.reasons))
    # First of all: Cedar skips a forbid that errors, and would permit without it.
    if answer.diagnostics.errors or answer.decision is cedarpy.Decision.NoDecision:
        return _Verdict("escalate", ("policy-error", *reasons))
    if answer.allowed:
        return _Verdict("permit", reasons)
    if not reasons:
        return _Verdict("escalate", ("default-escalate",))
    effects: list[Effect] = [policies.rules[rule].effect for rule in reasons]
    return _Verdict(max(effects, key=STRICTNESS.__getitem__), reasons)


def _question(asked: _Asked, request: PolicyRequest) -> dict[str, object]:
    situation = request.situation
    context: dict[str, object] = {
        "relation": _entity("Relation", asked.relation),
        "employment": _entity("Employment", request.asker.employment),
        "groups": list(request.asker.groups),
        "verified": request.asker.verified,
        "location": _entity("Location", situation.location),
        "lockouts_24h": situation.lockouts_24h,
        "probes": situation.probes_in_thread,
        "lockdown": situation.lockdown,
    }
    if request.asker.site is not None:
        context["site"] = request.asker.site
    if situation.device_managed is not None:
        context["device_managed"] = situation.device_managed
    if situation.working_hours is not None:
        context["working_hours"] = situation.working_hours
    if situation.topic is not None:
        context["topic"] = situation.topic
    return {
        "principal": {"type": "User", "id": request.asker.id},
        "action": {"type": "Action", "id": asked.action},
        "resource": {"type": "Service", "id": "it-support"},
        "context": context,
    }


def _entity(kind: str, name: str) -> dict[str, dict[str, str]]:
    return {"__entity": {"type": kind, "id": name}}


def _decisive(verdict: _Verdict, policies: Policies) -> Iterator[Rule]:
    for name in verdict.rules:
        rule = policies.rules.get(name)
        if rule is not None and rule.effect == verdict.effect:
            yield rule


def _urgency(rule: Rule) -> tuple[str, str]:
    return rule.priority or LAST, rule.id


def _queues(decisive: Iterable[Rule], action: Action) -> Iterator[str]:
    yield from (rule.queue for rule in decisive if rule.queue)
    if action.queue:
        yield action.queue


def _priority(action: Action, decisive: Iterable[Rule]) -> Priority:
    found = [rule.priority for rule in decisive if rule.priority]
    if action.priority:
        found.append(action.priority)
    return min(found, default="P3")


def _classes(action: Action, decisive: Iterable[Rule]) -> Iterator[str]:
    if action.mandatory_class:
        yield action.mandatory_class
    yield from (rule.mandatory_class for rule in decisive if rule.mandatory_class)


def _needs_people(action: Action) -> bool:
    """Whether the catalogue already speaks as if the case were not the asker's to solve."""
    return action.tier in {"privileged", "incident", "forbidden"}


def _sentence(action: Action, decisive: list[Rule]) -> str:
    if _needs_people(action):
        return action.say
    return decisive[0].reason if decisive else PASSED_ON


def _reason_code(action: Action, verdict: _Verdict, decisive: list[Rule]) -> str:
    if _needs_people(action):
        return action.reason_code
    name = decisive[0].id if decisive else verdict.rules[0]
    return name.replace("-", "_")


def _said(action: Action, verdict: _Verdict, *, say: str) -> Ruling:
    return Ruling(
        action=action.id,
        effect=verdict.effect,
        rules=verdict.rules,
        tier=action.tier,
        mandatory_class=action.mandatory_class,
        reason_code=action.reason_code,
        form=action.form,
        say=say,
    )


def _unknown(asked: _Asked, policies: Policies) -> Ruling:
    return Ruling(
        action=asked.action,
        effect="escalate",
        rules=("unknown-action",),
        queue=policies.default_queue,
        priority="P3",
        reason_code="unknown_action",
        say=PASSED_ON,
    )


def _rank(ruling: Ruling, *, added: bool) -> tuple[int, str, bool, bool, str, str]:
    return (
        -STRICTNESS[ruling.effect],
        ruling.priority or LAST,
        added,
        ruling.mandatory_class is None,
        ruling.action,
        ruling.model_dump_json(),
    )


def _hash(request: PolicyRequest) -> str:
    canonical = json.dumps(request.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
