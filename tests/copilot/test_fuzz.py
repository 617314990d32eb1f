"""Ten seconds of anything at all into the gate and the redactor; `make soak` takes ten minutes."""

from pathlib import Path

import pytest

from integrations.company import load_company, shipped_company
from integrations.facts import company_facts
from policies.loader import load_policies
from tests.fuzzing import fuzz, gate_check, redactor_check, redactor_of

SHORT, LONG = 10.0, 600.0


@pytest.mark.parametrize("seconds", [SHORT, pytest.param(LONG, marks=pytest.mark.soak)])
def test_gate_and_redactor_take_anything_and_permit_nothing_by_mistake(
    tmp_path: Path, seconds: float
) -> None:
    profile = load_company(shipped_company())
    policies = load_policies(profile.rules, profile.actions)
    facts = company_facts(profile, policies, None)
    checks = gate_check(policies, facts), redactor_check(redactor_of(tmp_path / "scanner"))
    rounds = fuzz(seconds, *checks)
    assert rounds > 0
