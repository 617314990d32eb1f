"""Every small wrong in rules and engine, against all tests of decisions: minutes."""

import pytest

from tests.mutants import engine_mutants, rule_mutants
from tests.mutation import TARGET, Judge, original_passes, score

pytestmark = pytest.mark.soak


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge()


def test_nothing_is_noticed_where_nothing_is_wrong(judge: Judge) -> None:
    assert original_passes(judge)


def test_nearly_every_wrong_rule_is_noticed(judge: Judge) -> None:
    result = score(rule_mutants(judge.rules), judge)
    assert result.share >= TARGET, str(result.survivors)


def test_nearly_every_wrong_in_the_engine_is_noticed(judge: Judge) -> None:
    result = score(engine_mutants(), judge)
    assert result.share >= TARGET, str(result.survivors)
