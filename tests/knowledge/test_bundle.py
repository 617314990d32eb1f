from io import StringIO
from pathlib import Path

import pytest

from knowledge.bundle import ARTICLES, bundle, main, read_texts
from knowledge.corpus import load_corpus
from knowledge.embedding import Embedder
from knowledge.index import texts_to_embed
from knowledge.vectors import BUNDLED, VectorStore


def test_bundle_holds_all_that_an_index_needs_and_nothing_else(
    articles: Path, model_dir: Path, tmp_path: Path
) -> None:
    first = bundle(model_dir, [articles], ["hello there", "hello there"], target=tmp_path / "b")
    assert first.embedded == first.texts
    store = VectorStore(first.path.stem, None, tmp_path / "b")
    embedder = Embedder(model_dir, cache=store)
    needed = texts_to_embed(load_corpus([articles]), embedder)
    assert embedder.uncached([*needed, "hello there"]) == 0
    (articles / "headset.md").unlink()
    second = bundle(model_dir, [articles], lambda: ["good bye"], target=tmp_path / "b")
    assert (second.embedded, second.dropped) == (1, first.texts - second.texts + 1)
    assert "hello there" not in VectorStore(first.path.stem, None, tmp_path / "b")


def test_texts_are_read_a_line_each() -> None:
    assert read_texts(StringIO('plain line\n\n"two\\nlines"\n  padded \n')) == [
        "plain line", "two\nlines", "padded",
    ]  # fmt: skip


def test_shipped_vectors_cover_the_shipped_articles(model_dir: Path) -> None:
    embedder = Embedder(
        model_dir, cache=VectorStore(Embedder(model_dir).fingerprint, None, BUNDLED)
    )
    needed = texts_to_embed(load_corpus([ARTICLES]), embedder)
    assert embedder.uncached(needed) == 0, (
        "Run `python -m knowledge.bundle` after changing articles."
    )


def test_command_says_what_it_did(
    articles: Path, models_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [
        "--articles",
        str(articles),
        "--models",
        str(models_dir),
        "--target",
        str(tmp_path / "b"),
    ]
    main(options, StringIO("one more\n"))
    main(options, StringIO(""))
    said = capsys.readouterr().err
    assert "embedding passages" in said
    assert said.splitlines()[-1].endswith(" 0 embedded, 1 dropped")
    assert [path.suffix for path in (tmp_path / "b").iterdir()] == [".npz"]
