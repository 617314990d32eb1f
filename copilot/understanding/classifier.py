"""Small linear classifiers over the shared embedding and over hashed n-grams.

Trained at index time (`training`), read here with numpy alone. A label's score is a weighted sum of
a log-probability (logistic regression on the embedding) and a margin (linear SVM on weighted n-grams).
The weights are fitted on held-out utterances, so that the softmax of the sum is a calibrated probability.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from copilot.understanding.recogniser import Recogniser
from copilot.understanding.scores import Floats, log_softmax

_RECOGNISER = "recogniser."


@dataclass(frozen=True, slots=True)
class LinearClassifier:
    """Probabilities over a closed set of labels."""

    labels: tuple[str, ...]
    dense: Floats
    """Shape (labels, dimensions + 1); the last column is the bias."""
    sparse: Floats
    """Shape (buckets, labels): what each n-gram bucket, weighted by rarity, adds to the margin."""
    intercept: Floats
    rarity: Floats
    """Shape (buckets,): inverse document frequency."""
    mix: Floats
    """Weights of the log-probability and of the margin."""

    def probabilities(self, vector: Floats, grams: NDArray[np.int64]) -> Floats:
        """Shape (labels,); sums to 1."""
        scores = self.mix[0] * log_softmax(self.dense[:, :-1] @ vector + self.dense[:, -1])
        scores = scores + self.mix[1] * self.margins(grams)
        return np.exp(log_softmax(scores))

    def margins(self, grams: NDArray[np.int64]) -> Floats:
        """Shape (labels,): SVM margins of a text's n-grams; the intercepts where it has none."""
        if not grams.size:
            return self.intercept
        weights = self.rarity[grams]
        total = weights @ self.sparse[grams] / np.linalg.norm(weights)
        return np.asarray(total + self.intercept, dtype=np.float32)

    def named(self, vector: Floats, grams: NDArray[np.int64]) -> dict[str, float]:
        values = self.probabilities(vector, grams)
        return {label: float(p) for label, p in zip(self.labels, values, strict=True)}


@dataclass(frozen=True, slots=True)
class Classifiers:
    """Every classifier that the agent reads a message with, and the words they were trained on."""

    by_name: Mapping[str, LinearClassifier]
    vocabulary: frozenset[str]
    fingerprint: str
    """Fingerprint of the embedding model they belong to."""
    recogniser: Recogniser | None = None
    """Sees requested actions; trained by itself, kept in the same file."""

    def __getitem__(self, name: str) -> LinearClassifier:
        return self.by_name[name]

    def save(self, path: Path) -> None:
        arrays: dict[str, NDArray[np.generic]] = {
            "names": np.array(sorted(self.by_name)),
            "vocabulary": np.array(sorted(self.vocabulary)),
            "fingerprint": np.array(self.fingerprint),
        }
        for name, model in self.by_name.items():
            arrays[f"{name}.labels"] = np.array(model.labels)
            arrays[f"{name}.dense"] = model.dense.astype(np.float32)
            arrays[f"{name}.sparse"] = model.sparse.astype(np.float16)
            arrays[f"{name}.intercept"] = model.intercept.astype(np.float32)
            arrays[f"{name}.rarity"] = model.rarity.astype(np.float32)
            arrays[f"{name}.mix"] = model.mix.astype(np.float32)
        if self.recogniser is not None:
            for name, array in self.recogniser.arrays().items():
                arrays[f"{_RECOGNISER}{name}"] = array
        with path.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path) -> "Classifiers":
        with np.load(path, allow_pickle=False) as stored:
            names = [str(name) for name in stored["names"]]
            kept = {
                key.removeprefix(_RECOGNISER): stored[key]
                for key in stored.files
                if key.startswith(_RECOGNISER)
            }
            return cls(
                by_name={
                    name: LinearClassifier(
                        labels=tuple(str(label) for label in stored[f"{name}.labels"]),
                        dense=stored[f"{name}.dense"],
                        sparse=stored[f"{name}.sparse"].astype(np.float32),
                        intercept=stored[f"{name}.intercept"],
                        rarity=stored[f"{name}.rarity"],
                        mix=stored[f"{name}.mix"],
                    )
                    for name in names
                },
                vocabulary=frozenset(str(word) for word in stored["vocabulary"]),
                fingerprint=str(stored["fingerprint"]),
                recogniser=Recogniser.of(kept) if kept else None,
            )
