from pathlib import Path

import numpy as np
import pytest

from knowledge.vectors import VectorStore, read_vectors, text_key


def unit(*values: float) -> np.ndarray:
    return np.array([values], dtype=np.float32)


def test_vectors_come_back_after_saving(tmp_path: Path) -> None:
    store = VectorStore("abc", tmp_path, None)
    store.put(["one"], unit(0.5, 0.25))
    assert store.save() == 1
    again = VectorStore("abc", tmp_path, None)
    (found, missing) = again.get(["one", "two"])
    assert found is not None
    assert found.dtype == np.float32
    assert found.tolist() == [0.5, 0.25]
    assert missing is None


def test_models_do_not_share_vectors(tmp_path: Path) -> None:
    store = VectorStore("abc", tmp_path, None)
    store.put(["one"], unit(1.0))
    store.save()
    assert "one" not in VectorStore("other", tmp_path, None)


def test_two_writers_keep_each_others_vectors(tmp_path: Path) -> None:
    first, second = VectorStore("abc", tmp_path, None), VectorStore("abc", tmp_path, None)
    first.put(["one"], unit(1.0))
    second.put(["two"], unit(2.0))
    first.save()
    second.save()
    assert len(VectorStore("abc", tmp_path, None)) == 2


def test_bundled_vectors_are_read_and_never_written(tmp_path: Path) -> None:
    bundled, own = tmp_path / "bundled", tmp_path / "own"
    shipped = VectorStore("abc", bundled, None)
    shipped.put(["one"], unit(1.0))
    shipped.save()
    before = (bundled / "abc.npz").read_bytes()
    store = VectorStore("abc", own, bundled)
    store.put(["two"], unit(2.0))
    store.save()
    assert "one" in store
    assert (bundled / "abc.npz").read_bytes() == before
    assert len(read_vectors(own / "abc.npz")) == 1


def test_equal_contents_give_equal_files(tmp_path: Path) -> None:
    for folder, texts in (("a", ["one", "two"]), ("b", ["two", "one"])):
        store = VectorStore("abc", tmp_path / folder, None)
        for text in texts:
            store.put([text], unit(float(len(text))))
        store.save()
    assert (tmp_path / "a" / "abc.npz").read_bytes() == (tmp_path / "b" / "abc.npz").read_bytes()


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 cut off", b"nonsense"])
def test_damaged_file_counts_as_empty_and_is_replaced(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "abc.npz").write_bytes(damage)
    store = VectorStore("abc", tmp_path, None)
    assert len(store) == 0
    store.put(["one"], unit(1.0))
    store.save()
    assert list(read_vectors(tmp_path / "abc.npz")) == [text_key("one")]


def test_vectors_of_texts_no_longer_wanted_can_be_dropped(tmp_path: Path) -> None:
    store = VectorStore("abc", tmp_path, None)
    store.put(["one", "two"], np.array([[1.0], [2.0]], dtype=np.float32))
    store.save()
    assert store.keep_only(["two"]) == 1
    assert "one" not in VectorStore("abc", tmp_path, None)


def test_store_without_a_folder_keeps_nothing(tmp_path: Path) -> None:
    store = VectorStore("abc", None, None)
    store.put(["one"], unit(1.0))
    assert store.save() == 1
    assert store.keep_only([]) == 0
