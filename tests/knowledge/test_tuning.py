"""An adapter is fitted, kept as a file and exported; in a process of its own, since torch takes half a gigabyte."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from knowledge.adapter import Adapter, shipped_adapter, tuned_fingerprint
from knowledge.embedding import DEFAULT_MODEL, ModelMissingError, find_tuned, read_manifest

ROOT = Path(__file__).parents[2]
PROGRAM = """
import json, sys
from pathlib import Path
from sentence_transformers import SentenceTransformer
from knowledge.embedding import Embedder, find_tuned
from knowledge.export import export_model, export_tuned, model_fingerprint
from knowledge.tuning import Recipe, tune
from tests.knowledge.tiny_model import tiny_layers

folder = Path(sys.argv[1])
layers = tiny_layers(folder, "mean", 64)
SentenceTransformer(modules=layers).save(str(folder / "model"))
model, models, adapters = str(folder / "model"), folder / "models", folder / "adapters"

things = ["laptop", "phone", "tablet", "badge", "key", "screen", "printer", "account"]
texts = [(f"my own {thing} please", "mine") for thing in things]
texts += [(f"my colleague's {thing} please", "theirs") for thing in things]
plain = Embedder(export_model(models, model))
before = export_tuned(models, model, adapters=adapters)
adapter = tune(Path(model), {"whose": texts}, recipe=Recipe(rank=8, epochs=60, batch=8, rate=1e-2))
adapter.save(adapters / f"{model_fingerprint(Path(model))}.npz")
folder_tuned = export_tuned(models, model, adapters=adapters)
tuned = Embedder(folder_tuned)

def apart(embedder):
    # Things that no training text names.
    mine = embedder.embed_queries(["my own mouse please", "my own camera please"])
    theirs = embedder.embed_queries(["my colleague's mouse please", "my colleague's camera please"])
    within = (mine[0] @ mine[1] + theirs[0] @ theirs[1]) / 2
    return float(within - (mine @ theirs.T).mean())

print(json.dumps({
    "before": before, "found": find_tuned(models, model, adapters) == folder_tuned,
    "plain": apart(plain), "tuned": apart(tuned), "parity": tuned.manifest.parity_int8,
    "kept": find_tuned(models, model, folder / "none") != folder_tuned,
}))
"""


def test_what_tells_two_labels_apart_moves_them_apart(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.strip().splitlines()[-1])
    assert said["before"] is None
    assert said["found"]
    assert said["kept"]
    assert said["tuned"] > said["plain"] + 0.1
    assert said["parity"] >= 0.99


def test_an_adapter_comes_back_from_its_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    factors = (
        rng.normal(size=(6, 2)).astype(np.float16),
        rng.normal(size=(2, 5)).astype(np.float16),
    )
    made = Adapter({"encoder.layer.0.output.dense": factors})
    made.save(tmp_path / "base.npz")
    back = shipped_adapter("base", tmp_path)
    assert back is not None
    assert back.digest == made.digest
    ((layer, change),) = back.changes()
    assert layer == "encoder.layer.0.output.dense"
    assert change.shape == (6, 5)
    assert shipped_adapter("another", tmp_path) is None


def test_the_shipped_adapter_belongs_to_the_shipped_model(
    models_dir: Path, model_dir: Path
) -> None:
    fingerprint = read_manifest(model_dir).fingerprint
    adapter = shipped_adapter(fingerprint)
    assert adapter is not None
    assert find_tuned(models_dir).name == tuned_fingerprint(fingerprint, adapter)


def test_an_adapter_that_was_not_exported_says_which_command_does_it(
    models_dir: Path, model_dir: Path, tmp_path: Path
) -> None:
    other = Adapter(
        {"encoder.layer.0.output.dense": (np.ones((2, 1), "f2"), np.ones((1, 2), "f2"))}
    )
    other.save(tmp_path / f"{read_manifest(model_dir).fingerprint}.npz")
    with pytest.raises(ModelMissingError, match=r"present adapter .* Run `make install`"):
        find_tuned(models_dir, DEFAULT_MODEL, tmp_path)
