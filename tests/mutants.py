"""Small wrongs in the rules and in the engine, one at a time; the tests of the policies must notice.

`rule_mutants` works on Cedar's JSON form of the shipped rules, `engine_mutants` on the syntax tree of
`policies/engine.py`. A mutant that means the same as the original is listed, with the reason, in
`policies/equivalent_mutants.yaml` beside the tests.
"""

import ast
import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from policies.rule import Rule

PRODUCT = Path(__file__).parents[1] / "policies"
ENGINE = PRODUCT / "engine.py"

Node = Any
"""A piece of Cedar's JSON."""


@dataclass(frozen=True)
class RuleMutant:
    name: str
    """What it is called in a list of survivors."""
    rule: str
    syntax: Mapping[str, Node]
    """Every rule with the wrong in it, in Cedar's JSON, by id."""


@dataclass(frozen=True)
class CodeMutant:
    name: str
    text: str
    """The engine with the wrong in it."""


# ---- rules


def rule_mutants(rules: Mapping[str, Rule]) -> list[RuleMutant]:
    syntax = {name: json.loads(rule.syntax) for name, rule in rules.items()}
    found = []
    for rule, written in syntax.items():
        others = {name: each for name, each in syntax.items() if name != rule}
        found.append(RuleMutant(f"{rule}: dropped", rule, others))
        for what, wrong in _wrongs(written):
            found.append(RuleMutant(f"{rule}: {what}", rule, {**others, rule: wrong}))
    return found


def _wrongs(rule: Node) -> Iterator[tuple[str, Node]]:
    yield "forbid and permit exchanged", _exchanged(rule)
    yield from _scope_wrongs(rule)
    yield from _annotation_wrongs(rule)
    for number, condition in enumerate(rule["conditions"]):
        without = copy.deepcopy(rule)
        del without["conditions"][number]
        yield f"condition {number} dropped", without
        for what, body in _expression_wrongs(condition["body"]):
            wrong = copy.deepcopy(rule)
            wrong["conditions"][number]["body"] = body
            yield f"condition {number}: {what}", wrong


def _exchanged(rule: Node) -> Node:
    wrong = copy.deepcopy(rule)
    if rule["effect"] == "permit":
        wrong["effect"] = "forbid"
        wrong["annotations"]["outcome"] = "escalate"
        return wrong
    wrong["effect"] = "permit"
    kept = {"id", "reason"}
    wrong["annotations"] = {k: v for k, v in rule["annotations"].items() if k in kept}
    return wrong


def _scope_wrongs(rule: Node) -> Iterator[tuple[str, Node]]:
    if rule["action"]["op"] != "All":
        yield "any action", {**rule, "action": {"op": "All"}}
    entities = rule["action"].get("entities", [])
    for number, entity in enumerate(entities):
        rest = [*entities[:number], *entities[number + 1 :]]
        yield f"without {entity['id']}", {**rule, "action": {"op": "in", "entities": rest}}


def _annotation_wrongs(rule: Node) -> Iterator[tuple[str, Node]]:
    others = {
        "outcome": ("escalate", "decline"),
        "escalate_to": ("network", "print"),
        "priority": ("P1", "P4"),
        "mandatory_class": ("lost_device", "rule_exception"),
        "reason": ("Something else.", "Nothing."),
    }
    for name, (one, another) in others.items():
        value = rule["annotations"].get(name)
        if value is None:
            continue
        wrong = copy.deepcopy(rule)
        wrong["annotations"][name] = another if value == one else one
        yield f"@{name} changed", wrong
        if name not in ("outcome", "reason"):
            without = copy.deepcopy(rule)
            del without["annotations"][name]
            yield f"@{name} dropped", without


_TESTS = ("==", "!=", ">=", "in", "contains", "containsAny", "has")
_FLAGS = ("verified", "lockdown", "device_managed", "working_hours")
_OPPOSITE = {"==": "!=", "!=": "==", ">=": ">", ">": ">=", "<=": "<", "<": "<="}


def _expression_wrongs(body: Node) -> Iterator[tuple[str, Node]]:
    """Every part negated, every conjunct left out, every operator and constant changed."""
    for path, part in _parts(body, ()):
        if not isinstance(part, dict) or len(part) != 1:
            continue
        operator, inside = next(iter(part.items()))
        where = _said(part)
        for what, wrong in _operator_wrongs(operator, inside):
            yield f"{what} in {where}", _replaced(body, path, wrong)


def _operator_wrongs(  # noqa: C901 - one short branch a kind
    operator: str, inside: Node
) -> Iterator[tuple[str, Node]]:
    if operator in ("&&", "||"):
        yield "left dropped", inside["right"]
        yield "right dropped", inside["left"]
        yield "and/or exchanged", {"||" if operator == "&&" else "&&": inside}
    if operator in _TESTS or (operator == "." and inside["attr"] in _FLAGS):
        yield "negated", {"!": {"arg": {operator: inside}}}
    if operator in (">=", ">", "<=", "<"):
        yield "bound moved", {_OPPOSITE[operator]: inside}
    if operator == "Value" and isinstance(inside, int) and not isinstance(inside, bool):
        yield "one more", {"Value": inside + 1}
        yield "one less", {"Value": inside - 1}
    if operator == "Value" and isinstance(inside, str):
        yield "another text", {"Value": f"{inside}-x"}
    if operator == "Set":
        for number, element in enumerate(inside):
            yield f"without {_said(element)}", {"Set": [*inside[:number], *inside[number + 1 :]]}
    if operator == "Value" and isinstance(inside, dict) and inside["__entity"]["type"] == "Action":
        yield (
            "another action",
            {"Value": {"__entity": {"type": "Action", "id": "category:printer"}}},
        )


def _parts(node: Node, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Node]]:
    yield path, node
    if isinstance(node, dict) and "__entity" not in node:
        for key, inside in node.items():
            yield from _parts(inside, (*path, key))
    elif isinstance(node, list):
        for number, inside in enumerate(node):
            yield from _parts(inside, (*path, number))


def _replaced(body: Node, path: tuple[str | int, ...], wrong: Node) -> Node:
    if not path:
        return wrong
    changed = copy.deepcopy(body)
    place = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = wrong
    return changed


def _said(part: Node) -> str:
    """A short, unique name of an expression."""
    return " ".join(json.dumps(part).translate(str.maketrans("", "", '{}"[]:,')).split())[:160]


# ---- the engine


def engine_mutants() -> list[CodeMutant]:
    source = ENGINE.read_text(encoding="utf-8")
    tree = ast.parse(source)
    found = dict[str, CodeMutant]()
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    for function in functions:
        for node in _code(function.body):
            for what, wrong in _code_wrongs(node):
                text = _with(tree, node, wrong)
                place = ast.unparse(node).replace("\n", " ")[:90]
                name = f"{function.name}: {what} in {place}"
                number = sum(each.startswith(name) for each in found)
                found[name if not number else f"{name} #{number + 1}"] = CodeMutant(
                    name if not number else f"{name} #{number + 1}", text
                )
    return list(found.values())


def _code(node: ast.AST | list[Any]) -> Iterator[ast.AST]:
    """What runs: everything but annotations."""
    if isinstance(node, list):
        for each in node:
            yield from _code(each)
    elif isinstance(node, ast.AST):
        yield node
        for name, inside in ast.iter_fields(node):
            if name != "annotation":
                yield from _code(inside)


def _with(tree: ast.Module, node: ast.AST, wrong: ast.AST) -> str:
    class Put(ast.NodeTransformer):
        def visit(self, here: ast.AST) -> ast.AST:
            return wrong if here is node else self.generic_visit(here)

    # The transformer changes lists in place, so it gets a copy that shares the node itself.
    memo = {id(node): node}
    return ast.unparse(ast.fix_missing_locations(Put().visit(copy.deepcopy(tree, memo))))


_COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}


def _code_wrongs(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:  # noqa: C901 - one a kind
    match node:
        case ast.Compare(left, [operator], comparators) if type(operator) in _COMPARED:
            yield "turned", ast.Compare(left, [_COMPARED[type(operator)]()], comparators)
        case ast.BoolOp(operator, values):
            other = ast.Or() if isinstance(operator, ast.And) else ast.And()
            yield "and/or exchanged", ast.BoolOp(other, values)
            for number in range(len(values)):
                yield f"only part {number}", values[number]
        case ast.UnaryOp(ast.Not() | ast.USub(), operand):
            yield "sign dropped", operand
        case ast.If(test, body, orelse):
            yield "never", ast.If(ast.Constant(value=False), body, orelse)
            yield "always", ast.If(ast.Constant(value=True), body, orelse)
        case ast.IfExp(test, body, orelse):
            yield "the other", ast.IfExp(ast.UnaryOp(ast.Not(), test), body, orelse)
        case ast.Tuple(elements, ast.Load()) if len(elements) > 1:
            for number in range(len(elements)):
                rest = [*elements[:number], *elements[number + 1 :]]
                yield f"without {ast.unparse(elements[number])}", ast.Tuple(rest, ast.Load())
        case ast.Dict(keys, values) if keys:
            for number, key in enumerate(keys):
                rest_keys = [*keys[:number], *keys[number + 1 :]]
                rest_values = [*values[:number], *values[number + 1 :]]
                yield (
                    f"without {ast.unparse(key) if key else '**'}",
                    ast.Dict(rest_keys, rest_values),
                )
        case ast.Call():
            yield from _call_wrongs(node)
        case ast.Constant(str(value)) if len(value.split()) < 4:
            yield "another text", ast.Constant(f"{value}x")


_NAMES = {"min": "max", "max": "min", "sorted": "list", "set": "list"}


def _call_wrongs(node: ast.Call) -> Iterator[tuple[str, ast.AST]]:
    called = node.func.id if isinstance(node.func, ast.Name) else ""
    if called in _NAMES:
        keywords = [k for k in node.keywords if _NAMES[called] != "list"]
        yield called, ast.Call(ast.Name(_NAMES[called], ast.Load()), node.args, keywords)
    if isinstance(node.func, ast.Attribute) and node.func.attr == "fromkeys":
        yield "repeats kept", ast.Call(ast.Name("list", ast.Load()), node.args, [])
    for number, keyword in enumerate(node.keywords):
        rest = [*node.keywords[:number], *node.keywords[number + 1 :]]
        yield f"without {keyword.arg}", ast.Call(node.func, node.args, rest)
