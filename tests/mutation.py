"""How many small wrongs the tests of the policies notice: `python -m tests.mutation`.

A wrong counts as noticed when a decision case, the golden matrix, the load, or a test of decisions
fails. `policies/equivalent_mutants.yaml` lists those that mean the same, each with the reason.
"""

import argparse
import ast
import inspect
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import copy
from types import FunctionType
from typing import Any

import cedarpy
import yaml

from policies import engine
from policies.casebook import Case, faults_of, read_cases, request_of
from policies.engine import Policies
from policies.errors import PolicyLoadError
from policies.loader import SCHEMA, load_policies
from policies.matrix import lines
from policies.rule import Rule
from tests.mutants import PRODUCT, CodeMutant, RuleMutant, engine_mutants, rule_mutants
from tests.policies.guards import assert_each_guard_suffices

GOLDEN = Path(__file__).parent / "policies" / "golden_matrix.txt"
EQUIVALENT = Path(__file__).parent / "policies" / "equivalent_mutants.yaml"
TARGET = 0.95


@dataclass(frozen=True)
class Score:
    """What became of the mutants."""

    total: int
    survivors: tuple[str, ...]
    equivalent: int = 0

    @property
    def share(self) -> float:
        """Of those that mean something else."""
        of = self.total - self.equivalent
        return (of - len(self.survivors)) / of

    def __str__(self) -> str:
        of = self.total - self.equivalent
        return (
            f"{of - len(self.survivors)} of {of} noticed ({self.share:.1%}), "
            f"{self.equivalent} more mean the same"
        )


class Judge:
    """Knows the shipped policies and their cases; says whether a wrong in them is noticed."""

    def __init__(self) -> None:
        self._policies = load_policies(PRODUCT / "rules", PRODUCT / "actions")
        self._cases = read_cases(PRODUCT / "cases")
        self._golden = GOLDEN.read_text(encoding="utf-8").splitlines(keepends=True)
        self._touched = {
            case.name: {*engine.decide(request_of(case, self._policies), self._policies).rules}
            for case in self._cases
        }

    @property
    def rules(self) -> Mapping[str, Rule]:
        return self._policies.rules

    def notices_rules(self, mutant: RuleMutant, *, thoroughly: bool = True) -> bool:
        spoilt = _with_rules(self._policies, mutant.syntax)
        near = [case for case in self._cases if mutant.rule in self._touched[case.name]]
        if self._a_case_fails([*near, *self._cases], spoilt):
            return True
        if not thoroughly:
            return False
        if _fails(lambda: assert_each_guard_suffices(spoilt)) or _is_refused(mutant.syntax):
            return True
        return not self._is_golden(spoilt)

    def notices_code(self, mutant: CodeMutant, *, thoroughly: bool = True) -> bool:
        checks = tuple(_checks(self._policies)) if thoroughly else ()
        with _spoilt(mutant.text):
            if self._a_case_fails(self._cases, self._policies):
                return True
            if any(map(_fails, checks)):
                return True
            return thoroughly and not self._is_golden(self._policies)

    def _a_case_fails(self, cases: Sequence[Case], policies: Policies) -> bool:
        def all_hold() -> None:
            for case in cases:
                decision = engine.decide(request_of(case, policies), policies)
                assert not faults_of(case, decision)

        return _fails(all_hold)

    def _is_golden(self, policies: Policies) -> bool:
        def unchanged() -> None:
            for written, line in zip(self._golden, lines(policies), strict=True):
                assert written == line

        return not _fails(unchanged)


def _fails(check: Callable[[], None]) -> bool:
    try:
        check()
    except Exception:  # noqa: BLE001 - a wrong may raise anything
        return True
    return False


def _with_rules(policies: Policies, syntax: Mapping[str, Any]) -> Policies:
    document = {"staticPolicies": dict(syntax), "templates": {}, "templateLinks": []}
    rules = {name: _read(policies.rules[name], each) for name, each in syntax.items()}
    written = cedarpy.PolicySet.from_json_str(json.dumps(document))
    return replace(policies, rules=rules, policy_set=written)


def _read(rule: Rule, syntax: Mapping[str, Any]) -> Rule:
    notes = syntax["annotations"]
    return replace(
        rule,
        syntax=json.dumps(syntax),
        effect=notes.get("outcome", "permit"),
        reason=notes["reason"],
        queue=notes.get("escalate_to"),
        priority=notes.get("priority"),
        mandatory_class=notes.get("mandatory_class"),
    )


def _is_refused(syntax: Mapping[str, Any]) -> bool:
    document = {"staticPolicies": dict(syntax), "templates": {}, "templateLinks": []}
    with tempfile.TemporaryDirectory() as folder:
        text = cedarpy.policies_from_json_str(json.dumps(document))
        (Path(folder) / "all.cedar").write_text(text, encoding="utf-8")
        copy(PRODUCT / "rules" / SCHEMA, folder)
        try:
            load_policies(Path(folder), PRODUCT / "actions")
        except PolicyLoadError:
            return True
    return False


@contextmanager
def _spoilt(text: str) -> Iterator[None]:
    """The engine with other code in its functions, for as long as the block lasts."""
    scratch = dict(vars(engine))
    exec(compile(text, "spoilt", "exec"), scratch)  # noqa: S102 - our own code, changed a little
    kept = {}
    for name, function in vars(engine).items():
        if isinstance(function, FunctionType) and function.__module__ == engine.__name__:
            kept[function] = function.__code__
            function.__code__ = scratch[name].__code__
    try:
        yield
    finally:
        for function, code in kept.items():
            function.__code__ = code


def _checks(policies: Policies) -> Iterator[Callable[[], None]]:
    """The tests of decisions that need the shipped policies and a folder at most; quick ones first."""
    from tests.policies import test_policy_decisions, test_policy_receipts

    both = {**vars(test_policy_receipts), **vars(test_policy_decisions)}
    found = [test for name, test in both.items() if name.startswith("test_")]
    for test in sorted(found, key=lambda test: hasattr(test, "hypothesis")):
        if test.__name__ in ("test_the_golden_matrix_is_unchanged", "test_every_case_holds"):
            continue
        for given in _parameters(test):
            needed = set(_plain(test)) - set(given)
            if needed <= {"policies", "tmp_path"}:
                yield _check(test, given, needed, policies)


def _plain(test: Any) -> Sequence[str]:
    return tuple(inspect.signature(test).parameters)


def _parameters(test: Any) -> Iterator[dict[str, Any]]:
    marks = [mark for mark in getattr(test, "pytestmark", []) if mark.name == "parametrize"]
    if not marks:
        yield {}
    for mark in marks:
        names, rows = mark.args
        for row in rows:
            yield {names: row} if isinstance(names, str) else dict(zip(names, row, strict=True))


def _check(
    test: Any, given: dict[str, Any], needed: set[str], policies: Policies
) -> Callable[[], None]:
    def check() -> None:
        with tempfile.TemporaryDirectory() as folder:
            have = {"policies": policies, "tmp_path": Path(folder)}
            test(**given, **{name: have[name] for name in needed})

    return check


def original_passes(judge: Judge) -> bool:
    """The engine as it is, printed anew: nothing may be noticed there."""
    text = ast.unparse(ast.parse((PRODUCT / "engine.py").read_text(encoding="utf-8")))
    return not judge.notices_code(CodeMutant("the original", text))


def equivalents() -> Mapping[str, str]:
    read: dict[str, str] = yaml.safe_load(EQUIVALENT.read_text(encoding="utf-8"))
    return read


def score(
    mutants: Sequence[RuleMutant | CodeMutant], judge: Judge, *, thoroughly: bool = True
) -> Score:
    same = equivalents()
    survivors = []
    for mutant in mutants:
        if mutant.name in same:
            continue
        notices = judge.notices_rules if isinstance(mutant, RuleMutant) else judge.notices_code
        if not notices(mutant, thoroughly=thoroughly):  # type: ignore[arg-type]  # its own kind
            survivors.append(mutant.name)
    known = sum(mutant.name in same for mutant in mutants)
    return Score(len(mutants), tuple(survivors), known)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the decision cases alone")
    thoroughly = not parser.parse_args(arguments).quick
    judge, met = Judge(), True
    if thoroughly and not original_passes(judge):
        sys.stdout.write("The tests fail without any wrong; mend that first.\n")
        return 2
    both: dict[str, Sequence[RuleMutant | CodeMutant]] = {
        "rules": rule_mutants(judge.rules),
        "engine": engine_mutants(),
    }
    for name, mutants in both.items():
        result = score(mutants, judge, thoroughly=thoroughly)
        met = met and result.share >= TARGET
        sys.stdout.write(f"{name}: {result}\n")
        sys.stdout.writelines(f"  not noticed: {survivor}\n" for survivor in result.survivors)
        sys.stdout.flush()
    return 0 if met else 1


if __name__ == "__main__":
    raise SystemExit(main())
