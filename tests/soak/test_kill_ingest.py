"""Fifty kills at chance moments of building an index."""

import random
import sys
from pathlib import Path

import pytest

from knowledge.embedding import Embedder, find_model
from knowledge.vectors import VectorStore
from tests.knowledge.killing import assert_serves, kill_while_building, prepare

pytestmark = pytest.mark.soak


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("killed")


@pytest.fixture(scope="module")
def embedder(folder: Path) -> Embedder:
    model = find_model(Path(sys.prefix) / "share" / "it-copilot" / "models")
    store = VectorStore(Embedder(model).fingerprint, folder / "vectors")
    made = Embedder(model, cache=store)
    prepare(folder, made)
    return made


@pytest.mark.parametrize("point", range(50))
def test_killed_build_leaves_a_serving_index(folder: Path, embedder: Embedder, point: int) -> None:
    model = find_model(Path(sys.prefix) / "share" / "it-copilot" / "models")
    kill_while_building(folder, model, random.Random(point))  # noqa: S311 - repeatable moments
    assert_serves(folder, embedder)
