"""Kill -9 during turns and handoffs of the real command; the soak series has more points."""

import random
from pathlib import Path

import pytest

from tests.killing_turns import (
    assert_accepted_lines_are_kept,
    assert_nothing_lost,
    kill_within_a_batch,
)


@pytest.mark.parametrize("handoffs", [False, True], ids=["turns", "handoffs"])
def test_killed_turns_are_finished_without_a_second_ticket(home: Path, handoffs: bool) -> None:
    chance = random.Random(11)  # noqa: S311  # when to kill is no secret
    for point in range(2):
        kill_within_a_batch(home, f"p{point}", chance, handoffs=handoffs)
        assert_nothing_lost(home)
        assert_accepted_lines_are_kept(home, f"p{point}")
