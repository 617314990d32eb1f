from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from knowledge.article import parse_text
from knowledge.corpus import Corpus
from knowledge.embedding import Progress, Vectors
from knowledge.findings import Reader
from knowledge.index import build_version
from knowledge.search import Library
from knowledge.shelf import VectorFile
from knowledge.vectors import text_key
from tests.knowledge.house import BODY, article_text


class ChanceEmbedder:
    """Each text has its own direction: enough to see which texts are compared."""

    fingerprint = "chance"
    dimensions = 16
    max_tokens = 256

    def count_tokens(self, text: str) -> int:
        return len(text) // 4

    def uncached(self, texts: Sequence[str]) -> int:
        return len(texts)

    def embed_documents(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        rows = []
        for text in texts:
            chance = np.random.default_rng(int.from_bytes(text_key(text)[:8], "big"))
            row = chance.normal(size=self.dimensions)
            rows.append(row / np.linalg.norm(row))
        return np.array(rows, dtype=np.float32).reshape(len(texts), self.dimensions)


@pytest.mark.parametrize("held", [0, 10**6])
def test_rows_are_read_alike_from_memory_and_from_the_file(tmp_path: Path, held: int) -> None:
    table = np.arange(60, dtype=np.float32).reshape(20, 3)
    np.save(tmp_path / "v.npy", table)
    file = VectorFile(tmp_path / "v.npy", held)
    for rows in ([], [0], [19], [0, 1, 2, 7, 9, 10], list(range(20))):
        wanted = np.array(rows, dtype=np.int64)
        assert np.array_equal(file.read(wanted), table[wanted])
    file.close()


def test_file_cut_short_while_open_is_told(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.zeros((20, 3), dtype=np.float32))
    file = VectorFile(tmp_path / "v.npy", 0)
    (tmp_path / "v.npy").write_bytes((tmp_path / "v.npy").read_bytes()[:200])
    with pytest.raises(OSError, match="ends before row 20"):
        file.read(np.array([18, 19]))
    file.close()


def test_array_of_another_shape_is_no_vector_file(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.zeros(20, dtype=np.float32))
    with pytest.raises(ValueError, match=r"v\.npy holds no vectors"):
        VectorFile(tmp_path / "v.npy")


def test_many_aliases_are_compared_in_the_language_of_the_question(tmp_path: Path) -> None:
    many = ", ".join(f'"bewoording {number}"' for number in range(4200))
    articles = [
        parse_text(article_text(1, "projector", BODY, aliases=f"{{nl: [{many}]}}"), "a.md"),
        parse_text(article_text(2, "headset", BODY, aliases='{de: ["Kopfhörer stumm"]}'), "b.md"),
    ]
    embedder = ChanceEmbedder()
    build_version(tmp_path, Corpus(tuple(articles)), embedder)
    (vector,) = embedder.embed_documents(["Kopfhörer stumm"])
    with Library.open(tmp_path) as library:
        best = {
            language: library.search(
                "x", vector, Reader(), at=date(2026, 11, 22), language=language
            ).signals["cosine_top"]
            for language in ("de", "nl", "en")
        }
    assert best["de"] == pytest.approx(1, abs=1e-3)
    assert best["nl"] < 0.99
    assert best["en"] < 0.99
