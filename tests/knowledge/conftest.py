import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from knowledge.corpus import load_corpus
from knowledge.embedding import Embedder, find_model
from knowledge.index import BuildReport, build_version
from knowledge.search import Library
from knowledge.vectors import VectorStore
from tests.knowledge.house import write_article

SUBJECTS = (
    "projector", "coffee machine", "badge reader", "headset", "docking station", "label printer",
)  # fmt: skip


@pytest.fixture(scope="session")
def models_dir() -> Path:
    return Path(sys.prefix) / "share" / "it-copilot" / "models"


@pytest.fixture(scope="session")
def model_dir(models_dir: Path) -> Path:
    return find_model(models_dir)


@pytest.fixture(scope="session")
def embedder(model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Embedder:
    """The real model; what one test embeds, the next finds in the cache."""
    folder = tmp_path_factory.mktemp("vectors")
    fingerprint = Embedder(model_dir).fingerprint
    return Embedder(model_dir, cache=VectorStore(fingerprint, folder))


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    """Six articles about six things."""
    for number, subject in enumerate(SUBJECTS, start=1):
        write_article(tmp_path / "articles", number, subject)
    return tmp_path / "articles"


@pytest.fixture
def index_dir(tmp_path: Path) -> Path:
    return tmp_path / "index"


Build = Callable[..., BuildReport]


@pytest.fixture
def build(articles: Path, index_dir: Path, embedder: Embedder) -> Build:
    """Build an index of the articles as they are now."""

    def build_now(**options: object) -> BuildReport:
        return build_version(index_dir, load_corpus([articles]), embedder, **options)  # type: ignore[arg-type]

    return build_now


@pytest.fixture
def library(build: Build, index_dir: Path) -> Iterator[Library]:
    build()
    with Library.open(index_dir) as opened:
        yield opened
