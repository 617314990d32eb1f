"""How sure a search may be that its first article answers the question."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
_V = TypeVar("_V")

FEATURES = ("lead", "cosine", "coverage", "prior", "prior_gap")
"""What the model reads of `ranking.features`. More of them fitted one set better and others worse."""
ANY_INDEX = "any"
"""Fingerprint of the shipped default, which was fitted for no index in particular."""
ANY_LANGUAGE = "*"
"""Key of the calibration, threshold and floor of languages without their own."""
NEVER = 1.0
"""Threshold that no probability reaches, where the target precision is out of reach."""

_PENALTY = 3.0
_FOLDS = 5
_LEAST_SAMPLES = 40
"""Of one language, from which it gets a calibration and a threshold of its own."""
_LEAST_CHANCE = 0.5
"""What is more likely wrong than right is not shown, however good the answers are on average."""
_LEAST_ACCEPTED = 10
"""Answers on which a precision must rest."""
_HIGHEST_FLOOR = 0.45
_LOWEST_FLOOR = 0.2
_KEPT = 0.97
"""Share of right answers that the cosine floor lets through."""


class ConfidenceMismatchError(Exception):
    """A stored confidence model is damaged, or was fitted for another index than the one in use."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One judged search of the index: its features, and whether the first article was right."""

    features: Mapping[str, float]
    right: bool
    language: str = "en"


class Platt(NamedTuple):
    """Turns a raw score into a probability: logistic of `slope * score + offset`."""

    slope: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class ConfidenceModel:
    """Logistic over standardised features, recalibrated and with two gates for each language."""

    names: tuple[str, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float
    calibrations: Mapping[str, Platt]
    thresholds: Mapping[str, float]
    """Least probability of an answer, from the target precision."""
    floors: Mapping[str, float]
    """Least cosine of an answer; below it the question is about something else."""
    fingerprint: str
    """Of the index that the samples came from."""
    target_precision: float

    def probability(self, features: Mapping[str, float], language: str = "en") -> float:
        """Probability, above 0 and below 1, that the first article answers the question."""
        slope, offset = _of(self.calibrations, language)
        return _logistic(slope * self._raw(features) + offset)

    def answerable(
        self, features: Mapping[str, float], language: str = "en", cosine_top: float = 1.0
    ) -> bool:
        """Whether both gates of this language open: cosine floor and probability threshold."""
        near = cosine_top >= _of(self.floors, language)
        return near and self.probability(features, language) >= _of(self.thresholds, language)

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True, indent=1)

    @staticmethod
    def from_json(text: str, fingerprint: str) -> "ConfidenceModel":
        """Read a stored model; refuse one that was fitted for another index."""
        model = _read(text)
        if model.fingerprint not in {ANY_INDEX, fingerprint}:
            raise ConfidenceMismatchError(
                f"The confidence model was fitted for index {model.fingerprint!r}, but index "
                f"{fingerprint!r} is in use. Build the index again with `copilot index sync`."
            )
        return model

    def _raw(self, features: Mapping[str, float]) -> float:
        parts = zip(self.names, self.means, self.scales, self.weights, strict=True)
        return self.bias + sum(
            weight * (features.get(name, 0.0) - mean) / scale for name, mean, scale, weight in parts
        )


class TooFewSamplesError(ValueError):
    """Nothing can be learnt from the samples."""


def fit(
    samples: Sequence[Sample],
    fingerprint: str,
    target_precision: float = 0.9,
    names: tuple[str, ...] = FEATURES,
) -> ConfidenceModel:
    """Fit on judged searches of the index with this fingerprint. The same samples give the same model.

    Calibrations and thresholds rest on predictions for samples that the predicting model had not
    seen. A language with few samples takes the values of all together, and the strictest threshold.
    """
    right = np.array([sample.right for sample in samples], dtype=np.float64)
    if len(right) < _LEAST_SAMPLES or right.all() or not right.any():
        raise TooFewSamplesError(
            f"{len(right)} samples, {int(right.sum())} of them right, are too few to fit a confidence "
            f"model. Give at least {_LEAST_SAMPLES}, right and wrong ones."
        )
    matrix = np.array([[sample.features.get(name, 0.0) for name in names] for sample in samples])
    means, scales = matrix.mean(axis=0), matrix.std(axis=0)
    scales = np.where(scales < 1e-9, 1.0, scales)  # noqa: PLR2004
    standard = (matrix - means) / scales
    unseen = _cross_predicted(standard, right)
    bias, *weights = _regress(standard, right, _PENALTY).tolist()
    calibrations, thresholds, floors = _gates(samples, unseen, right, target_precision)
    return ConfidenceModel(
        names=names,
        means=tuple(means.tolist()),
        scales=tuple(scales.tolist()),
        weights=tuple(weights),
        bias=bias,
        calibrations=calibrations,
        thresholds=thresholds,
        floors=floors,
        fingerprint=fingerprint,
        target_precision=target_precision,
    )


class _Gates(NamedTuple):
    calibrations: Mapping[str, Platt]
    thresholds: Mapping[str, float]
    floors: Mapping[str, float]


def _gates(
    samples: Sequence[Sample], unseen: Numbers, right: Numbers, target_precision: float
) -> _Gates:
    cosine = np.array([sample.features.get("cosine_top", 0.0) for sample in samples])
    spoken = np.array([sample.language for sample in samples])
    groups = {ANY_LANGUAGE: np.ones(len(right), dtype=np.bool_)}
    for language in sorted(set(spoken.tolist())):
        rows = spoken == language
        if rows.sum() >= _LEAST_SAMPLES and 0 < right[rows].sum() < rows.sum():
            groups[language] = rows
    calibrations = {key: _platt(unseen[rows], right[rows]) for key, rows in groups.items()}
    thresholds = {
        key: _threshold(_chances(unseen[rows], calibrations[key]), right[rows], target_precision)
        for key, rows in groups.items()
    }
    # Nothing is known of a language without samples, so it gets the strictest of all.
    thresholds[ANY_LANGUAGE] = max(thresholds.values())
    floors = {key: _floor(cosine[rows & (right > 0)]) for key, rows in groups.items()}
    return _Gates(calibrations, thresholds, floors)


def _chances(raw: Numbers, platt: Platt) -> Numbers:
    return np.array([_logistic(platt.slope * value + platt.offset) for value in raw.tolist()])


def _threshold(chances: Numbers, right: Numbers, target_precision: float) -> float:
    """The lowest probability from which upwards the share of right answers reaches the target."""
    order = np.argsort(-chances, kind="stable")
    precision = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(precision >= target_precision)
    enough = enough[enough >= _LEAST_ACCEPTED - 1]
    return max(float(chances[order][enough[-1]]), _LEAST_CHANCE) if len(enough) else NEVER


def _floor(cosine: Numbers) -> float:
    """The cosine that most right answers exceed, within reason."""
    return float(np.clip(np.quantile(cosine, 1 - _KEPT), _LOWEST_FLOOR, _HIGHEST_FLOOR))


def _cross_predicted(matrix: Numbers, right: Numbers) -> Numbers:
    """Raw scores of each sample by a model fitted on the others."""
    fold = np.empty(len(right), dtype=np.int64)
    for outcome in (0.0, 1.0):
        rows = np.flatnonzero(right == outcome)
        fold[rows] = np.arange(len(rows)) % _FOLDS
    raw = np.empty(len(right))
    for number in range(_FOLDS):
        held = fold == number
        bias, *weights = _regress(matrix[~held], right[~held], _PENALTY).tolist()
        raw[held] = bias + matrix[held] @ np.array(weights)
    return raw


def _platt(raw: Numbers, right: Numbers) -> Platt:
    offset, slope = _regress(raw[:, None], right, 0.01).tolist()
    # A falling slope would turn the order around; then the score says nothing of this language.
    return Platt(max(slope, 0.0), offset)


def _regress(matrix: Numbers, right: Numbers, penalty: float) -> Numbers:
    """Bias and weights of a logistic regression with a ridge on the weights, by Newton's method."""
    design = np.hstack([np.ones((len(matrix), 1)), matrix])
    ridge = np.diag([1e-6, *[penalty] * matrix.shape[1]])
    weights = np.zeros(design.shape[1])
    for _ in range(30):
        chance = 1 / (1 + np.exp(-np.clip(design @ weights, -30, 30)))
        slope = design.T @ (chance - right) + ridge @ weights
        curve = design.T @ (design * (chance * (1 - chance))[:, None]) + ridge
        step = np.linalg.solve(curve, slope)
        weights -= step
        if float(np.abs(step).max()) < 1e-9:  # noqa: PLR2004
            break
    return weights


def _logistic(value: float) -> float:
    return 1.0 / (1.0 + math.exp(-min(max(value, -30.0), 30.0)))


def _of(table: Mapping[str, _V], language: str) -> _V:
    return table.get(language, table[ANY_LANGUAGE])


def _read(text: str) -> ConfidenceModel:
    try:
        data = json.loads(text)
        for name in ("names", "means", "scales", "weights"):
            data[name] = tuple(data[name])
        data["calibrations"] = {key: Platt(*pair) for key, pair in data["calibrations"].items()}
        model = ConfidenceModel(**data)
        model.answerable({}, "")
    except (ValueError, TypeError, KeyError, AttributeError, ZeroDivisionError) as error:
        raise ConfidenceMismatchError(
            f"The stored confidence model can't be read ({type(error).__name__}). "
            "Build the index again with `copilot index sync`."
        ) from error
    return model


def default_model() -> ConfidenceModel:
    """The shipped model, for an index that has no judged searches of its own.

    Fitted by `python -m benchmarks.retrieval --fit` on the development half of a public set and on
    questions of another one; it knows English only, so other languages get a lower cosine floor and
    a stricter threshold.
    """
    return ConfidenceModel(
        names=FEATURES,
        means=(0.604773, 0.586098, 0.42256, 0.0, 0.0),
        scales=(0.315716, 0.210275, 0.238045, 1.0, 1.0),
        weights=(1.523973, 0.857996, 0.202861, 0.0, 0.0),
        bias=0.019798,
        calibrations={ANY_LANGUAGE: Platt(1.10767, -0.023207)},
        thresholds={ANY_LANGUAGE: 0.8, "en": 0.738415},
        floors={ANY_LANGUAGE: 0.3, "en": 0.45},
        fingerprint=ANY_INDEX,
        target_precision=0.9,
    )
