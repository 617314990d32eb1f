"""Receipts to the letter: what a ruling says, what leads among several, and what the hash is made of."""

import hashlib
import json
from pathlib import Path
from typing import Literal

import pytest

from policies.engine import decide
from policies.loader import load_policies
from policies.model import (
    Asker,
    Decision,
    PolicyRequest,
    Relation,
    RequestedAction,
    Ruling,
    Situation,
)
from tests.policies.test_policy_decisions import HOUSE_POLICIES, HOUSE_RULES, rewritten

SOMEBODY = Asker(id="somebody", employment="employee", verified=True)
SeenBy = Literal["recogniser", "model", "caller"]


def wish(
    action: str,
    relation: Relation = "self",
    seen_by: SeenBy = "recogniser",
    confidence: float = 1.0,
) -> RequestedAction:
    return RequestedAction(action=action, relation=relation, seen_by=seen_by, confidence=confidence)


def asked(*wishes: RequestedAction, asker: Asker = SOMEBODY, **situation: object) -> PolicyRequest:
    return PolicyRequest(asker=asker, actions=wishes, situation=Situation.model_validate(situation))


def house(*wishes: RequestedAction, asker: Asker = SOMEBODY, **situation: object) -> Decision:
    return decide(asked(*wishes, asker=asker, **situation), HOUSE_POLICIES)


# ---- one ruling


def test_what_a_permit_says() -> None:
    assert house(wish("open_window")).rulings == (
        Ruling(
            action="open_window",
            effect="permit",
            rules=("window",),
            tier="self_service",
            reason_code="own_window",
            say="You open your own window with the handle.",
        ),
    )


def test_what_the_escalation_of_something_privileged_says() -> None:
    decision = house(wish("open_safe"))
    assert decision.rulings == (
        Ruling(
            action="open_safe",
            effect="escalate",
            rules=("safe",),
            tier="privileged",
            mandatory_class="privileged_access",
            queue="vault",
            priority="P2",
            reason_code="safe_wanted",
            say="The safe is opened by two people. I have passed this on.",
        ),
    )
    assert decision.reason == "Two people open the safe; never one."
    assert decision.reason_code == "safe_wanted"


def test_what_an_incident_says() -> None:
    (ruling,) = house(wish("fire")).rulings
    assert ruling.say == "The brigade has been called."
    assert (ruling.reason_code, ruling.priority, ruling.queue) == ("fire", "P1", "brigade")


def test_what_a_rule_says_that_holds_back_something_harmless() -> None:
    (ruling,) = house(wish("open_window"), location="travelling").rulings
    assert ruling == Ruling(
        action="open_window",
        effect="escalate",
        rules=("wind",),
        tier="self_service",
        queue="porter",
        priority="P4",
        reason_code="wind",
        say="On the road nobody opens windows.",
    )


def test_what_a_rule_says_that_declines() -> None:
    (ruling,) = house(wish("open_window", "other")).rulings
    assert ruling == Ruling(
        action="open_window",
        effect="decline",
        rules=("quiet",),
        tier="self_service",
        reason_code="own_window",
        say="Not for others.",
    )


def test_what_is_said_when_no_rule_permits() -> None:
    (ruling,) = house(wish("open_window"), asker=Asker(id="x")).rulings
    assert ruling.rules == ("default-escalate",)
    assert ruling.reason_code == "default_escalate"
    assert ruling.say == "I cannot decide this myself, so I have passed it on to a colleague."


def test_what_is_said_of_an_unknown_action() -> None:
    assert house(wish("fly")).rulings == (
        Ruling(
            action="fly",
            effect="escalate",
            rules=("unknown-action",),
            queue="porter",
            priority="P3",
            reason_code="unknown_action",
            say="I cannot decide this myself, so I have passed it on to a colleague.",
        ),
    )


def test_a_form_is_named() -> None:
    product = Path(__file__).parents[2] / "policies"
    policies = load_policies(product / "rules", product / "actions")
    form = next(action for action in policies.catalogue.actions.values() if action.form)
    (ruling,) = decide(asked(wish(form.id)), policies).rulings
    assert ruling.form == form.form


def test_something_forbidden_is_declined_in_the_words_of_the_catalogue() -> None:
    product = Path(__file__).parents[2] / "policies"
    policies = load_policies(product / "rules", product / "actions")
    (ruling,) = decide(asked(wish("show_bot_instructions")), policies).rulings
    action = policies.catalogue.actions["show_bot_instructions"]
    assert (ruling.effect, ruling.say) == ("decline", action.say)
    assert (ruling.tier, ruling.reason_code) == ("forbidden", action.reason_code)


def test_what_the_catalogue_does_not_say_has_a_middling_priority(tmp_path: Path) -> None:
    closed = HOUSE_RULES.replace('@id("questions")', '@id("nobody") @outcome("escalate")').replace(
        'permit (principal, action in Action::"tier:read_only", resource)',
        'forbid (principal, action in Action::"tier:read_only", resource)',
    )
    decision = decide(asked(), rewritten(tmp_path / "rules", closed))
    assert (decision.rules, decision.priority, decision.queue) == (("nobody",), "P3", "porter")


# ---- several rules and several actions


TWO = """
@id("z-first") @outcome("escalate") @priority("P1") @escalate_to("vault") @reason("Urgent.")
forbid (principal, action == Action::"open_window", resource)
when { context.probes == 1 };

@id("a-second") @outcome("escalate") @priority("P2") @escalate_to("brigade") @reason("Less urgent.")
forbid (principal, action == Action::"open_window", resource)
when { context.probes >= 1 };

@id("b-third") @outcome("escalate") @priority("P2") @escalate_to("porter") @reason("As urgent.")
@mandatory_class("rule_exception")
forbid (principal, action == Action::"open_window", resource)
when { context.probes >= 1 };
"""


def test_of_several_rules_the_most_urgent_speaks_and_then_the_first_by_name(tmp_path: Path) -> None:
    policies = rewritten(tmp_path / "rules", HOUSE_RULES + TWO)
    urgent = decide(asked(wish("open_window"), probes_in_thread=1), policies)
    assert urgent.rules == ("a-second", "b-third", "z-first")
    assert (urgent.queue, urgent.priority, urgent.reason_code) == ("vault", "P1", "z_first")
    assert urgent.rulings[0].say == "Urgent."
    assert urgent.reason == "Less urgent. As urgent. Urgent."
    named = decide(asked(wish("open_window"), probes_in_thread=2), policies)
    assert (named.queue, named.priority, named.reason_code) == ("brigade", "P2", "a_second")
    assert named.rulings[0].mandatory_class == "rule_exception"


def test_a_rule_without_a_priority_comes_after_those_with_one(tmp_path: Path) -> None:
    none = TWO.replace(
        '@id("z-first") @outcome("escalate") @priority("P1")', '@id("a") @outcome("escalate")'
    )
    policies = rewritten(tmp_path / "rules", HOUSE_RULES + none)
    decision = decide(asked(wish("open_window"), probes_in_thread=1), policies)
    assert (decision.queue, decision.priority) == ("brigade", "P2")


def test_a_declining_rule_does_not_speak_for_an_escalation(tmp_path: Path) -> None:
    policies = rewritten(tmp_path / "rules", HOUSE_RULES + TWO)
    decision = decide(asked(wish("open_window", "other"), probes_in_thread=1), policies)
    assert "quiet" in decision.rules
    assert decision.effect == "escalate"
    assert decision.rulings[0].say == "Urgent."


def test_a_rule_of_several_actions_is_listed_once() -> None:
    decision = house(wish("open_window"), wish("open_window", "unknown"))
    assert decision.rules == ("window",)
    assert len(decision.rulings) == 2
    assert house(wish("open_window"), wish("open_window", confidence=0.5)).rulings == (
        house(wish("open_window")).rulings
    )


def test_two_rules_with_the_same_reason_give_it_once(tmp_path: Path) -> None:
    same = TWO.replace("Less urgent.", "Urgent.").replace("As urgent.", "Urgent.")
    policies = rewritten(tmp_path / "rules", HOUSE_RULES + same)
    assert decide(asked(wish("open_window"), probes_in_thread=1), policies).reason == "Urgent."


def test_a_mandatory_case_leads_among_equals_then_the_first_by_name(tmp_path: Path) -> None:
    twins = (
        HOUSE_RULES
        + """
@id("zz") @outcome("escalate") @escalate_to("brigade") @priority("P2") @reason("r")
forbid (principal, action == Action::"open_window", resource);
"""
    )
    policies = rewritten(tmp_path / "rules", twins)
    decision = decide(asked(wish("open_window"), wish("open_safe")), policies)
    assert [ruling.action for ruling in decision.rulings] == ["open_safe", "open_window"]
    question = twins.replace('open_window", resource);\n', 'ask_question", resource);\n')
    asking = rewritten(tmp_path / "question", question)
    pair = decide(asked(wish("ask_question"), wish("open_safe")), asking)
    assert [ruling.priority for ruling in pair.rulings] == ["P2", "P2"]
    assert [ruling.action for ruling in pair.rulings] == ["open_safe", "ask_question"]
    unknown = house(wish("walk"), wish("fly"))
    assert [ruling.action for ruling in unknown.rulings] == ["fly", "walk"]


@pytest.mark.parametrize("first", ["open_safe", "open_window"])
def test_what_only_a_model_saw_never_leads_among_equals(tmp_path: Path, first: str) -> None:
    both = (
        HOUSE_RULES
        + """
@id("zz") @outcome("escalate") @escalate_to("brigade") @priority("P2") @reason("r")
@mandatory_class("lost_device")
forbid (principal, action == Action::"open_window", resource);
"""
    )
    policies = rewritten(tmp_path / "rules", both)
    other = {"open_safe": "open_window", "open_window": "open_safe"}[first]
    decision = decide(asked(wish(first), wish(other, seen_by="model")), policies)
    assert [ruling.action for ruling in decision.rulings] == [first, other]
    again = decide(
        asked(wish(first), wish(other, seen_by="model"), wish(other, seen_by="caller")), policies
    )
    assert again.rulings[0].action == "open_safe"


def test_rulings_of_one_action_have_one_order() -> None:
    wishes = [wish("open_window", "self"), wish("open_window", "unknown")]
    travelling = [house(*order, location="travelling") for order in (wishes, wishes[::-1])]
    assert travelling[0] == travelling[1]


def test_a_plain_question_is_ones_own(tmp_path: Path) -> None:
    strict = (
        HOUSE_RULES
        + """
@id("of-others") @outcome("decline") @reason("r")
forbid (principal, action == Action::"ask_question", resource)
when { context.relation != Relation::"self" };
"""
    )
    assert decide(asked(), rewritten(tmp_path / "rules", strict)).effect == "permit"


# ---- errors


def test_an_error_lists_what_applied_beside_it(tmp_path: Path) -> None:
    broken = (
        '\n@id("broken") @reason("r") permit (principal, action, resource)\n'
        "when { context.lockouts_24h * 9223372036854775807 == 1 };"
    )
    policies = rewritten(tmp_path / "rules", HOUSE_RULES + broken)
    decision = decide(asked(wish("open_window"), lockouts_24h=2), policies)
    assert (decision.effect, decision.queue) == ("escalate", "porter")
    assert decision.rules == ("policy-error", "window")
    assert decision.rulings[0].reason_code == "policy_error"
    assert decision.reason == (
        "A rule could not be evaluated, so a person decides. Everybody opens the own window."
    )


def test_a_request_that_the_engine_refuses_escalates() -> None:
    """A number that no Cedar Long holds does not even reach the rules."""
    decision = house(wish("open_window"), lockouts_24h=2**80)
    assert (decision.effect, decision.rules) == ("escalate", ("policy-error",))
    assert decision.reason == "A rule could not be evaluated, so a person decides."


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
@pytest.mark.parametrize("spoilt", [{"id": "\ud800"}, {"site": b"dock"}])
def test_a_fact_of_the_wrong_kind_escalates(spoilt: dict[str, object]) -> None:
    """Such as only a faulty directory could hand over: the engine raises on it."""
    decision = house(wish("open_window"), asker=SOMEBODY.model_copy(update=spoilt))
    assert (decision.effect, decision.rules) == ("escalate", ("policy-error",))
    assert decision.queue == "porter"


# ---- the hash

CANONICAL = (
    '{"actions":[{"action":"fire","confidence":1.0,"relation":"self","seen_by":"recogniser"}],'
    '"asker":{"employment":"employee","groups":["a","b","c","d","e","f"],"id":"somebody","site":null,"verified":true},'
    '"situation":{"device_managed":null,"location":"unknown","lockdown":false,"lockouts_24h":0,'
    '"probes_in_thread":0,"topic":null,"working_hours":null}}'
)


def test_the_hash_is_of_the_request_in_one_spelling() -> None:
    asker = SOMEBODY.model_copy(update={"groups": ("b", "f", "a", "e", "b", "d", "c")})
    decision = house(wish("fire"), wish("fire"), asker=asker)
    assert decision.input_hash == hashlib.sha256(CANONICAL.encode()).hexdigest()


BY_ACTION = [wish(name) for name in ("dig", "fire", "fly", "open_safe", "open_window", "run")]
BY_RELATION = [
    wish(name, relation)
    for name in ("dig", "fire", "fly")
    for relation in ("other", "self", "unknown")
]
BY_SEER = [
    wish(name, seen_by=seer)
    for name in ("dig", "fire", "fly")
    for seer in ("caller", "model", "recogniser")
]
BY_CONFIDENCE = [wish("fire", confidence=sure) for sure in (0.1, 0.2, 0.3, 0.5, 0.8, 0.9)]


@pytest.mark.parametrize("wishes", [BY_ACTION, BY_RELATION, BY_SEER, BY_CONFIDENCE])
def test_what_was_seen_has_one_order_in_the_hash(wishes: list[RequestedAction]) -> None:
    document = asked(*wishes).model_dump(mode="json")
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"))
    expected = hashlib.sha256(canonical.encode()).hexdigest()
    assert house(*wishes).input_hash == house(*reversed(wishes)).input_hash == expected
