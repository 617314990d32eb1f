"""The embedding model as sentence-transformers runs it: what an export is made from and measured by."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from knowledge.adapter import Adapter
from knowledge.embedding import MAX_TOKENS, OUTPUTS, Vectors

_VECTOR, _STATES = OUTPUTS


class ExportError(Exception):
    """The model can't be exported; nothing was changed."""


class Reference:
    """The model as sentence-transformers runs it, its adapter added to the weights."""

    def __init__(self, source: Path, adapter: Adapter | None = None) -> None:
        import torch
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
        for layer, change in adapter.changes() if adapter else ():
            self._encoder.get_submodule(layer).weight.data += torch.from_numpy(change)
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
        self.pooling = _pooling_of(self._model)

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

        encoder, names, pooling = self._encoder, self.inputs, self.pooling

        class Sentence(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.encoder = encoder

            def forward(self, *columns: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
                given = dict(zip(names, columns, strict=True))
                states = self.encoder(**given).last_hidden_state
                if pooling == "cls":
                    pooled = states[:, 0]
                else:
                    mask = given["attention_mask"].unsqueeze(-1).to(states.dtype)
                    pooled = (states * mask).sum(1) / mask.sum(1).clamp(min=1e-9)
                return torch.nn.functional.normalize(pooled, p=2.0, dim=1), states

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
                output_names=list(OUTPUTS),
                dynamic_axes={name: {0: "batch", 1: "tokens"} for name in (*names, _STATES)}
                | {_VECTOR: {0: "batch"}},
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
