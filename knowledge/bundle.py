"""Fills the shipped vector file, so that a first start embeds nothing.

    python -m knowledge.bundle [--articles FOLDER] [--models FOLDER] [--model NAME] [< texts]

Texts other than those of the articles are read from standard input, one a line: a JSON string, or
the line as it stands. Vectors already in the file are kept if their text is still wanted, others go.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, TextIO

from knowledge.corpus import load_corpus
from knowledge.embedding import DEFAULT_MODEL, Embedder, Progress, find_model
from knowledge.index import texts_to_embed
from knowledge.vectors import BUNDLED, VectorStore

ARTICLES = Path(__file__).parent / "articles"


class Bundled(NamedTuple):
    """What a bundling did."""

    path: Path
    texts: int
    embedded: int
    dropped: int


def bundle(
    model_dir: Path,
    articles: Sequence[Path] = (),
    further: Iterable[str] | Callable[[], Iterable[str]] = (),
    *,
    target: Path = BUNDLED,
    progress: Progress | None = None,
) -> Bundled:
    """Write vectors of all that an index of `articles` needs, and of `further` texts."""
    fingerprint = Embedder(model_dir).fingerprint
    store = VectorStore(fingerprint, target, bundled=None)
    embedder = Embedder(model_dir, cache=store)
    texts = texts_to_embed(load_corpus(articles), embedder) if articles else []
    texts += list(further() if callable(further) else further)
    wanted = list(dict.fromkeys(texts))
    missing = embedder.uncached(wanted)
    embedder.embed_documents(wanted, progress)
    store.save()
    dropped = store.keep_only(wanted)
    (target / f"{fingerprint}.lock").unlink(missing_ok=True)
    return Bundled(target / f"{fingerprint}.npz", len(wanted), missing, dropped)


def read_texts(stream: TextIO) -> list[str]:
    """One text a line: a JSON string where it begins with a quote, else the line itself."""
    lines = [line.strip() for line in stream]
    return [str(json.loads(line)) if line.startswith('"') else line for line in lines if line]


def main(arguments: Sequence[str] | None = None, stream: TextIO = sys.stdin) -> None:
    parser = argparse.ArgumentParser(prog="python -m knowledge.bundle", description=__doc__)
    parser.add_argument("--articles", type=Path, action="append", help="folder of articles")
    parser.add_argument("--models", type=Path, help="folder of exported models")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--target", type=Path, default=BUNDLED, help="folder of the vector file")
    given = parser.parse_args(arguments)
    models = given.models or Path(sys.prefix) / "share" / "it-copilot" / "models"
    further = [] if stream.isatty() else read_texts(stream)
    done = bundle(
        find_model(models, given.model),
        given.articles or [ARTICLES],
        further,
        target=given.target,
        progress=_show,
    )
    sys.stderr.write(
        f"{done.path}: {done.texts} texts, {done.embedded} embedded, {done.dropped} dropped\n"
    )


def _show(step: str, done: int, total: int) -> None:
    if done == total or done % 320 == 0:
        sys.stderr.write(f"{step} {done}/{total}\n")


if __name__ == "__main__":
    main()
