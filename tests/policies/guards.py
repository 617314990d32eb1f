"""What must reach people is held by two rules each: by its class and by its tier. Either suffices."""

import json
from collections.abc import Iterable
from dataclasses import replace
from types import MappingProxyType

import cedarpy

from policies.engine import Policies, decide
from policies.model import Asker, Decision, PolicyRequest, RequestedAction

TIERS = frozenset({"incident-tier", "privileged-tier", "forbidden-tier"})
CLASSES = frozenset({
    "no-working-factor", "lockout-review", "other-person-credential", "privileged-access",
    "other-person-data", "lost-device", "security-incident", "immediate-termination",
    "rule-exception",
})  # fmt: skip
URGENT = ("security_incident", "immediate_termination")


def assert_each_guard_suffices(policies: Policies) -> None:
    """Also for an action that the catalogue wrongly calls unimportant."""
    by_class, by_tier = _without(policies, TIERS), _without(policies, CLASSES)
    for action in policies.catalogue.actions.values():
        if action.mandatory_class:
            decision = _decided(action.id, by_class)
            assert decision.effect == "escalate", action.id
            assert decision.priority == "P1" or action.mandatory_class not in URGENT, action.id
        if action.tier in ("incident", "privileged", "forbidden"):
            decision = _decided(action.id, by_tier)
            expected = "decline" if action.tier == "forbidden" else "escalate"
            assert decision.effect == expected, action.id
            assert decision.priority == "P1" or action.tier != "incident", action.id


def _without(policies: Policies, names: Iterable[str]) -> Policies:
    rules = {name: rule for name, rule in policies.rules.items() if name not in names}
    syntax = {name: json.loads(rule.syntax) for name, rule in rules.items()}
    document = {"staticPolicies": syntax, "templates": {}, "templateLinks": []}
    actions = {
        name: action.model_copy(update={"priority": "P4"})
        for name, action in policies.catalogue.actions.items()
    }
    return replace(
        policies,
        rules=rules,
        policy_set=cedarpy.PolicySet.from_json_str(json.dumps(document)),
        catalogue=replace(policies.catalogue, actions=MappingProxyType(actions)),
    )


def _decided(action: str, policies: Policies) -> Decision:
    asker = Asker(id="somebody", employment="employee", verified=True)
    asked = (RequestedAction(action=action, relation="self"),)
    return decide(PolicyRequest(asker=asker, actions=asked), policies)
