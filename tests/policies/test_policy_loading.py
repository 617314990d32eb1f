"""A fault in rules or catalogue stops the load and is named by file, line and mend."""

from collections.abc import Callable
from pathlib import Path

import pytest

from policies.catalogue import MANDATORY_CLASSES
from policies.engine import FACTS, Policies
from policies.errors import PolicyLoadError
from policies.loader import load_policies

Load = Callable[[], Policies]
Say = Callable[[], str]


def add_rule(house: Path, text: str, name: str = "more.cedar") -> None:
    (house / "rules" / name).write_text(text, encoding="utf-8")


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_a_good_folder_loads(load: Load) -> None:
    policies = load()
    assert set(policies.rules) == {"safe", "fire", "wind", "quiet", "window", "questions"}
    assert "ask_question" in policies.catalogue.actions
    assert policies.rules["wind"].line == 12


def test_the_product_has_a_forbid_and_actions_for_every_mandatory_class(
    policies: Policies,
) -> None:
    texts = [rule.syntax for rule in policies.rules.values() if rule.effect == "escalate"]
    classes = [action.mandatory_class for action in policies.catalogue.actions.values()]
    for name in MANDATORY_CLASSES:
        assert any(f'"class:{name}"' in text for text in texts), name
        assert classes.count(name) >= 2, name  # type: ignore[arg-type]  # a class by its name
    assert len(policies.catalogue.actions) >= 64


def test_the_version_ignores_comments_layout_and_file_names(house: Path, load: Load) -> None:
    before = load().version
    path = house / "rules" / "house.cedar"
    text = "// new comment\n" + path.read_text(encoding="utf-8").replace("when {", "when   {")
    head, tail = text.split('@id("wind")')
    path.write_text(head, encoding="utf-8")
    add_rule(house, '@id("wind")' + tail, "aaa.cedar")
    assert load().version == before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("rules/house.cedar", "never one", "ever"),
        ("rules/house.cedar", 'Location::"travelling"', 'Location::"home"'),
        ("actions/house.yaml", "priority: P2", "priority: P3"),
        ("actions/house.yaml", "fresh air please", "some air please"),
        ("rules/schema.cedarschema", "lockdown: Bool,", "lockdown: Bool, extra?: Bool,"),
    ],
)
def test_the_version_follows_every_meaning(
    house: Path, load: Load, file: str, old: str, new: str
) -> None:
    before = load().version
    edit(house / file, old, new)
    assert load().version != before


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (
            '\n@id("x")\n@reason("r")\npermit (principal action, resource);',
            "more.cedar:2: The rule that starts here is not Cedar: unexpected token `action`.",
        ),
        (
            (
                '@id("x")\n@reason("r")\n@escalat_to("vault")\n@outcome("escalate")\n'
                "forbid (principal, action, resource);"
            ),
            "more.cedar:3: The annotation @escalat_to is unknown. Did you mean @escalate_to?",
        ),
        (
            '@id("x") @reason("r") @colour("red") permit (principal, action, resource);',
            "more.cedar:1: The annotation @colour is unknown. Known are @id, @outcome,",
        ),
        (
            '@id("wind") @reason("r") permit (principal, action, resource);',
            "The id 'wind' is taken by the rule in house.cedar:12; rename one.",
        ),
        (
            '@reason("r") permit (principal, action, resource);',
            'more.cedar:1: This rule has no @id; add @id("…") above it.',
        ),
        (
            '@id("x") permit (principal, action, resource);',
            'This rule has no @reason; add @reason("…") above it.',
        ),
        (
            '@id("x") @reason permit (principal, action, resource);',
            'The annotation @reason is empty; write @reason("…").',
        ),
        (
            '@id("x") @reason("r") forbid (principal, action, resource);',
            "This forbid has no @outcome; add",
        ),
        (
            '@id("x") @reason("r") @outcome("allow") forbid (principal, action, resource);',
            "@outcome is 'allow'; it must be one of escalate, decline.",
        ),
        (
            '@id("x") @reason("r") @outcome("escalate") permit (principal, action, resource);',
            "A permit has no @outcome; only a forbid has.",
        ),
        (
            (
                '@id("x") @reason("r") @outcome("escalate") @escalate_to("valt") '
                "forbid (principal, action, resource);"
            ),
            "The queue 'valt' is unknown; the queues are brigade, porter, vault.",
        ),
        (
            (
                '@id("x") @reason("r") @outcome("decline") @escalate_to("vault") '
                "forbid (principal, action, resource);"
            ),
            "A rule that declines has no queue; remove @escalate_to or escalate.",
        ),
        (
            (
                '@id("x") @reason("r") @outcome("escalate") @priority("P7") '
                "forbid (principal, action, resource);"
            ),
            "@priority is 'P7'; it must be one of P1, P2, P3, P4.",
        ),
        (
            '@id("default-escalate") @reason("r") permit (principal, action, resource);',
            "The id 'default-escalate' belongs to the engine; choose another.",
        ),
        (
            '@id("x") @reason("r") permit (principal == ?principal, action, resource);',
            "Templates (?principal, ?resource) are not used here.",
        ),
        (
            '@id("x") @reason("r") permit (principal, action, resource)',
            "more.cedar:1: The rule that starts here does not end; close it with ';'.",
        ),
        (
            (
                '\n@id("x") @reason("r") permit (principal, action, resource)\n'
                '@id("y") @reason("r") permit (principal, action, resource);'
            ),
            "more.cedar:2: The rule that starts here runs into the next one; close it with ';'.",
        ),
        (
            '\n\n@id("x") @reason("r")\npermit (principal, action == Action::"open_dor", resource);',
            "more.cedar:3: Rule 'x': unrecognized action `Action::\"open_dor\"`",
        ),
        (
            '@id("x") @reason("r") permit (principal, action, resource) when { context.foo };',
            "attribute `foo` in context not found",
        ),
        (
            (
                '@id("x") @reason("r") permit (principal, action, resource) '
                "when { context.verified > 3 };"
            ),
            "more.cedar:1: Rule 'x': ",
        ),
        (
            (
                '@id("x") @reason("r") permit (principal, action, resource) '
                'when { context.location == Location::"traveling" };'
            ),
            "is not declared as a valid eid",
        ),
        (
            (
                '@id("x") @reason("r") permit (principal, action, resource) '
                "when { context.device_managed };"
            ),
            "unable to guarantee safety of access to optional attribute `device_managed`",
        ),
        (
            '@id("x") @reason("r") permit (principal is Service, action, resource);',
            "it can never apply, no action is in its scope; widen the scope or remove the rule.",
        ),
    ],
)
def test_a_faulty_rule_is_named(house: Path, problems: Say, rule: str, message: str) -> None:
    add_rule(house, rule)
    assert message in problems()


def test_a_rule_for_a_class_without_actions_may_wait(house: Path, load: Load) -> None:
    add_rule(
        house,
        '@id("lost") @reason("r") @outcome("escalate")'
        'forbid (principal, action in Action::"class:lost_device", resource);',
    )
    assert "lost" in load().rules


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("tier: privileged", "tier: privledged", "house.yaml:24: tier: Input should be"),
        ("    who: [employee]\n", "", "house.yaml:22: who: this key is missing; add it."),
        ("relation: [self]", "relation: self", "house.yaml:7: relation: Input should be a valid"),
        (
            "queue: vault",
            "queue: valt",
            "house.yaml:29: The queue 'valt' is unknown; the queues are brigade, porter, vault.",
        ),
        (
            "id: open_safe",
            "id: open_window",
            "house.yaml:22: The action id 'open_window' is taken already; ids are unique.",
        ),
        (
            "    form: null\n",
            "    form: null\n    forn: null\n",
            "house.yaml:14: forn: this key is unknown; check its spelling or remove it.",
        ),
        ("priority: P1", "priority: P2", "'fire': an incident has priority P1"),
        (
            "title: Open the safe",
            "title: Open the safe\n    title: Again",
            "house.yaml:24: The key 'title' stands here a second time; keep one.",
        ),
        ("label: synthetic", "label: synthetic\nowner: me", "house.yaml:2: The key 'owner'"),
        ("actions:", "actoins:", "The file needs a list under the key 'actions'."),
        ("title: It burns", "title: [It burns", "Not readable as YAML"),
        ('"fresh air please"', '"How do I open my window?"', "two texts under 'en' are alike"),
    ],
)
def test_a_faulty_action_is_named(
    house: Path, problems: Say, old: str, new: str, message: str
) -> None:
    edit(house / "actions" / "house.yaml", old, new)
    assert message in problems()


def test_all_faults_are_listed_at_once(house: Path, problems: Say) -> None:
    edit(house / "actions" / "house.yaml", "tier: privileged", "tier: nonsense")
    add_rule(house, '@id("x") permit (principal, action, resource);')
    (house / "rules" / "schema.cedarschema").write_text("entity User;\nactio x;", encoding="utf-8")
    said = problems()
    assert "The policies have 3 problems:" in said
    assert "house.yaml:24:" in said
    assert "more.cedar:1:" in said
    assert "schema.cedarschema:2: Not a schema: error parsing schema: unexpected token" in said


def test_empty_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyLoadError) as caught:
        load_policies(tmp_path, tmp_path)
    assert "has no *.yaml file; put the action catalogue there." in str(caught.value)
    assert "has no rule in a *.cedar file; put the rules there." in str(caught.value)
    assert "schema.cedarschema:1: The file is missing" in str(caught.value)


def test_binary_rules_are_refused(house: Path, problems: Say) -> None:
    (house / "rules" / "more.cedar").write_bytes(b"\xff\xfe\x00")
    assert "more.cedar:1: Not readable as UTF-8 text" in problems()


def test_binary_actions_are_refused(house: Path, problems: Say) -> None:
    (house / "actions" / "more.yaml").write_bytes(b"\xff\xfe\x00")
    assert "more.yaml:1: Not readable as UTF-8 YAML" in problems()


def test_an_unknown_default_queue_is_refused(house: Path) -> None:
    with pytest.raises(PolicyLoadError, match="The queue 'nowhere' is unknown"):
        load_policies(
            house / "rules",
            house / "actions",
            queues=frozenset({"vault", "brigade", "porter"}),
            default_queue="nowhere",
        )


def test_a_mandatory_class_that_a_permit_lets_through_is_refused(
    house: Path, problems: Say
) -> None:
    edit(
        house / "rules" / "house.cedar",
        'action in Action::"class:privileged_access"',
        'action == Action::"open_window"',
    )
    add_rule(house, '@id("x") @reason("r") permit (principal, action, resource);')
    assert (
        "house.yaml:22: Action 'open_safe': it is of class privileged_access and must escalate, "
        "but the rules permit it (x); add a forbid for it." in problems()
    )


def test_a_schema_that_the_engine_cannot_fill_is_refused(house: Path, problems: Say) -> None:
    edit(house / "rules" / "schema.cedarschema", "lockdown: Bool,", "lockdown: Bool, moon: String,")
    assert (
        "schema.cedarschema:1: The rules cannot be evaluated: `Situation` does not take"
        in problems()
    )


@pytest.mark.parametrize("fact", FACTS)
def test_a_schema_that_lacks_a_fact_is_refused_with_what_to_write(
    house: Path, problems: Say, fact: str
) -> None:
    edit(house / "rules" / "schema.cedarschema", f"  {fact},\n", "")
    (house / "rules" / "house.cedar").write_text(
        '@id("questions") @reason("r") permit (principal, action, resource);'
        '@id("safe") @reason("r") @outcome("escalate") forbid (principal, action, resource)'
        'when { action in [Action::"tier:privileged", Action::"tier:incident"] };',
        encoding="utf-8",
    )
    said = problems()
    assert said.count("schema.cedarschema") == 1
    assert f"{fact}" in said


def test_a_favourable_situation_lets_no_mandatory_class_through(house: Path, problems: Say) -> None:
    edit(
        house / "rules" / "house.cedar",
        'forbid (principal, action in Action::"class:privileged_access", resource);',
        'forbid (principal, action in Action::"class:privileged_access", resource)\n'
        "unless { context has working_hours && context.working_hours };",
    )
    add_rule(house, '@id("x") @reason("r") permit (principal, action, resource);')
    assert "house.yaml:22: Action 'open_safe': it is of class privileged_access" in problems()


def test_examples_and_near_misses_name_their_action(load: Load) -> None:
    catalogue = load().catalogue
    examples = list(catalogue.examples())
    assert ("open_window", "self", "de", "wie geht das Fenster auf") in examples
    assert ("fire", "unknown", "en", "there is smoke in the hall") in examples
    assert ("open_safe", "unknown", "en", "where is the safe") in list(catalogue.near_misses())
    assert len(examples) == 5


def test_no_two_examples_of_the_product_are_alike(policies: Policies) -> None:
    texts = [example.text.casefold() for example in policies.catalogue.examples()]
    assert len(texts) == len(set(texts))
