"""The redactor on public sets that lie outside the repository."""

import pytest

from benchmarks.public_sets import DEFAULT_DATA
from benchmarks.redaction import Bench

pytestmark = pytest.mark.external


@pytest.fixture(scope="module")
def lines() -> list[str]:
    if not (DEFAULT_DATA / "security" / "helpdesk_redaction").is_dir():
        pytest.skip("The redaction sets are not on this machine.")
    bench = Bench(DEFAULT_DATA)
    return [line for part in (bench.composed, bench.synthetic) for line in part()]


@pytest.mark.parametrize(
    "name", ["gitleaks-type lines", "identifiers kept", "structured, held out"]
)
def test_a_target_is_met(lines: list[str], name: str) -> None:
    (line,) = (line for line in lines if line.strip().startswith(name))
    assert " met " in line
