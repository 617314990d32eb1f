"""Decisions: the cases, the golden matrix, and what holds for every request whatever the rules."""

import random
import statistics
import time
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policies.casebook import run_cases
from policies.comparison import compare
from policies.engine import Policies, decide
from policies.errors import PolicyLoadError
from policies.loader import load_policies
from policies.matrix import matrix
from policies.model import (
    STRICTNESS,
    Asker,
    Location,
    PolicyRequest,
    Relation,
    RequestedAction,
    Ruling,
    Situation,
)
from tests.policies.guards import assert_each_guard_suffices

PRODUCT = Path(__file__).parents[2] / "policies"
HOUSE = Path(__file__).parent / "data"
GOLDEN = Path(__file__).parent / "golden_matrix.txt"

ACTIONS = sorted(load_policies(PRODUCT / "rules", PRODUCT / "actions").catalogue.actions)
HOUSE_POLICIES = load_policies(HOUSE / "rules", HOUSE / "actions", default_queue="porter")
HOUSE_RULES = (HOUSE / "rules" / "house.cedar").read_text(encoding="utf-8")

askers = st.builds(
    Asker,
    id=st.text(max_size=20),
    employment=st.sampled_from(["employee", "contractor", "unknown"]),
    groups=st.lists(st.sampled_from(["administrators", "finance", "é"]), max_size=3).map(tuple),
    site=st.none() | st.text(max_size=5),
    verified=st.booleans(),
)
situations = st.builds(
    Situation,
    device_managed=st.none() | st.booleans(),
    location=st.sampled_from(get_args(Location)),
    working_hours=st.none() | st.booleans(),
    topic=st.none() | st.sampled_from(["password_reset.lockout", "mfa.lost_phone", ""]),
    lockouts_24h=st.integers(-(2**70), 2**70) | st.integers(0, 5),
    probes_in_thread=st.integers(0, 6),
    lockdown=st.booleans(),
)


def actions_of(names: list[str]) -> st.SearchStrategy[tuple[RequestedAction, ...]]:
    one = st.builds(
        RequestedAction,
        action=st.sampled_from(names) | st.text(max_size=12),
        relation=st.sampled_from(get_args(Relation)),
        seen_by=st.sampled_from(["recogniser", "model", "caller"]),
        confidence=st.floats(0, 1),
    )
    return st.lists(one, max_size=4).map(tuple)


def requests_of(names: list[str]) -> st.SearchStrategy[PolicyRequest]:
    return st.builds(PolicyRequest, asker=askers, actions=actions_of(names), situation=situations)


requests = requests_of(ACTIONS)
house_requests = requests_of(sorted(HOUSE_POLICIES.catalogue.actions))
with_house = settings(deadline=None, max_examples=150)
with_product = settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def rewritten(folder: Path, rules: str) -> Policies:
    """The house with other rules."""
    folder.mkdir(exist_ok=True)
    (folder / "house.cedar").write_text(rules, encoding="utf-8")
    schema = (HOUSE / "rules" / "schema.cedarschema").read_text(encoding="utf-8")
    (folder / "schema.cedarschema").write_text(schema, encoding="utf-8")
    return load_policies(folder, HOUSE / "actions", default_queue="porter")


def request(*actions: str, relation: Relation = "self", **situation: object) -> PolicyRequest:
    return PolicyRequest(
        asker=Asker(id="somebody", employment="employee", verified=True),
        actions=tuple(RequestedAction(action=each, relation=relation) for each in actions),
        situation=Situation.model_validate(situation),
    )


# ---- the written cases and the matrix


def test_every_case_holds(policies: Policies) -> None:
    results = run_cases(policies, PRODUCT / "cases")
    assert [str(result) for result in results if not result.holds] == []
    assert len(results) >= 480


def test_every_action_and_every_rule_has_a_case(policies: Policies) -> None:
    results = run_cases(policies, PRODUCT / "cases")
    decided = {ruling.action for result in results for ruling in result.decision.rulings}
    applied = {rule for result in results for rule in result.decision.rules}
    assert set(policies.catalogue.actions) - decided == set()
    assert set(policies.rules) - applied == set()


def test_a_case_that_does_not_hold_says_why(policies: Policies, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        "label: synthetic\ncases:\n"
        "  - {name: wrong, ask: [reset_mfa_other], effect: permit, rule: forms, queue: network,\n"
        "     priority: P4, mandatory_class: lost_device, effects: {reset_mfa_other: decline}}\n",
        encoding="utf-8",
    )
    (result,) = run_cases(policies, tmp_path)
    assert not result.holds
    assert str(result) == (
        "mine.yaml:3: wrong: effect is escalate (other-person-credential, privileged-tier), "
        "not permit; "
        "rule forms does not apply, but other-person-credential, privileged-tier; "
        "queue is identity-desk, not network; priority is P2, not P4; "
        "mandatory_class is other_person_credential, not lost_device; "
        "reset_mfa_other is escalate, not decline"
    )


def test_faulty_cases_are_refused(policies: Policies, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        "cases:\n  - {name: x, ask: [a for b], effect: permit}\n"
        "  - {name: y, ask: [], efect: permit}\n",
        encoding="utf-8",
    )
    with pytest.raises(PolicyLoadError) as caught:
        run_cases(policies, tmp_path)
    assert "mine.yaml:2: ask.0: String should match pattern" in str(caught.value)
    assert "mine.yaml:3: efect: this key is unknown" in str(caught.value)
    with pytest.raises(PolicyLoadError, match="has no case"):
        run_cases(policies, tmp_path / "nowhere")


def test_the_golden_matrix_is_unchanged(policies: Policies) -> None:
    """Meant? Then: python -m policies.matrix > tests/policies/golden_matrix.txt"""
    assert matrix(policies) == GOLDEN.read_text(encoding="utf-8")


def test_each_of_the_two_guards_suffices(policies: Policies) -> None:
    assert_each_guard_suffices(policies)


# ---- what holds for every request


@with_product
@given(requests)
def test_what_nothing_permits_escalates(policies: Policies, asked: PolicyRequest) -> None:
    for ruling in decide(asked, policies).rulings:
        permits = [
            r for r in ruling.rules if r in policies.rules and policies.rules[r].effect == "permit"
        ]
        assert ruling.effect != "permit" or permits
        assert ruling.rules


@with_product
@given(requests)
def test_mandatory_classes_always_escalate_to_a_queue(
    policies: Policies, asked: PolicyRequest
) -> None:
    decision = decide(asked, policies)
    for ruling in decision.rulings:
        action = policies.catalogue.actions.get(ruling.action)
        if action is None or action.mandatory_class:
            assert ruling.effect == decision.effect == "escalate"
            assert ruling.queue
            assert ruling.priority
            assert ruling.say


@with_product
@given(requests, st.randoms(use_true_random=False))
def test_the_order_of_actions_and_groups_changes_nothing(
    policies: Policies, asked: PolicyRequest, chance: random.Random
) -> None:
    actions, groups = list(asked.actions), list(asked.asker.groups)
    chance.shuffle(actions)
    chance.shuffle(groups)
    turned = asked.model_copy(
        update={
            "actions": tuple(actions),
            "asker": asked.asker.model_copy(update={"groups": tuple(groups)}),
        }
    )
    assert decide(turned, policies) == decide(asked, policies)


@with_product
@given(requests, actions_of(ACTIONS))
def test_seeing_more_actions_never_makes_a_decision_milder(
    policies: Policies, asked: PolicyRequest, more: tuple[RequestedAction, ...]
) -> None:
    if not asked.actions:
        return
    seen = asked.model_copy(update={"actions": asked.actions + more})
    before, after = decide(asked, policies), decide(seen, policies)
    assert STRICTNESS[after.effect] >= STRICTNESS[before.effect]


@with_product
@given(requests)
def test_the_same_request_gives_the_same_receipt(policies: Policies, asked: PolicyRequest) -> None:
    again = PolicyRequest.model_validate_json(asked.model_dump_json())
    assert decide(asked, policies).model_dump_json() == decide(again, policies).model_dump_json()


def test_policies_that_were_loaded_again_give_the_same_receipt(policies: Policies) -> None:
    again = load_policies(PRODUCT / "rules", PRODUCT / "actions")
    for action in ACTIONS:
        asked = request(action, location="travelling", lockouts_24h=2)
        assert decide(asked, again) == decide(asked, policies)


@with_house
@given(house_requests, st.randoms(use_true_random=False))
def test_the_order_of_rules_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, asked: PolicyRequest, chance: random.Random
) -> None:
    head, *rest = HOUSE_RULES.split("\n\n")
    chance.shuffle(rest)
    turned = rewritten(tmp_path_factory.getbasetemp() / "turned", "\n\n".join([head, *rest]))
    assert decide(asked, turned) == decide(asked, HOUSE_POLICIES)


CONDITIONS = (
    "context.verified",
    'context.location == Location::"office"',
    'context.relation != Relation::"self"',
    "context has device_managed && context.device_managed",
    "context.lockouts_24h > 1",
    'context.groups.contains("finance")',
    "context.lockouts_24h + 9223372036854775000 > 0",
)


@with_house
@given(house_requests, st.sampled_from(CONDITIONS), st.sampled_from(["escalate", "decline"]))
def test_adding_a_forbid_never_permits_more(
    tmp_path_factory: pytest.TempPathFactory, asked: PolicyRequest, condition: str, outcome: str
) -> None:
    forbid = (
        f'\n@id("added") @reason("r") @outcome("{outcome}")\n'
        f"forbid (principal, action, resource) when {{ {condition} }};"
    )
    stricter = rewritten(tmp_path_factory.getbasetemp() / "stricter", HOUSE_RULES + forbid)
    before, after = decide(asked, HOUSE_POLICIES), decide(asked, stricter)
    assert not (after.effect == "permit" and before.effect != "permit")
    escalated = {r.action for r in before.rulings if r.effect == "escalate"}
    milder = escalated - {r.action for r in after.rulings if r.effect == "escalate"}
    # A forbid that declines settles what before nothing permitted; nothing else may get milder.
    settled = {r.action for r in before.rulings if r.rules == ("default-escalate",)}
    assert milder <= (settled if outcome == "decline" else set())


FAULTS = (
    "context.lockouts_24h * 9223372036854775807 == 1",
    "context.probes + 9223372036854775807 == 0",
    "context.lockouts_24h * context.lockouts_24h == 7",
)


@with_house
@given(house_requests, st.sampled_from(FAULTS), st.sampled_from(["escalate", "decline", "permit"]))
def test_a_rule_that_fails_escalates_whatever_it_would_have_said(
    tmp_path_factory: pytest.TempPathFactory, asked: PolicyRequest, condition: str, outcome: str
) -> None:
    kind = "permit" if outcome == "permit" else f'@outcome("{outcome}") forbid'
    rule = f'\n@id("broken") @reason("r") {kind} (principal, action, resource)\nwhen {{ {condition} }};'
    broken = rewritten(tmp_path_factory.getbasetemp() / "broken", HOUSE_RULES + rule)
    once = tuple({action.action: action for action in asked.actions}.values())
    asked = asked.model_copy(update={"actions": once})
    for before, after in zip(*_by_action(asked, HOUSE_POLICIES, broken), strict=True):
        if "policy-error" in after.rules:
            assert after.effect == "escalate"
            assert after.queue
        elif "broken" not in after.rules:
            assert after == before


def _by_action(asked: PolicyRequest, *several: Policies) -> list[list[Ruling]]:
    """The rulings under each of the policies, in one order."""
    return [sorted(decide(asked, each).rulings, key=lambda r: r.action) for each in several]


@with_product
@given(requests, st.sampled_from(["recogniser", "model", "caller"]), st.floats(0, 1))
def test_who_saw_an_action_and_how_surely_makes_nothing_milder_or_stricter(
    policies: Policies, asked: PolicyRequest, seen_by: str, confidence: float
) -> None:
    changed = {"seen_by": seen_by, "confidence": confidence}
    actions = tuple(action.model_copy(update=changed) for action in asked.actions)
    seen = decide(asked.model_copy(update={"actions": actions}), policies)
    before = decide(asked, policies)
    assert (seen.effect, seen.priority) == (before.effect, before.priority)
    assert sorted(map(repr, seen.rulings)) == sorted(map(repr, before.rulings))


@with_product
@given(requests, actions_of(ACTIONS))
def test_what_a_model_adds_raises_a_case_or_leaves_it_where_it_goes(
    policies: Policies, asked: PolicyRequest, more: tuple[RequestedAction, ...]
) -> None:
    seen = tuple(a.model_copy(update={"seen_by": "recogniser"}) for a in asked.actions)
    added = tuple(a.model_copy(update={"seen_by": "model"}) for a in more)
    before = decide(asked.model_copy(update={"actions": seen}), policies)
    after = decide(asked.model_copy(update={"actions": (*seen, *added)}), policies)
    if not seen:
        return  # then the plain question is asked instead of nothing, see the gate
    assert STRICTNESS[after.effect] >= STRICTNESS[before.effect]
    if (after.effect, after.priority) == (before.effect, before.priority):
        assert (after.queue, after.reason_code) == (before.queue, before.reason_code)


@with_product
@given(requests)
def test_an_unclear_relation_is_never_milder_than_the_own(
    policies: Policies, asked: PolicyRequest
) -> None:
    own, unclear = (
        asked.model_copy(
            update={
                "actions": tuple(a.model_copy(update={"relation": kind}) for a in asked.actions)
            }
        )
        for kind in ("self", "unknown")
    )
    milder, stricter = decide(own, policies).effect, decide(unclear, policies).effect
    assert STRICTNESS[stricter] >= STRICTNESS[milder]


@with_product
@given(requests)
def test_comparing_policies_with_themselves_finds_nothing(
    policies: Policies, asked: PolicyRequest
) -> None:
    assert compare(asked, policies, policies) is None


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("when { context.verified }", "when { context.lockdown }", "effect"),
        ('@escalate_to("porter")', '@escalate_to("vault")', "route"),
        ('@id("window")', '@id("casement")', "rules"),
        ("Asking is free.", "Asking costs nothing.", None),
    ],
)
def test_a_change_of_policy_is_told_by_what_differs_most(
    tmp_path: Path, old: str, new: str, kind: str | None
) -> None:
    changed = rewritten(tmp_path / "rules", HOUSE_RULES.replace(old, new))
    at = {"route": "travelling"}.get(kind or "", "office")
    change = compare(request("open_window", location=at), HOUSE_POLICIES, changed)
    assert (change.kind if change else None) == kind


def test_a_part_that_flips_under_an_escalation_is_told(tmp_path: Path) -> None:
    changed = rewritten(
        tmp_path / "rules", HOUSE_RULES.replace("when { context.verified }", "when { false }")
    )
    change = compare(request("open_window", "open_safe"), HOUSE_POLICIES, changed)
    assert change is not None
    assert change.kind == "part"
    assert dict(change.old.parts) == {"open_window": "permit", "open_safe": "escalate"}
    assert dict(change.new.parts) == {"open_window": "escalate", "open_safe": "escalate"}


# ---- single decisions


def test_an_error_in_a_rule_escalates(tmp_path: Path) -> None:
    overflow = (
        '\n@id("broken") @reason("r") @outcome("decline")\n'
        "forbid (principal, action, resource)\n"
        "when { context.lockouts_24h * 9223372036854775807 == 1 };"
    )
    policies = rewritten(tmp_path / "rules", HOUSE_RULES + overflow)
    assert decide(request("open_window"), policies).effect == "permit"
    decision = decide(request("open_window", lockouts_24h=2), policies)
    assert decision.effect == "escalate"
    assert decision.rules == ("policy-error", "window")
    assert decision.queue == "porter"
    assert decision.reason.startswith("A rule could not be evaluated, so a person decides.")


@pytest.mark.parametrize("count", [2**63, -(2**63) - 1, 2**200])
def test_a_number_that_cedar_cannot_hold_escalates(count: int) -> None:
    decision = decide(request("open_window", lockouts_24h=count), HOUSE_POLICIES)
    assert decision.effect == "escalate"
    assert decision.rules == ("policy-error",)


def test_escalate_beats_decline_and_all_forbids_are_listed() -> None:
    decision = decide(
        request("open_window", relation="other", location="travelling"), HOUSE_POLICIES
    )
    assert decision.effect == "escalate"
    assert decision.rules == ("quiet", "wind")
    assert decision.queue == "porter"
    assert decision.reason_code == "wind"
    assert decision.rulings[0].say == "On the road nobody opens windows."


def test_an_unknown_action_escalates_to_the_default_queue() -> None:
    decision = decide(request("fly"), HOUSE_POLICIES)
    assert (decision.effect, decision.rules) == ("escalate", ("unknown-action",))
    assert (decision.queue, decision.priority) == ("porter", "P3")
    assert decision.reason == "The action is not in the catalogue, so a person decides."


def test_no_action_is_a_plain_question() -> None:
    decision = decide(request(), HOUSE_POLICIES)
    assert decision.effect == "permit"
    assert decision.rulings[0].action == "ask_question"
    assert decision.rules == ("questions",)
    assert decision.queue is None


def test_what_no_rule_permits_goes_to_the_default_queue() -> None:
    asked = request("open_window").model_copy(update={"asker": Asker(id="x")})
    decision = decide(asked, HOUSE_POLICIES)
    assert (decision.effect, decision.rules) == ("escalate", ("default-escalate",))
    assert decision.queue == "porter"
    assert decision.rulings[0].say.startswith("I cannot decide this myself")


def test_an_incident_leads_and_brings_its_safe_steps() -> None:
    decision = decide(request("open_safe", "fire", "open_window"), HOUSE_POLICIES)
    first, second, third = decision.rulings
    assert (decision.queue, decision.priority, decision.reason_code) == ("brigade", "P1", "fire")
    assert first.safe_steps == ("Leave the building.", "Do not use the lift.")
    assert (second.action, second.queue) == ("open_safe", "vault")
    assert (third.action, third.effect, third.safe_steps) == ("open_window", "permit", ())
    assert decision.escalated == (first, second)


def test_a_receipt_names_version_and_input(policies: Policies) -> None:
    decision = decide(request("reset_own_password"), policies)
    assert decision.policy_version == policies.version
    assert len(decision.input_hash) == 64
    other = decide(request("reset_own_password", location="home"), policies)
    assert other.input_hash != decision.input_hash


def test_a_decision_takes_less_than_a_millisecond(policies: Policies) -> None:
    """Generous, because the machine may be busy: the aim is 0.3 ms."""
    asked = request("reset_own_password")
    spent = []
    for _ in range(200):
        start = time.process_time()
        decide(asked, policies)
        spent.append(time.process_time() - start)
    assert statistics.median(spent) < 0.001
