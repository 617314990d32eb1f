"""See which actions of the catalogue a message asks for. Numpy only; trained in `recogniser_training`.

A text becomes a row: its embedding, its cues, products of cues and its weighted n-grams. A matrix
gives a margin for every action and every kind of harmless text, and one for "only people may decide
this"; both together are a score. There are two such readers: one of the adapted model's vectors, one of
the plain model's. They err on different texts, so a whole message is judged by the sum of their scores,
calibrated on held-out texts. A part of a message is read by the first alone, which saves a vector.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from copilot.understanding.cues import cues, cues_digest
from copilot.understanding.ngrams import buckets
from copilot.understanding.scores import Floats, log_softmax

HARMLESS, DECLINED, PERMITTED, TOPIC = "harmless", "declined", "permitted", "topic:"
"""Kinds beside the mandatory classes; a label that starts with TOPIC is no action but counts as one."""
_EMBEDDING, _CUE, _PRODUCT = 2.0, 0.5, 0.25
_SHARPNESS, _MANDATORY_MARGIN = 5.0, 1.5
_FLOATS = ("calibration", "thresholds", "spread")
_MATRICES = ("dense", "sparse", "intercept", "rarity")
_DECLINED_FROM, _PERMITTED_FROM, _SECOND_FROM = 0.25, 0.45, 0.3
_TOPIC_FROM, _AGREEING_FROM = 0.35, 0.04
"""A topic that always needs people counts when it is this certain and the recogniser half agrees."""


class Seen(NamedTuple):
    """An action that a text asks for."""

    action: str
    confidence: float


class Reading(NamedTuple):
    """What the recogniser makes of one text."""

    mandatory: float
    """Probability that the text asks for something that only people may decide."""
    shares: Floats
    """Shape (labels,); sums to 1."""


def marks(text: str, products: NDArray[np.int64]) -> Floats:
    """Cues and products of cues. `products` holds the pairs that are multiplied."""
    present = cues().present(text)
    both = present[products[:, 0]] * present[products[:, 1]]
    return np.concatenate([_CUE * present, _PRODUCT * both])


def row(vector: Floats, marked: Floats) -> Floats:
    """What a reader reads of a text beside its n-grams."""
    return np.concatenate([_EMBEDDING * vector, marked]).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Margins:
    """A linear reader: a margin for each label, and the mandatory margin in the last column."""

    dense: Floats
    """Shape (features, labels + 1)."""
    sparse: Floats
    """Shape (buckets, labels + 1)."""
    intercept: Floats
    rarity: Floats

    def of(self, dense: Floats, grams: NDArray[np.int64]) -> Floats:
        """Shape (labels + 1,)."""
        total = dense @ self.dense + self.intercept
        if grams.size:
            weights = self.rarity[grams]
            total = total + weights @ self.sparse[grams] / np.linalg.norm(weights)
        return np.asarray(total, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Recogniser:
    """Two readers and the fitted operating points."""

    labels: tuple[str, ...]
    kinds: tuple[str, ...]
    """For each label its mandatory class, or HARMLESS, DECLINED or PERMITTED."""
    tuned: Margins
    plain: Margins
    products: NDArray[np.int64]
    spread: Floats
    """Standard deviation of the scores of either reader, so that both count alike."""
    calibration: Floats
    """Shape (2, 2): slope and bias that turn a score into log-odds, for a message and for a part."""
    thresholds: Floats
    """From which probability a whole message, and a part of one, counts as mandatory."""
    cues: str
    """Digest of the cues that it was trained with; with others its margins mean nothing."""

    def read(self, text: str, tuned: Floats, plain: Floats | None = None) -> Reading:
        """What a message asks for, from both vectors; of a part, which has no plain one, from one."""
        grams, marked = buckets(text), marks(text, self.products)
        margins = self.tuned.of(row(tuned, marked), grams)
        total = score(margins, self.mandatory) / self.spread[0]
        if plain is not None:
            other = self.plain.of(row(plain, marked), grams)
            total += score(other, self.mandatory) / self.spread[1]
        slope, bias = self.calibration[int(plain is None)]
        return Reading(float(1 / (1 + np.exp(-(slope * total + bias)))), shares(margins))

    @property
    def fits(self) -> bool:
        """Whether the cues in use are those it was trained with."""
        return self.cues == cues_digest()

    @property
    def mandatory(self) -> NDArray[np.bool_]:
        """Which labels only people may decide."""
        return np.array([kind not in (HARMLESS, DECLINED, PERMITTED) for kind in self.kinds])

    def seen(
        self, text: str, tuned: Floats, topics: Mapping[str, float], plain: Floats | None = None
    ) -> tuple[Seen, ...]:
        """The requested actions, the most certain first.

        A part, which has no plain vector, is judged more strictly.
        `topics` are the probabilities of the labels of what the text is about.
        An action to decline is named alone where it explains the text better than all mandatory ones.
        """
        part = plain is None
        reading = self.read(text, tuned, plain)
        declined = self._best(reading, DECLINED)
        people = float(reading.shares[self.mandatory].sum())
        if declined and declined.confidence >= max(_DECLINED_FROM, people):
            return (declined,)
        if self._needs_people(reading, topics, part=part):
            return self._mandatory_actions(reading, topics)
        permitted = self._best(reading, PERMITTED)
        return (permitted,) if permitted and permitted.confidence >= _PERMITTED_FROM else ()

    def _needs_people(self, reading: Reading, topics: Mapping[str, float], *, part: bool) -> bool:
        if reading.mandatory >= self.thresholds[int(part)]:
            return True
        about = sum(topics.get(label.removeprefix(TOPIC), 0.0) for label in self._topics())
        return not part and about >= _TOPIC_FROM and reading.mandatory >= _AGREEING_FROM

    def _topics(self) -> tuple[str, ...]:
        return tuple(label for label in self.labels if label.startswith(TOPIC))

    def _best(self, reading: Reading, *kinds: str) -> Seen | None:
        places = [
            place
            for place, (label, kind) in enumerate(zip(self.labels, self.kinds, strict=True))
            if kind in kinds and not label.startswith(TOPIC)
        ]
        best = max(places, key=lambda place: reading.shares[place], default=None)
        return None if best is None else Seen(self.labels[best], float(reading.shares[best]))

    def _mandatory_actions(self, reading: Reading, topics: Mapping[str, float]) -> tuple[Seen, ...]:
        """The heaviest class names the action, so that the case reaches the queue of that class."""
        weights: dict[str, float] = {}
        for label, kind, share in zip(self.labels, self.kinds, reading.shares, strict=True):
            about = topics.get(label.removeprefix(TOPIC), 0.0) if label.startswith(TOPIC) else 0.0
            weights[kind] = weights.get(kind, 0.0) + float(share) + about
        for kind in (HARMLESS, DECLINED, PERMITTED):
            weights.pop(kind, None)
        ranked = sorted(weights, key=lambda kind: -weights[kind])
        first, *others = (seen for kind in ranked if (seen := self._best(reading, kind)))
        certain = [seen for seen in others[:1] if seen.confidence >= _SECOND_FROM]
        return (Seen(first.action, reading.mandatory), *certain)

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Everything, as arrays to keep; `of` takes it back."""
        kept = {
            field.name: np.array(getattr(self, field.name))
            for field in fields(self)
            if field.name not in ("tuned", "plain")
        }
        for name, reader in (("tuned", self.tuned), ("plain", self.plain)):
            kept |= {f"{name}.{matrix}": getattr(reader, matrix) for matrix in _MATRICES}
            kept[f"{name}.sparse"] = reader.sparse.astype(np.float16)
        return kept

    @classmethod
    def of(cls, stored: Mapping[str, NDArray[np.generic]]) -> Self:
        tuned, plain = (
            Margins(*(stored[f"{name}.{part}"].astype(np.float32) for part in _MATRICES))
            for name in ("tuned", "plain")
        )
        floats = {name: stored[name].astype(np.float32) for name in _FLOATS}
        return cls(
            tuned=tuned,
            plain=plain,
            labels=tuple(str(label) for label in stored["labels"]),
            kinds=tuple(str(kind) for kind in stored["kinds"]),
            products=stored["products"].astype(np.int64),
            cues=str(stored["cues"]),
            spread=floats["spread"],
            calibration=floats["calibration"],
            thresholds=floats["thresholds"],
        )


def shares(margins: Floats) -> Floats:
    """Share of each label, from all margins of a text."""
    return np.exp(log_softmax(_SHARPNESS * margins[:-1]))


def score(margins: Floats, mandatory: NDArray[np.bool_]) -> float:
    """Uncalibrated log-odds that only people may decide: the share of such labels, and the own margin."""
    people = float(np.clip(shares(margins)[mandatory].sum(), 1e-5, 1 - 1e-5))
    return float(np.log(people / (1 - people)) + _MANDATORY_MARGIN * margins[-1])
