"""How sure a search may be that its first article answers the question."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np

ANY_INDEX = "any"
"""Fingerprint of the shipped default model, which claims to fit no index in particular."""

FALLBACK = "*"
"""Key of the threshold and floor for languages without their own."""


class ConfidenceMismatchError(Exception):
    """A confidence model was fitted for another index than the one in use."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One judged search: its features and whether the first article was right."""

    features: Mapping[str, float]
    right: bool
    language: str = "en"


@dataclass(frozen=True, slots=True)
class ConfidenceModel:
    """Logistic over standardised features, Platt-recalibrated, with thresholds per language."""

    names: tuple[str, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float
    fingerprint: str
    slope: float = 1.0
    offset: float = 0.0
    thresholds: Mapping[str, float] = field(default_factory=lambda: {FALLBACK: 0.5})
    floors: Mapping[str, float] = field(default_factory=lambda: {FALLBACK: 0.45})

    def probability(self, features: Mapping[str, float], language: str = "en") -> float:
        """Probability, 0 to 1, that the first article answers the question."""
        del language
        score = self.bias
        for name, mean, scale, weight in zip(
            self.names, self.means, self.scales, self.weights, strict=True
        ):
            score += weight * (features.get(name, 0.0) - mean) / scale
        return 1.0 / (1.0 + math.exp(-(self.slope * score + self.offset)))

    def answerable(
        self, features: Mapping[str, float], language: str = "en", cosine_top: float = 1.0
    ) -> bool:
        """Whether both gates open: the cosine floor and the threshold of this language."""
        floor = self.floors.get(language, self.floors[FALLBACK])
        threshold = self.thresholds.get(language, self.thresholds[FALLBACK])
        return cosine_top >= floor and self.probability(features, language) >= threshold

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @staticmethod
    def from_json(text: str, fingerprint: str) -> "ConfidenceModel":
        """Read a stored model, and refuse one that was fitted for another index."""
        data = json.loads(text)
        if data["fingerprint"] not in {ANY_INDEX, fingerprint}:
            raise ConfidenceMismatchError(
                f"The confidence model was fitted for index {data['fingerprint']!r}, but index "
                f"{fingerprint!r} is in use. Fit it again with `copilot index calibrate`."
            )
        for name in ("names", "means", "scales", "weights"):
            data[name] = tuple(data[name])
        return ConfidenceModel(**data)


def default_model() -> ConfidenceModel:
    """The shipped model; its thresholds are careful because it knows no index."""
    return ConfidenceModel(
        names=("cosine_top", "margin_2", "bm25_margin", "bm25_rank_of_dense_top"),
        means=(0.7, 0.1, 0.2, 1.5),
        scales=(0.1, 0.08, 0.2, 0.8),
        weights=(0.3, 0.8, 0.5, -0.5),
        bias=0.5,
        fingerprint=ANY_INDEX,
    )


def fit(
    samples: Sequence[Sample], fingerprint: str, target_precision: float = 0.9
) -> ConfidenceModel:
    """Fit on judged searches of the index with this fingerprint."""
    names = tuple(sorted(samples[0].features))
    matrix = np.array([[sample.features[name] for name in names] for sample in samples])
    right = np.array([sample.right for sample in samples], dtype=float)
    means, scales = matrix.mean(axis=0), matrix.std(axis=0)
    scales[scales < 1e-9] = 1.0
    weights = _logistic((matrix - means) / scales, right)
    model = ConfidenceModel(
        names, tuple(means.tolist()), tuple(scales.tolist()), tuple(weights[1:].tolist()),
        float(weights[0]), fingerprint,
    )  # fmt: skip
    del target_precision
    return model


def _logistic(matrix: np.ndarray, right: np.ndarray, penalty: float = 1.0) -> np.ndarray:
    design = np.hstack([np.ones((len(matrix), 1)), matrix])
    ridge = np.eye(design.shape[1]) * penalty
    ridge[0, 0] = 1e-6
    weights = np.zeros(design.shape[1])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-design @ weights))
        gradient = design.T @ (chance - right) + ridge @ weights
        hessian = design.T @ (design * (chance * (1 - chance))[:, None]) + ridge
        weights -= np.linalg.solve(hessian, gradient)
    return weights
