"""Run as a program: builds one index version after another until somebody kills it."""

import sys
from pathlib import Path

from knowledge.corpus import load_corpus
from knowledge.embedding import Embedder
from knowledge.index import build_version
from knowledge.vectors import VectorStore
from tests.knowledge.house import write_article


def build_on(folder: Path, model_dir: Path) -> None:
    """Add an article, build, remove it, build: every build makes another version."""
    fingerprint = Embedder(model_dir).fingerprint
    embedder = Embedder(model_dir, cache=VectorStore(fingerprint, folder / "vectors"))
    number = 10
    while True:
        path = write_article(
            folder / "articles", number, f"thing {number % 7}", title=f"Thing {number}"
        )
        build_version(folder / "index", load_corpus([folder / "articles"]), embedder, keep=2)
        print("built", flush=True)  # noqa: T201 - the one who kills waits for it
        path.unlink()
        number += 1


if __name__ == "__main__":
    build_on(Path(sys.argv[1]), Path(sys.argv[2]))
