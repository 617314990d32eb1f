"""Fit an adapter to labelled texts: `make adapter`, at development time, about a quarter of an hour.

Low-rank adaptation (Hu et al. 2021) of every linear layer, trained to name the label of a text in
each of several groups at once. Only the adapter is kept; the classifiers are trained afresh on its vectors.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from knowledge.adapter import Adapter

Texts = Mapping[str, Sequence[tuple[str, str]]]
"""Labelled texts by group; a text may be in several groups."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How an adapter is fitted."""

    rank: int = 32
    epochs: int = 8
    batch: int = 64
    rate: float = 8e-4
    head_rate: float = 5e-3
    sharpness: float = 16.0
    smoothing: float = 0.05
    max_tokens: int = 64
    seed: int = 0


def tune(
    source: Path,
    texts: Texts,
    *,
    recipe: Recipe | None = None,
    progress: Callable[[int, float], None] = lambda *_: None,
) -> Adapter:
    """Fit an adapter for the model in the folder `source`. `progress` hears epoch and mean loss."""
    return _Tuning(source, texts, recipe or Recipe()).run(progress)


class _Tuning:
    def __init__(self, source: Path, texts: Texts, recipe: Recipe) -> None:
        import torch
        from transformers import AutoModel, AutoTokenizer

        torch.manual_seed(recipe.seed)
        self._random = random.Random(recipe.seed)  # noqa: S311  # an order of batches, no secret
        self._recipe = recipe
        self._encoder: Any = AutoModel.from_pretrained(str(source), local_files_only=True)
        tokenizer = AutoTokenizer.from_pretrained(str(source), local_files_only=True)
        self._texts = list(dict.fromkeys(text for rows in texts.values() for text, _ in rows))
        self._ids = tokenizer(self._texts, truncation=True, max_length=recipe.max_tokens)[
            "input_ids"
        ]
        place = {text: number for number, text in enumerate(self._texts)}
        self._labels: dict[str, Any] = {}
        self._heads: dict[str, Any] = {}
        for group, rows in texts.items():
            names = {label: number for number, label in enumerate(sorted({b for _, b in rows}))}
            truth = torch.full((len(self._texts),), _NO_LABEL)
            for text, label in rows:
                truth[place[text]] = names[label]
            self._labels[group] = truth
            self._heads[group] = torch.nn.Linear(self._encoder.config.hidden_size, len(names))
        for parameter in self._encoder.parameters():
            parameter.requires_grad = False
        self._added = _add_factors(self._encoder, recipe.rank)

    def run(self, progress: Callable[[int, float], None]) -> Adapter:
        import torch

        recipe = self._recipe
        factors = [part for layer in self._added.values() for part in (layer.up, layer.down)]
        heads = [part for head in self._heads.values() for part in head.parameters()]
        optimiser = torch.optim.AdamW(
            [
                {"params": factors, "lr": recipe.rate, "weight_decay": 0.01},
                {"params": heads, "lr": recipe.head_rate, "weight_decay": 0.0},
            ]
        )
        steps = recipe.epochs * len(self._batches())
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimiser, lambda step: min((step + 1) / (0.1 * steps), (steps - step) / (0.9 * steps))
        )
        self._encoder.train()
        for epoch in range(recipe.epochs):
            losses = []
            for batch in self._batches():
                loss = self._loss(batch)
                optimiser.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(factors, 1.0)
                optimiser.step()
                schedule.step()
                losses.append(float(loss.detach()))
            progress(epoch, sum(losses) / len(losses))
        return Adapter({name: layer.factors() for name, layer in sorted(self._added.items())})

    def _batches(self) -> list[list[int]]:
        """Every text once; texts of like length share a batch, so that little is spent on padding."""
        order = list(range(len(self._texts)))
        self._random.shuffle(order)
        size, batches = self._recipe.batch, []
        for start in range(0, len(order), size * 16):
            near = sorted(order[start : start + size * 16], key=lambda i: len(self._ids[i]))
            batches += [near[i : i + size] for i in range(0, len(near), size)]
        self._random.shuffle(batches)
        return batches

    def _loss(self, batch: list[int]) -> Any:
        import torch
        from torch.nn import functional

        vectors = self._vectors(batch)
        total = torch.zeros(())
        for group, truth in self._labels.items():
            known = truth[batch] != _NO_LABEL
            if known.any():
                total = (
                    total
                    + functional.cross_entropy(
                        self._heads[group](vectors[known]) * self._recipe.sharpness,
                        truth[batch][known],
                        label_smoothing=self._recipe.smoothing,
                    )
                    * known.float().mean()
                )
        return total

    def _vectors(self, batch: list[int]) -> Any:
        """Mean-pooled unit vectors, as the export makes them."""
        import torch
        from torch.nn import functional

        width = max(len(self._ids[i]) for i in batch)
        ids = torch.zeros(len(batch), width, dtype=torch.long)
        mask = torch.zeros(len(batch), width, dtype=torch.long)
        for row, i in enumerate(batch):
            ids[row, : len(self._ids[i])] = torch.tensor(self._ids[i])
            mask[row, : len(self._ids[i])] = 1
        states = self._encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        shown = mask.unsqueeze(-1).to(states.dtype)
        return functional.normalize((states * shown).sum(1) / shown.sum(1), dim=-1)


_NO_LABEL = -100


def _add_factors(encoder: Any, rank: int) -> dict[str, Any]:
    """Replace the linear layers of the encoder's blocks with ones that add two trainable factors."""
    import torch

    class Factored(torch.nn.Module):
        def __init__(self, layer: torch.nn.Linear) -> None:
            super().__init__()
            self.layer = layer
            self.down = torch.nn.Parameter(torch.randn(rank, layer.in_features) * 0.02)
            self.up = torch.nn.Parameter(torch.zeros(layer.out_features, rank))

        def forward(self, states: torch.Tensor) -> torch.Tensor:
            changed = (states @ self.down.T) @ self.up.T
            return torch.as_tensor(self.layer(states) + _SCALE * changed)

        def factors(self) -> tuple[Any, Any]:
            up, down = self.up.detach().numpy() * _SCALE, self.down.detach().numpy()
            return up.astype(np.float16), down.astype(np.float16)

    names = [
        name
        for name, module in encoder.named_modules()
        if isinstance(module, torch.nn.Linear) and name.startswith("encoder.")
    ]
    added: dict[str, Any] = {}
    for name in names:
        parent, _, child = name.rpartition(".")
        added[name] = Factored(encoder.get_submodule(name))
        setattr(encoder.get_submodule(parent), child, added[name])
    return added


_SCALE = 2.0
