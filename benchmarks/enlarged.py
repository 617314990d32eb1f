"""A home whose index holds many times the shipped passages: jittered copies of the shipped vectors.

Built through the product's own functions, once for each work folder. A copy has the original's
text, its own id and a numbered title, but no label and no aliases, like a page of an imported site.
Its vectors are the original's, moved a good way towards others. Embedding as many new texts would
take hours and measure nothing else.
"""

import argparse
import asyncio
import math
import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from integrations.company import load_company
from integrations.home import CLASSIFIERS_FILE, Home
from integrations.settings import Settings
from integrations.wiring import open_app
from knowledge.article import Article
from knowledge.confidence import ConfidenceModel
from knowledge.corpus import Corpus, load_corpus
from knowledge.embedding import Embedder, find_model
from knowledge.index import build_version, version_id
from knowledge.search import CONFIDENCE_FILE
from knowledge.vectors import VectorStore
from knowledge.versions import list_versions, read_manifest, read_pointer, version_dir

Vectors = NDArray[np.float32]

_TOWARDS_OTHERS, _NOISE = (0.6, 0.4), 0.2
"""Together they leave a copy's vector at a cosine of 0.84 to its original's on average."""
_MARK = re.compile(r" \[copy \d+\]")
_BLOCK = 8192


class JitteredEmbedder:
    """The product's embedder, but a repeated text gets a vector a little off the first one's."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.fingerprint = embedder.fingerprint
        self.dimensions = embedder.dimensions
        self.max_tokens = embedder.max_tokens
        self._count = lru_cache(maxsize=None)(embedder.count_tokens)

    def count_tokens(self, text: str) -> int:
        return self._count(_MARK.sub("", text))

    def uncached(self, texts: Sequence[str]) -> int:
        del texts
        return 0

    def embed_documents(self, texts: Sequence[str], progress: object = None) -> Vectors:
        del progress
        originals = [_MARK.sub("", text) for text in texts]
        place = {text: n for n, text in enumerate(dict.fromkeys(originals))}
        known = self._embedder.embed_documents(list(place))
        rows = np.array([place[text] for text in originals], dtype=np.int64)
        found = known[rows]
        repeated = np.ones(len(rows), dtype=np.bool_)
        repeated[np.unique(rows, return_index=True)[1]] = False
        jitter(found, np.flatnonzero(repeated), known)
        return found


def jitter(vectors: Vectors, rows: NDArray[np.int64], known: Vectors) -> None:
    """Move some vectors towards others of `known` and a little at random, in place.

    Noise alone would scatter the copies in all directions, as no texts do: no graph index finds its
    way in that. The same rows are moved the same way in every run.
    """
    chance = np.random.default_rng(7)
    width = vectors.shape[1]
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        moved = vectors[block]
        for share in _TOWARDS_OTHERS:
            moved += share * known[chance.integers(0, len(known), len(block))]
        noise = chance.standard_normal(moved.shape, dtype=np.float32)
        moved += np.float32(_NOISE / math.sqrt(width)) * noise
        vectors[block] = moved / np.linalg.norm(moved, axis=1, keepdims=True)


def copies(articles: Sequence[Article], times: int) -> Corpus:
    """The articles, and `times - 1` copies of each."""
    copied = [
        article.model_copy(
            update={
                "id": f"{article.id}-{number}",
                "title": f"{article.title} [copy {number}]",
                "category": None,
                "subcategory": None,
                "aliases": {},
            }
        )
        for number in range(1, times)
        for article in articles
    ]
    return Corpus(tuple(sorted((*articles, *copied), key=lambda article: article.id)))


async def prepare_small(home: Path) -> None:
    """A home with the shipped index, as the product prepares it at its first start."""
    with Home.at(home).owned():
        app = await open_app(Settings(home=home))
        await app.close()


def prepare_large(home: Path, small: Path, passages: int) -> None:
    """A home with about `passages` passages; classifiers and doubt are those of the small one."""
    settings = Settings(home=home)
    profile = load_company(settings.company_dir)
    own = current_folder(small)
    manifest = read_manifest(own)
    assert manifest is not None
    articles = load_corpus([profile.articles]).articles
    model = find_model(settings.models_dir, settings.embedding_model)
    cache = VectorStore(Embedder(model).fingerprint, Home.at(small).vectors)
    embedder = JitteredEmbedder(Embedder(model, cache=cache))
    corpus = copies(articles, math.ceil(passages / manifest.passages))
    key = f"{manifest.version} jittered {_TOWARDS_OTHERS} {_NOISE}"
    version = version_id(corpus, embedder.fingerprint, key)

    def extras(folder: Path) -> None:
        shutil.copyfile(own / CLASSIFIERS_FILE, folder / CLASSIFIERS_FILE)
        doubt = ConfidenceModel.from_json((own / CONFIDENCE_FILE).read_text(), manifest.version)
        (folder / CONFIDENCE_FILE).write_text(replace(doubt, fingerprint=version).to_json())

    index = Home.at(home).index
    build_version(index, corpus, embedder, extras=extras, extras_key=key, keep=1)


def current_folder(home: Path) -> Path:
    """The serving index version of a home."""
    version = read_pointer(home / "index")
    assert version is not None, f"{home} has no index"
    return version_dir(home / "index", version)


def passages_of(home: Path) -> int:
    """How many passages the serving version of a home holds; 0 where there is none."""
    return next((v.passages for v in list_versions(home / "index") if v.current), 0)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.enlarged", description=__doc__)
    parser.add_argument("small", type=Path, help="home for the shipped index")
    parser.add_argument("--large", type=Path, help="home for the enlarged index")
    parser.add_argument("--passages", type=int, default=100_000)
    given = parser.parse_args(arguments)
    asyncio.run(prepare_small(given.small))
    if given.large is not None:
        prepare_large(given.large, given.small, given.passages)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
