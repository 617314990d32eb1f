"""The export itself runs in processes of their own: torch takes half a gigabyte."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from knowledge.embedding import DEFAULT_MODEL, Embedder, read_manifest
from knowledge.export import export_model
from knowledge.reference import ExportError

ROOT = Path(__file__).parents[2]
OTHER_MODEL = """
import sys
from pathlib import Path
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense
from knowledge.export import export_model
from knowledge.reference import ExportError
from tests.knowledge.tiny_model import WIDTH, tiny_layers

folder = Path(sys.argv[1])
layers = tiny_layers(folder, "cls", 100)
prompts = {"query": "query: ", "document": "passage: "}
model = SentenceTransformer(modules=layers, prompts=prompts)
model.save(str(folder / "other"))
steps = []
made = export_model(folder / "models", str(folder / "other"), steps.append)
again = export_model(folder / "models", str(folder / "other"), steps.append)
print(made == again, len(steps), made)
vector = model.encode("passage: hello")
print((vector / (vector @ vector) ** 0.5)[:4].tolist())
SentenceTransformer(modules=[*layers, Dense(WIDTH, 16)]).save(str(folder / "dense"))
try:
    export_model(folder / "models", str(folder / "dense"))
except ExportError as error:
    print(error)
"""


def test_existing_export_is_taken_at_once(models_dir: Path, model_dir: Path) -> None:
    steps: list[str] = []
    assert export_model(models_dir, DEFAULT_MODEL, steps.append) == model_dir
    assert steps == []


def test_weights_other_than_expected_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"have sha256 53aa.* expected 0000"):
        export_model(tmp_path / "models", known_weights={DEFAULT_MODEL: "0000"})
    assert not (tmp_path / "models").exists()


def test_folder_that_holds_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="is no sentence-transformers model: a folder with"):
        export_model(tmp_path / "models", str(tmp_path))


def test_any_sentence_transformers_model_can_be_exported(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", OTHER_MODEL, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    first, vector, refusal = done.stdout.splitlines()
    same, steps, folder = first.split(maxsplit=2)
    assert (same, steps) == ("True", "5")
    assert "has a Dense layer, which this export does not know" in refusal
    manifest = read_manifest(Path(folder))
    assert (manifest.dimensions, manifest.max_tokens) == (48, 100)
    assert manifest.parity_fp32 >= 0.9999
    embedder = Embedder(Path(folder))
    assert np.allclose(embedder.embed_documents(["hello"])[0, :4], eval(vector), atol=1e-3)  # noqa: S307
    assert [path.name for path in (tmp_path / "models").iterdir() if path.is_dir()] == [
        manifest.fingerprint
    ]
