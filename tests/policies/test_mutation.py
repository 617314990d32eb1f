"""A sample of small wrongs in rules and engine; `make soak` and `python -m tests.mutation` take all."""

import pytest

from tests.mutants import engine_mutants, rule_mutants
from tests.mutation import Judge, equivalents, score

EVERY = 8


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge()


def test_the_cases_alone_notice_most_wrong_rules(judge: Judge) -> None:
    sample = rule_mutants(judge.rules)[::EVERY]
    result = score(sample, judge, thoroughly=False)
    assert len(sample) > 50
    assert result.share >= 0.85, str(result.survivors)


def test_the_cases_alone_notice_most_wrongs_in_the_engine(judge: Judge) -> None:
    sample = engine_mutants()[::EVERY]
    result = score(sample, judge, thoroughly=False)
    assert len(sample) > 20
    assert result.share >= 0.45, str(result.survivors)


def test_what_is_said_to_mean_the_same_exists_and_has_a_reason(judge: Judge) -> None:
    names = {mutant.name for mutant in rule_mutants(judge.rules)}
    names |= {mutant.name for mutant in engine_mutants()}
    for name, reason in equivalents().items():
        assert name in names
        assert len(reason.split()) > 4
