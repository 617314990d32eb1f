import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from knowledge.embedding import (
    DEFAULT_MODEL,
    Embedder,
    ModelMissingError,
    damaged_files,
    find_model,
    read_manifest,
)
from knowledge.vectors import VectorStore

TEXTS = ["The VPN does not connect.", "wifi", "Ich brauche ein neues Passwort für die Anmeldung."]


def test_document_vectors_have_length_one_whatever_the_batch(
    embedder: Embedder, model_dir: Path
) -> None:
    together = Embedder(model_dir).embed_documents(TEXTS)
    alone = np.concatenate([Embedder(model_dir).embed_documents([text]) for text in TEXTS])
    assert together.shape == (3, embedder.dimensions)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-3)
    assert np.allclose(together, alone, atol=2e-3)


def test_query_vectors_are_the_same_each_time_and_near_the_documents(embedder: Embedder) -> None:
    first, second = embedder.embed_queries(TEXTS), embedder.embed_queries(TEXTS[::-1])[::-1]
    assert np.array_equal(first, second)
    assert float((first * embedder.embed_documents(TEXTS)).sum(axis=1).mean()) > 0.98


def test_no_texts_give_no_vectors(embedder: Embedder) -> None:
    assert embedder.embed_documents([]).shape == (0, embedder.dimensions)
    assert embedder.embed_queries([]).shape == (0, embedder.dimensions)


def test_empty_and_endless_texts_have_vectors(embedder: Embedder) -> None:
    vectors = embedder.embed_queries(["", "word " * 5000])
    assert np.isfinite(vectors).all()


def test_text_beyond_the_limit_does_not_count(embedder: Embedder) -> None:
    base = "printer " * 300
    left, right = embedder.embed_queries([base, base + "vpn"])
    assert np.array_equal(left, right)


def test_known_texts_need_no_model(model_dir: Path, tmp_path: Path) -> None:
    cache = VectorStore("x", tmp_path, None)
    first = Embedder(model_dir, cache=cache).embed_documents(TEXTS)
    program = (
        "import sys\nfrom pathlib import Path\n"
        "from knowledge.embedding import Embedder\nfrom knowledge.vectors import VectorStore\n"
        f"e = Embedder(Path({str(model_dir)!r}), cache=VectorStore('x', Path({str(tmp_path)!r}), None))\n"
        f"v = e.embed_documents({TEXTS!r})\n"
        "assert 'onnxruntime' not in sys.modules and 'tokenizers' not in sys.modules\n"
        "e.embed_queries(['hello'])\n"
        "assert not {'torch', 'transformers', 'sentence_transformers'} & set(sys.modules)\n"
        "print(repr(v[0, :3].tolist()))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=root
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == repr(first[0, :3].tolist())


def test_uncached_counts_each_text_once(model_dir: Path) -> None:
    cache = VectorStore("x", None, None)
    embedder = Embedder(model_dir, cache=cache)
    embedder.embed_documents(TEXTS[:1])
    assert embedder.uncached([TEXTS[0], TEXTS[1], TEXTS[1]]) == 1
    assert Embedder(model_dir).uncached(TEXTS) == 3


def test_missing_model_says_which_command_makes_it(tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError, match=r"is not exported under .* Run `make install`"):
        find_model(tmp_path)


def test_unreadable_manifest_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "manifest.json").write_text("{")
    with pytest.raises(ModelMissingError, match="no readable manifest"):
        find_model(tmp_path)


def test_damaged_export_is_told(model_dir: Path, tmp_path: Path) -> None:
    for path in model_dir.iterdir():
        if path.name != "query.onnx":
            (tmp_path / path.name).symlink_to(path)
    with pytest.raises(ModelMissingError, match=r"lacks query\.onnx"):
        Embedder(tmp_path)
    (tmp_path / "query.onnx").write_bytes(b"nonsense")
    assert damaged_files(tmp_path) == ("query.onnx",)
    with pytest.raises(ModelMissingError, match="can't be opened"):
        Embedder(tmp_path).embed_queries(["hello"])


def test_export_in_use_was_measured_against_sentence_transformers(model_dir: Path) -> None:
    manifest = read_manifest(model_dir)
    assert manifest.model == DEFAULT_MODEL
    assert manifest.parity_fp32 >= 0.9999
    assert manifest.parity_int8 >= 0.99
    assert damaged_files(model_dir) == ()


def test_a_part_is_read_within_its_text_in_the_same_pass(embedder: Embedder) -> None:
    text = "The printer is jammed. My laptop does not start."
    parts = ["The printer is jammed.", "My laptop does not start.", "The VPN is slow."]
    whole, inside = embedder.embed_in_context(text, parts)
    assert np.array_equal(whole, embedder.embed_queries([text])[0])
    first, second, absent = inside
    assert absent is None
    assert first is not None
    assert second is not None
    printer, laptop = embedder.embed_queries(parts[:2])
    assert first @ printer > first @ laptop
    assert second @ laptop > second @ printer


def test_all_of_a_text_in_context_is_the_text(embedder: Embedder) -> None:
    whole, (inside,) = embedder.embed_in_context(TEXTS[0], [TEXTS[0]])
    assert inside is not None
    # The text's own vector counts the tokens that mark its ends as well.
    assert float(inside @ whole) > 0.95
