"""Reads rules and catalogue, checks them against each other, and hands out `Policies` or nothing.

What was loaded is known to hold: Cedar has validated every rule against the schema, every action
is in the schema, and no action of a mandatory class can be permitted.
"""

import hashlib
import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import get_args

import cedarpy

from policies.catalogue import Action, Catalogue, load_catalogue, unknown_queue
from policies.engine import FACTS, Policies, decide
from policies.errors import PolicyLoadError, Problem
from policies.model import Asker, PolicyRequest, Relation, RequestedAction, Situation
from policies.rule import Rule, read_rules

SCHEMA = "schema.cedarschema"

_IMPOSSIBLE = "unable to find an applicable action"
_NOISE = r"for policy `policy\d+`,? ?:? ?| for Action::\"[^\"]*\""


def load_policies(
    rules_dir: Path,
    actions_dir: Path,
    *,
    queues: frozenset[str] | None = None,
    default_queue: str = "service-desk",
) -> Policies:
    """Load a company's policies.

    `queues` are the queues that exist, to catch a misspelt one; `default_queue` takes what no
    rule and no catalogue entry has a queue for. Raises `PolicyLoadError` listing every problem.
    """
    problems: list[Problem] = []
    if queues is not None and default_queue not in queues:
        problems.append(Problem("(settings)", 1, unknown_queue(default_queue, queues)))
    try:
        catalogue = load_catalogue(actions_dir, queues)
    except PolicyLoadError as error:
        problems.extend(error.problems)
        catalogue = Catalogue({}, {})
    rules, faults = read_rules(rules_dir, queues)
    problems.extend(faults)
    schema = _schema(rules_dir, catalogue, problems)
    if problems or schema is None:
        # Rules are not validated against half a catalogue: that would report faults they lack.
        raise PolicyLoadError(problems)
    policies = _assemble(rules, schema, catalogue, default_queue)
    # Each looks at what those before it found whole; otherwise it reports their faults again.
    problems = [*_invalid(rules, schema, catalogue)] or _misfit(policies) or [*_unsafe(policies)]
    if problems:
        raise PolicyLoadError(problems)
    return policies


def action_schema(catalogue: Catalogue) -> str:
    """The part of the Cedar schema that follows from the catalogue: its groups and actions."""
    groups = ", ".join(f'"{group}"' for group in catalogue.groups)
    lines = [f"action {groups};"]
    for action in catalogue.actions.values():
        parents = ", ".join(f'"{group}"' for group in action.groups)
        lines.append(
            f'action "{action.id}" in [{parents}] appliesTo '
            "{ principal: User, resource: Service, context: Situation };"
        )
    return "\n".join(lines)


def _schema(folder: Path, catalogue: Catalogue, problems: list[Problem]) -> cedarpy.Schema | None:
    try:
        written = (folder / SCHEMA).read_text(encoding="utf-8")
        return cedarpy.Schema.from_str(f"{written}\n{action_schema(catalogue)}")
    except FileNotFoundError:
        text = f"The file is missing in {folder}; it declares what rules may look at."
        problems.append(Problem(SCHEMA, 1, text))
    except (OSError, UnicodeDecodeError) as error:
        problems.append(Problem(SCHEMA, 1, f"Not readable as UTF-8 text: {error}."))
    except ValueError as error:
        problems.append(Problem(SCHEMA, _line_of(written, str(error)), f"Not a schema: {error}."))
    return None


def _line_of(text: str, message: str) -> int:
    """Cedar's parser gives no position, but it names the token it stumbled over."""
    token = re.search(r"token `([^`]+)`", message)
    at = text.find(token.group(1)) if token else -1
    return text.count("\n", 0, at) + 1 if at >= 0 else 1


def _assemble(
    rules: tuple[Rule, ...], schema: cedarpy.Schema, catalogue: Catalogue, default_queue: str
) -> Policies:
    syntax = {rule.id: json.loads(rule.syntax) for rule in rules}
    document = {"staticPolicies": syntax, "templates": {}, "templateLinks": []}
    return Policies(
        version=_version(rules, schema, catalogue),
        catalogue=catalogue,
        rules=MappingProxyType({rule.id: rule for rule in rules}),
        default_queue=default_queue,
        policy_set=cedarpy.PolicySet.from_json_str(json.dumps(document)),
        schema=schema,
        # Only with the schema do the entities hold the actions' groups; without it no rule
        # that names a group ever applies, and nothing says so.
        entities=cedarpy.Entities.from_json_str("[]", schema),
    )


def _version(rules: tuple[Rule, ...], schema: cedarpy.Schema, catalogue: Catalogue) -> str:
    actions = [action.model_dump(mode="json") for action in catalogue.actions.values()]
    whole = json.dumps([[rule.syntax for rule in rules], str(schema), actions], sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()[:16]


def _invalid(
    rules: tuple[Rule, ...], schema: cedarpy.Schema, catalogue: Catalogue
) -> Iterator[Problem]:
    """Faults that Cedar's validator finds, each at its rule and each once."""
    for rule in rules:
        errors = cedarpy.validate_policies(rule.cedar, schema).errors
        texts = list(dict.fromkeys(re.sub(_NOISE, "", fault.error) for fault in errors))
        if len(texts) > 1 or _waits_for_members(rule, catalogue):
            texts = [text for text in texts if _IMPOSSIBLE not in text]
        for text in texts:
            yield Problem(rule.file, rule.line, f"Rule '{rule.id}': {_plain(text)}")


def _waits_for_members(rule: Rule, catalogue: Catalogue) -> bool:
    """Whether a rule names tiers or classes of which this catalogue has no action, as it may."""
    scope = json.loads(rule.syntax)["action"]
    named = {each["id"] for each in scope.get("entities", [scope.get("entity")]) if each}
    filled = {group for action in catalogue.actions.values() for group in action.groups}
    return bool(named) and named <= set(catalogue.groups) - filled


def _plain(text: str) -> str:
    if _IMPOSSIBLE in text:
        return "it can never apply, no action is in its scope; widen the scope or remove the rule."
    return f"{text}. Compare it with {SCHEMA} and the catalogue."


def _misfit(policies: Policies) -> list[Problem]:
    """A schema that cannot take all the facts that the engine hands over would escalate everything."""
    asker = Asker(id="anyone", site="anywhere")
    situation = Situation(device_managed=True, working_hours=True, topic="any.thing")
    decision = decide(PolicyRequest(asker=asker, situation=situation), policies)
    if "policy-error" not in decision.rules:
        return []
    text = (
        "The rules cannot be evaluated: `Situation` does not take the facts that the engine hands "
        f"over. It must declare these and no other without '?': {', '.join(FACTS)}."
    )
    return [Problem(SCHEMA, 1, text)]


def _unsafe(policies: Policies) -> Iterator[Problem]:
    """Whatever must always reach a person is tried in the most favourable of situations."""
    for action in policies.catalogue.actions.values():
        for request in _favourable(action):
            decision = decide(request, policies)
            text = None
            if "policy-error" in decision.rules:
                text = "the rules cannot be evaluated for it; does the schema fit the engine?"
            elif action.mandatory_class and decision.effect != "escalate":
                text = (
                    f"it is of class {action.mandatory_class} and must escalate, but the rules "
                    f"{decision.effect} it ({', '.join(decision.rules)}); add a forbid for it."
                )
            if text:
                file, line = policies.catalogue.places.get(action.id, (__name__, 1))
                yield Problem(file, line, f"Action '{action.id}': {text}")
                break


_TRIED: tuple[tuple[bool, Situation], ...] = (
    (True, Situation()),
    (False, Situation()),
    (True, Situation(device_managed=True, location="office", working_hours=True)),
)


def _favourable(action: Action) -> Iterator[PolicyRequest]:
    for relation, (verified, situation) in itertools.product(get_args(Relation), _TRIED):
        yield PolicyRequest(
            asker=Asker(id="anyone", employment="employee", verified=verified),
            actions=(RequestedAction(action=action.id, relation=relation),),
            situation=situation,
        )
