"""Two hundred jobs, two kills: each effect once."""

import pytest

from tests.integrations.jobs.killing import kill_twice

pytestmark = pytest.mark.soak


async def test_two_hundred_jobs_survive_two_kills_with_each_effect_once(tmp_path):
    await kill_twice(f"sqlite:///{tmp_path}/jobs.db", tmp_path / "effects.db", 200)
