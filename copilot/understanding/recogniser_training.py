"""Fit the recogniser of requested actions. Index time only; scikit-learn is imported when it runs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from copilot.understanding.cues import cues, cues_digest
from copilot.understanding.ngrams import BUCKETS, buckets
from copilot.understanding.recogniser import Recogniser, dense_features, score
from copilot.understanding.scores import Floats
from copilot.understanding.training import Sample, is_held_out

FALSE_ALARMS, FALSE_ALARMS_IN_PARTS = 0.20, 0.06
"""Share of held-out harmless texts that may be handed over, for whole messages and for parts."""
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
    dense: Floats
    grams: list[NDArray[np.int64]]


def train_recogniser(
    lessons: Lessons, embed: Callable[[Sequence[str]], Floats]
) -> tuple[Recogniser, Trial]:
    """Fit on three quarters, calibrate on the rest, then fit on everything. Same texts, same result."""
    texts = [sample.text for sample in lessons.samples]
    held = np.array([is_held_out(text) for text in texts])
    products = _products(texts)
    vectors = embed(texts)
    rows = _Rows(
        np.array([dense_features(t, v, products) for t, v in zip(texts, vectors, strict=True)]),
        [buckets(text) for text in texts],
    )
    trial = _fitted(lessons, rows, products, np.flatnonzero(~held))
    calibration, thresholds = _calibrated(trial, lessons, rows, np.flatnonzero(held))
    trial = replace(trial, calibration=calibration, thresholds=thresholds)
    final = _fitted(lessons, rows, products, np.arange(len(texts)))
    final = replace(final, calibration=calibration, thresholds=thresholds)
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
    from scipy.sparse import csr_matrix, hstack

    labels = tuple(sorted(lessons.kinds))
    place = {label: number for number, label in enumerate(labels)}
    samples = [lessons.samples[i] for i in chosen]
    truth = np.array([place[sample.label] for sample in samples])
    rarity, grams = _weighted([rows.grams[i] for i in chosen])
    table = hstack([csr_matrix(rows.dense[chosen]), grams]).tocsr().astype(np.float64)
    width = rows.dense.shape[1]
    weights = np.zeros((width + BUCKETS, len(labels) + 1), dtype=np.float32)
    intercept = np.full(len(labels) + 1, _ABSENT, dtype=np.float32)
    recogniser = Recogniser(
        labels=labels,
        kinds=tuple(lessons.kinds[label] for label in labels),
        dense=weights[:width],
        sparse=weights[width:],
        intercept=intercept,
        rarity=rarity,
        products=products,
        calibration=np.array([1, 0], dtype=np.float32),
        thresholds=np.array([0.5, 0.5], dtype=np.float32),
        cues=cues_digest(),
    )
    people = recogniser.mandatory[truth]
    for columns, coefficients, biases in _margins(table, truth, people, len(labels)):
        weights[:, columns] = coefficients.T
        intercept[columns] = biases
    return recogniser


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
    trial: Recogniser, lessons: Lessons, rows: _Rows, held: NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """Log-odds that fit the held-out texts, and thresholds that keep false alarms in their limits."""
    from sklearn.linear_model import LogisticRegression

    people = trial.mandatory
    scores = np.array([score(trial.margins(rows.dense[i], rows.grams[i]), people) for i in held])
    place = {label: number for number, label in enumerate(trial.labels)}
    mandatory = people[[place[lessons.samples[i].label] for i in held]]
    everyday = np.array([lessons.samples[i].label in lessons.everyday for i in held])
    if not everyday.any() or mandatory.all() or not mandatory.any():
        return trial.calibration, trial.thresholds
    model = LogisticRegression().fit(scores[:, None], mandatory)
    slope, bias = float(model.coef_[0, 0]), float(model.intercept_[0])
    limits = np.quantile(scores[everyday], [1 - FALSE_ALARMS, 1 - FALSE_ALARMS_IN_PARTS])
    thresholds = 1 / (1 + np.exp(-(slope * limits + bias)))
    return np.array([slope, bias], dtype=np.float32), thresholds.astype(np.float32)
