"""Fit an adapter to labelled texts: `make adapter`, at development time, about 40 minutes.

Low-rank adaptation (Hu et al. 2021) of every linear layer, trained to name the label of a text in
each of several groups at once. Some texts are read with an unrelated one before or behind them: people tell
stories, and what decides may stand anywhere in one. Only the adapter is kept; the classifiers are trained
afresh on its vectors.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from knowledge.adapter import Adapter

Texts = Mapping[str, Sequence[tuple[str, str]]]
"""Labelled texts by group; a text may be in several groups."""


@dataclass(frozen=True, slots=True)
class Asides:
    """What else people say around what decides."""

    said: Sequence[str] = ()
    """Texts that may stand beside any other; all of them are labelled in some group."""
    outlasting: Texts = field(default_factory=dict)
    """The labels that a text keeps whatever stands beside it, by group."""


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
    max_tokens: int = 160
    beside: float = 0.25
    """Share of the texts that are read with an aside, anew in every epoch."""
    half: bool = True
    """Multiply in bfloat16 within the encoder; the factors stay in full precision. Nearly twice as fast where a processor has it."""
    seed: int = 0


def tune(
    source: Path,
    texts: Texts,
    asides: Asides | None = None,
    *,
    recipe: Recipe | None = None,
    progress: Callable[[int, float], None] = lambda *_: None,
) -> Adapter:
    """Fit an adapter for the model in the folder `source`. `progress` hears epoch and mean loss."""
    return _Tuning(source, texts, asides or Asides(), recipe or Recipe()).run(progress)


class _Read(NamedTuple):
    """A text as it is read once."""

    text: int
    tokens: Sequence[int]
    alone: bool


class _Tuning:
    def __init__(self, source: Path, texts: Texts, asides: Asides, recipe: Recipe) -> None:
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
        self._asides = [place[text] for text in asides.said]
        self._labels: dict[str, Any] = {}
        self._outlasting: dict[str, Any] = {}
        self._heads: dict[str, Any] = {}
        for group, rows in texts.items():
            names = {label: number for number, label in enumerate(sorted({b for _, b in rows}))}
            self._labels[group] = torch.full((len(self._texts),), _NO_LABEL)
            self._outlasting[group] = self._labels[group].clone()
            for truth, known in (
                (self._labels[group], rows),
                (self._outlasting[group], asides.outlasting.get(group, ())),
            ):
                for text, label in known:
                    truth[place[text]] = names[label]
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

    def _batches(self) -> list[list["_Read"]]:
        """Every text once; those of like length share a batch, so that little is spent on padding."""
        reads = [self._read(text) for text in range(len(self._texts))]
        self._random.shuffle(reads)
        size, batches = self._recipe.batch, []
        for start in range(0, len(reads), size * 16):
            near = sorted(reads[start : start + size * 16], key=lambda read: len(read.tokens))
            batches += [near[i : i + size] for i in range(0, len(near), size)]
        self._random.shuffle(batches)
        return batches

    def _read(self, text: int) -> "_Read":
        """The text alone, or as of one message with an aside before or behind it."""
        tokens = self._ids[text]
        if self._asides and self._random.random() < self._recipe.beside:
            pair = [tokens, self._ids[self._random.choice(self._asides)]]
            self._random.shuffle(pair)
            joined = [*pair[0][:-1], *pair[1][1:]]
            if len(joined) <= self._recipe.max_tokens:
                return _Read(text, joined, alone=False)
        return _Read(text, tokens, alone=True)

    def _loss(self, batch: list["_Read"]) -> Any:
        import torch
        from torch.nn import functional

        texts = [read.text for read in batch]
        alone = torch.tensor([read.alone for read in batch])
        vectors = self._vectors([read.tokens for read in batch])
        total = torch.zeros(())
        for group, labels in self._labels.items():
            truth = torch.where(alone, labels[texts], self._outlasting[group][texts])
            known = truth != _NO_LABEL
            if known.any():
                total = (
                    total
                    + functional.cross_entropy(
                        self._heads[group](vectors[known]) * self._recipe.sharpness,
                        truth[known],
                        label_smoothing=self._recipe.smoothing,
                    )
                    * known.float().mean()
                )
        return total

    def _vectors(self, read: Sequence[Sequence[int]]) -> Any:
        """Mean-pooled unit vectors, as the export makes them."""
        import torch
        from torch.nn import functional

        width = max(map(len, read))
        ids = torch.zeros(len(read), width, dtype=torch.long)
        mask = torch.zeros(len(read), width, dtype=torch.long)
        for row, tokens in enumerate(read):
            ids[row, : len(tokens)] = torch.tensor(tokens)
            mask[row, : len(tokens)] = 1
        with torch.autocast("cpu", torch.bfloat16, enabled=self._recipe.half):
            states = self._encoder(input_ids=ids, attention_mask=mask).last_hidden_state.float()
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
