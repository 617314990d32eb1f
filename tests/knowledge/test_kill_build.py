import random
from pathlib import Path

from knowledge.embedding import Embedder
from tests.knowledge.killing import assert_serves, kill_while_building, prepare


def test_killed_build_leaves_the_old_version_serving(
    tmp_path: Path, model_dir: Path, embedder: Embedder
) -> None:
    prepare(tmp_path, embedder)
    chance = random.Random(7)  # noqa: S311 - repeatable moments
    for _ in range(3):
        kill_while_building(tmp_path, model_dir, chance)
        assert_serves(tmp_path, embedder)
