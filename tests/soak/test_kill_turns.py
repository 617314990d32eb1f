"""Fifty kills at chance moments of turns, and fifty of handoffs, of the real command."""

import random
from pathlib import Path

import pytest

from tests.killing_turns import (
    assert_accepted_lines_are_kept,
    assert_nothing_lost,
    kill_within_a_batch,
)

pytestmark = pytest.mark.soak
KILLS = 50


@pytest.fixture
def chance() -> random.Random:
    return random.Random(2026)  # noqa: S311  # when to kill is no secret


@pytest.mark.parametrize("handoffs", [False, True], ids=["turns", "handoffs"])
def test_fifty_kills_lose_nothing_and_double_nothing(
    home: Path, chance: random.Random, handoffs: bool
) -> None:
    unfinished = 0
    for point in range(KILLS):
        kill_within_a_batch(home, f"p{point}", chance, handoffs=handoffs)
        unfinished += assert_nothing_lost(home)
        assert_accepted_lines_are_kept(home, f"p{point}")
    assert unfinished
