"""Fit the recogniser of requested actions. Index time only; scikit-learn is imported when it runs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from copilot.understanding.cues import cues, cues_digest
from copilot.understanding.ngrams import BUCKETS, buckets
from copilot.understanding.recogniser import TOPIC, Margins, Recogniser, marks, row, score
from copilot.understanding.scores import Floats
from copilot.understanding.training import Sample, is_held_out

MISS_RATE = 0.10
"""Bound on the expected share of missed mandatory requests, where none is named."""
FALSE_ALARMS_IN_PARTS = 0.06
"""Share of held-out harmless texts that may be handed over when they are a part of a message."""
_PAIR_FROM = 4
_ABSENT = -2.0
BINARY = 2


@dataclass(frozen=True, slots=True)
class Lessons:
    """What the recogniser learns from: texts by label, and the kind of every label."""

    samples: tuple[Sample, ...]
    kinds: Mapping[str, str]
    everyday: frozenset[str]
    """Labels of ordinary questions: false alarms are counted on these."""


class Trial(NamedTuple):
    """A recogniser that never saw the held-out texts, for honest figures."""

    recogniser: Recogniser
    held_out: tuple[Sample, ...]


class _Rows(NamedTuple):
    tuned: Floats
    plain: Floats
    grams: list[NDArray[np.int64]]


class _Points(NamedTuple):
    """See the fields of `Recogniser`."""

    spread: Floats
    calibration: Floats
    thresholds: Floats


def train_recogniser(
    lessons: Lessons,
    tuned: Callable[[Sequence[str]], Floats],
    plain: Callable[[Sequence[str]], Floats],
    *,
    miss_rate: float = MISS_RATE,
) -> tuple[Recogniser, Trial]:
    """Fit on three quarters, calibrate on the rest, then fit on everything. Same texts, same result.

    `miss_rate` bounds the expected share of mandatory requests that are missed, as far as requests are
    like the examples: conformal risk control (Angelopoulos et al. 2022) on the held-out quarter.
    """
    texts = [sample.text for sample in lessons.samples]
    held = np.array([is_held_out(text) for text in texts])
    products = _products(texts)
    marked = [marks(text, products) for text in texts]
    tuned_rows, plain_rows = (
        np.array([row(vector, seen) for vector, seen in zip(embed(texts), marked, strict=True)])
        for embed in (tuned, plain)
    )
    rows = _Rows(tuned_rows, plain_rows, [buckets(text) for text in texts])
    trial = _fitted(lessons, rows, products, np.flatnonzero(~held))
    points = _calibrated(trial, lessons, rows, np.flatnonzero(held), miss_rate)
    final = _fitted(lessons, rows, products, np.arange(len(texts)))
    if points is not None:
        trial, final = (
            replace(
                one,
                spread=points.spread,
                calibration=points.calibration,
                thresholds=points.thresholds,
            )
            for one in (trial, final)
        )
    unseen = tuple(s for s, out in zip(lessons.samples, held, strict=True) if out)
    return final, Trial(trial, unseen)


def _products(texts: Sequence[str]) -> NDArray[np.int64]:
    """Pairs of cues that occur together often enough to learn from."""
    present = np.array([cues().present(text) for text in texts])
    together = np.triu(present.T @ present, 1)
    return np.argwhere(together >= _PAIR_FROM)


def _fitted(
    lessons: Lessons, rows: _Rows, products: NDArray[np.int64], chosen: NDArray[np.int64]
) -> Recogniser:
    labels = tuple(sorted(lessons.kinds))
    place = {label: number for number, label in enumerate(labels)}
    truth = np.array([place[lessons.samples[i].label] for i in chosen])
    kinds = tuple(lessons.kinds[label] for label in labels)
    grams = [rows.grams[i] for i in chosen]
    nothing = Margins(*(np.zeros(0, dtype=np.float32) for _ in range(4)))
    blank = Recogniser(
        labels=labels,
        kinds=kinds,
        tuned=nothing,
        plain=nothing,
        products=products,
        spread=np.ones(2, dtype=np.float32),
        calibration=np.array([[1, 0], [1, 0]], dtype=np.float32),
        thresholds=np.array([0.5, 0.5], dtype=np.float32),
        cues=cues_digest(),
    )
    people = blank.mandatory[truth]
    tuned, plain = (
        _reader(dense[chosen], grams, truth, people, len(labels))
        for dense in (rows.tuned, rows.plain)
    )
    return replace(blank, tuned=tuned, plain=plain)


def _reader(
    dense: Floats,
    grams: Sequence[NDArray[np.int64]],
    truth: NDArray[np.int64],
    people: NDArray[np.bool_],
    labels: int,
) -> Margins:
    from scipy.sparse import csr_matrix, hstack

    rarity, weighted = _weighted(grams)
    table = hstack([csr_matrix(dense), weighted]).tocsr().astype(np.float64)
    width = dense.shape[1]
    weights = np.zeros((width + BUCKETS, labels + 1), dtype=np.float32)
    intercept = np.full(labels + 1, _ABSENT, dtype=np.float32)
    for columns, coefficients, biases in _margins(table, truth, people, labels):
        weights[:, columns] = coefficients.T
        intercept[columns] = biases
    return Margins(weights[:width], weights[width:], intercept, rarity)


def _margins(
    table: object, truth: NDArray[np.int64], people: NDArray[np.bool_], labels: int
) -> Iterator[tuple[NDArray[np.int64], Floats, Floats]]:
    """Linear SVMs: one label against the rest, and what only people may decide against everything else."""
    from sklearn.svm import LinearSVC

    if len(set(truth)) > 1:
        each = LinearSVC(C=0.3, tol=1e-2, random_state=0).fit(table, truth)
        two = len(each.classes_) == BINARY
        sides = np.array([[-1.0], [1.0]]) if two else np.ones((1, 1))
        yield each.classes_, sides * each.coef_, sides[:, 0] * each.intercept_
    if people.any() and not people.all():
        whole = LinearSVC(C=0.15, tol=1e-2, random_state=0, class_weight="balanced")
        whole.fit(table, people)
        yield np.array([labels]), whole.coef_, whole.intercept_


def _weighted(grams: Sequence[NDArray[np.int64]]) -> tuple[Floats, object]:
    """Unit vectors of n-grams weighted by rarity."""
    from scipy.sparse import csr_matrix

    columns = np.concatenate(grams)
    sizes = [len(row) for row in grams]
    seen = np.bincount(columns, minlength=BUCKETS)
    rarity = (np.log((len(grams) + 1) / (seen + 1)) + 1).astype(np.float32)
    norms = np.array([max(float(np.linalg.norm(rarity[row])), 1e-6) for row in grams])
    values = rarity[columns] / np.repeat(norms, sizes)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    return rarity, csr_matrix((values, columns, starts), shape=(len(grams), BUCKETS))


def _calibrated(
    trial: Recogniser,
    lessons: Lessons,
    rows: _Rows,
    held: NDArray[np.int64],
    miss_rate: float,
) -> _Points | None:
    """Log-odds that fit the held-out texts; a threshold that bounds misses, and a stricter one for parts."""
    people = trial.mandatory
    place = {label: number for number, label in enumerate(trial.labels)}
    mandatory = people[[place[lessons.samples[i].label] for i in held]]
    everyday = np.array([lessons.samples[i].label in lessons.everyday for i in held])
    if not everyday.any() or mandatory.all() or not mandatory.any():
        return None
    tuned, plain = (
        np.array([score(reader.of(dense[i], rows.grams[i]), people) for i in held])
        for reader, dense in ((trial.tuned, rows.tuned), (trial.plain, rows.plain))
    )
    spread = np.maximum([tuned.std(), plain.std()], 1e-6)
    part, whole = tuned / spread[0], tuned / spread[0] + plain / spread[1]
    asked = np.array([not lessons.samples[i].label.startswith(TOPIC) for i in held])
    limits = (
        _bounding(whole[mandatory & asked], miss_rate),
        float(np.quantile(part[everyday], 1 - FALSE_ALARMS_IN_PARTS)),
    )
    odds = np.array([_odds(scores, mandatory) for scores in (whole, part)])
    thresholds = 1 / (1 + np.exp(-(odds[:, 0] * np.array(limits) + odds[:, 1])))
    return _Points(
        spread.astype(np.float32), odds.astype(np.float32), thresholds.astype(np.float32)
    )


def _odds(scores: Floats, mandatory: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and bias of the log-odds of a mandatory request."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression().fit(scores[:, None], mandatory)
    return float(model.coef_[0, 0]), float(model.intercept_[0])


def _bounding(scores: Floats, miss_rate: float) -> float:
    """The highest score from which at most the bound is missed: (misses + 1) / (n + 1) <= miss rate.

    With too few examples for the bound, the lowest score: then nothing known is missed.
    """
    allowed = int(miss_rate * (len(scores) + 1)) - 1
    return float(np.sort(scores)[max(allowed, 0)])
