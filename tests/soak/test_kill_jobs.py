"""Two hundred jobs, two kills, on both databases."""

import pytest

from tests.integrations.jobs.killing import kill_twice

pytestmark = pytest.mark.soak


async def test_two_hundred_jobs_survive_two_kills_with_each_effect_once(sqlite_url, tmp_path):
    await kill_twice(sqlite_url, tmp_path / "effects.db", 200)
