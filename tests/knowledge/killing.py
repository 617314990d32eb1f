"""Kill a building process at a chance moment, and look at what is left."""

import random
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

from knowledge.corpus import load_corpus
from knowledge.embedding import Embedder
from knowledge.findings import Reader
from knowledge.index import build_version
from knowledge.search import Library
from knowledge.versions import list_versions, read_pointer
from tests.knowledge.house import write_article

ROOT = Path(__file__).parents[2]
QUESTION = "the projector does not start"


def kill_while_building(folder: Path, model_dir: Path, chance: random.Random) -> None:
    """Let a process build and kill it somewhere within the first second after it began to."""
    program = [
        sys.executable,
        "-m",
        "tests.knowledge.builds_until_killed",
        str(folder),
        str(model_dir),
    ]
    process = subprocess.Popen(program, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        assert process.stdout.readline() == "built\n"
        time.sleep(chance.uniform(0, 1))
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == -9


def prepare(folder: Path, embedder: Embedder) -> None:
    for number, subject in enumerate(("projector", "headset", "scanner"), start=1):
        write_article(folder / "articles", number, subject)
    build_version(folder / "index", load_corpus([folder / "articles"]), embedder)


def assert_serves(folder: Path, embedder: Embedder) -> None:
    """The pointer names a whole version, search works, and the next build clears the remains."""
    index_dir = folder / "index"
    version = read_pointer(index_dir)
    assert {v.id: v.damage for v in list_versions(index_dir)}[version or ""] is None
    with Library.open(index_dir) as library:
        vector = embedder.embed_queries([QUESTION])
        found = library.search(QUESTION, vector, Reader(), at=date(2026, 11, 22))
        assert found.hits[0].article_id == "kb-0001"
        assert library.version == version
    build_version(index_dir, load_corpus([folder / "articles"]), embedder, keep=2)
    left = [path.name for path in (index_dir / "versions").iterdir()]
    assert not [name for name in left if "." in name]
    assert len(left) <= 2
