"""See which actions of the catalogue a message asks for. Numpy only; trained in `recogniser_training`.

A text becomes one row: its embedding, its cues, products of cues and its weighted n-grams. One matrix
gives a margin for every action and kind of harmless text, and one for "only people may decide this".
Both together, calibrated on held-out texts, are the probability that the request is mandatory.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from copilot.understanding.classifier import Floats, log_softmax
from copilot.understanding.cues import cues
from copilot.understanding.ngrams import buckets

HARMLESS, DECLINED, PERMITTED = "harmless", "declined", "permitted"
"""Kinds of labels beside the mandatory classes: no action, an action to decline, any other action."""
EMBEDDING_SCALE, CUE_SCALE, PRODUCT_SCALE = 2.0, 0.5, 0.25
SHARPNESS, WEIGHT_OF_MANDATORY = 4.0, 2.0
_MARGIN_LIMIT = 12.0
_DECLINED_FROM, _PERMITTED_FROM, _SECOND_FROM = 0.35, 0.45, 0.3
_MAX_SEEN = 2


class Seen(NamedTuple):
    """An action that a text asks for."""

    action: str
    confidence: float


class Reading(NamedTuple):
    """What the recogniser makes of one text."""

    mandatory: float
    """Probability that the text asks for something that only people may decide."""
    labels: dict[str, float]
    """Share of each label; sums to 1."""


@dataclass(frozen=True, slots=True)
class Row:
    """A text as the recogniser sees it."""

    dense: Floats
    grams: NDArray[np.int64]


def row(text: str, vector: Floats, products: NDArray[np.int64]) -> Row:
    """The features of a text. `products` holds the pairs of cues whose product is a feature."""
    present = cues().present(text)
    both = present[products[:, 0]] * present[products[:, 1]]
    parts = (EMBEDDING_SCALE * vector, CUE_SCALE * present, PRODUCT_SCALE * both)
    return Row(np.concatenate(parts).astype(np.float32), buckets(text))


@dataclass(frozen=True, slots=True)
class Recogniser:
    """Margins per label, the mandatory margin in the last column, and the fitted operating points."""

    labels: tuple[str, ...]
    kinds: tuple[str, ...]
    """For each label its mandatory class, or one of HARMLESS, DECLINED and PERMITTED."""
    dense: Floats
    """Shape (features, labels + 1)."""
    sparse: Floats
    """Shape (buckets, labels + 1)."""
    intercept: Floats
    rarity: Floats
    products: NDArray[np.int64]
    calibration: Floats
    """Slope and bias from score to log-odds."""
    thresholds: Floats
    """From which probability a whole message, and a part of one, counts as mandatory."""

    def read(self, text: str, vector: Floats) -> Reading:
        margins = self.margins(row(text, vector, self.products))
        shares = np.exp(log_softmax(SHARPNESS * margins[:-1]))
        slope, bias = self.calibration
        odds = slope * score(margins, self._mandatory()) + bias
        named = {label: float(p) for label, p in zip(self.labels, shares, strict=True)}
        return Reading(float(1 / (1 + np.exp(-odds))), named)

    def margins(self, features: Row) -> Floats:
        """Shape (labels + 1,)."""
        total = features.dense @ self.dense + self.intercept
        if features.grams.size:
            weights = self.rarity[features.grams]
            total = total + weights @ self.sparse[features.grams] / np.linalg.norm(weights)
        return np.asarray(total, dtype=np.float32)

    def seen(self, text: str, vector: Floats, *, part: bool = False) -> tuple[Seen, ...]:
        """The requested actions, the most certain first. A `part` of a message is judged more strictly.

        An action to decline is named alone when it explains the text better than all mandatory ones.
        """
        reading = self.read(text, vector)
        declined = self._best(reading, lambda kind: kind == DECLINED)
        share = sum(reading.labels[n] for n in self._of(lambda kind: kind not in _OPEN_KINDS))
        if declined and declined.confidence >= max(_DECLINED_FROM, share):
            return (declined,)
        if reading.mandatory >= self.thresholds[int(part)]:
            return self._mandatory_actions(reading)
        permitted = self._best(reading, lambda kind: kind == PERMITTED)
        return (permitted,) if permitted and permitted.confidence >= _PERMITTED_FROM else ()

    def _mandatory_actions(self, reading: Reading) -> tuple[Seen, ...]:
        """The class with most weight names the action, so that the case reaches that class's queue."""
        weights: dict[str, float] = {}
        for label, kind in zip(self.labels, self.kinds, strict=True):
            if kind not in _OPEN_KINDS:
                weights[kind] = weights.get(kind, 0.0) + reading.labels[label]
        likely = max(weights, key=lambda kind: weights[kind])
        ranked = sorted(
            (n for n in self._of(lambda kind: kind not in _OPEN_KINDS) if not is_topic(n)),
            key=lambda name: -reading.labels[name],
        )
        first = next(n for n in ranked if self.kinds[self.labels.index(n)] == likely)
        others = [n for n in ranked if n != first and reading.labels[n] >= _SECOND_FROM]
        return (
            Seen(first, reading.mandatory),
            *(Seen(n, reading.labels[n]) for n in others[: _MAX_SEEN - 1]),
        )

    def _best(self, reading: Reading, wanted: "Wanted") -> Seen | None:
        names = [name for name in self._of(wanted) if not is_topic(name)]
        best = max(names, key=lambda name: reading.labels[name], default=None)
        return Seen(best, reading.labels[best]) if best else None

    def _of(self, wanted: "Wanted") -> list[str]:
        return [n for n, kind in zip(self.labels, self.kinds, strict=True) if wanted(kind)]

    def _mandatory(self) -> NDArray[np.bool_]:
        return mandatory_columns(self.kinds)
