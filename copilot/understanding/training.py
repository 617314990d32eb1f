"""Fit the classifiers from utterance files. Index time only: the one home of scikit-learn here."""

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from copilot.understanding.classifier import Classifiers, LinearClassifier
from copilot.understanding.ngrams import BUCKETS, buckets
from copilot.understanding.scores import Floats, log_softmax

FOLDS = 4
_ITERATIONS = 60
_A_PAIR = 2
"""Of two classes scikit-learn fits one row of weights."""
MIXES = tuple(product((0.5, 0.8, 1.1, 1.5, 2.0, 2.6), (0.0, 2.0, 4.0, 6.0, 8.0)))
RECIPE = "10"
"""Raised when the way of training changes: it is part of the index version."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A labelled utterance."""

    text: str
    label: str
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Fit:
    """How well a classifier did on utterances held out from its training."""

    name: str
    samples: int
    accuracy: float
    log_loss: float
    trial: LinearClassifier
    """The classifier that never saw the held-out utterances: calibration must read with this one."""
    held_out: tuple[Sample, ...]


def train(
    groups: Mapping[str, Sequence[Sample]],
    embed: Callable[[Sequence[str]], Floats],
    fingerprint: str,
) -> tuple[Classifiers, tuple[Fit, ...]]:
    """Fit one classifier per group. `embed` gives unit vectors, shape (texts, dimensions)."""
    models: dict[str, LinearClassifier] = {}
    fits: list[Fit] = []
    for name, samples in groups.items():
        vectors = embed([sample.text for sample in samples])
        models[name], fit = _fit(name, samples, vectors)
        fits.append(fit)
    words = frozenset(
        word
        for samples in groups.values()
        for sample in samples
        for word in re.findall(r"[^\W\d_]{3,}", sample.text.lower())
    )
    return Classifiers(by_name=models, vocabulary=words, fingerprint=fingerprint), tuple(fits)


def _fit(name: str, samples: Sequence[Sample], vectors: Floats) -> tuple[LinearClassifier, Fit]:
    labels = tuple(sorted({sample.label for sample in samples}))
    index = {label: number for number, label in enumerate(labels)}
    truth = np.array([index[sample.label] for sample in samples])
    grams = [buckets(sample.text) for sample in samples]
    held_out = np.array([is_held_out(sample.text) for sample in samples])
    held = np.flatnonzero(held_out)
    model = _model(labels, vectors, grams, truth, np.flatnonzero(~held_out))
    dense_out = np.array(
        [log_softmax(model.dense[:, :-1] @ v + model.dense[:, -1]) for v in vectors[held]]
    )
    margins_out = np.array([model.margins(grams[i]) for i in held])
    mix, log_loss = _best_mix(dense_out, margins_out, truth[held])
    combined = mix[0] * dense_out + mix[1] * margins_out
    fitted = replace(_model(labels, vectors, grams, truth, np.arange(len(samples))), mix=mix)
    return fitted, Fit(
        name=name,
        samples=len(samples),
        accuracy=float((combined.argmax(axis=1) == truth[held]).mean()),
        log_loss=log_loss,
        trial=replace(model, mix=mix),
        held_out=tuple(samples[int(i)] for i in held),
    )


def _model(
    labels: tuple[str, ...],
    vectors: Floats,
    grams: Sequence[NDArray[np.int64]],
    truth: NDArray[np.int64],
    rows: NDArray[np.int64],
) -> LinearClassifier:
    dense = _dense(vectors[rows], truth[rows], len(labels))
    sparse, intercept, rarity = _sparse([grams[i] for i in rows], truth[rows], len(labels))
    return LinearClassifier(labels, dense, sparse, intercept, rarity, np.ones(2, dtype=np.float32))


def is_held_out(text: str) -> bool:
    """Whether a text is kept from trial training: the same for every classifier that knows it."""
    return crc32(text.encode()) % FOLDS == 0


def _dense(vectors: Floats, truth: NDArray[np.int64], classes: int) -> Floats:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=5.0, class_weight="balanced", max_iter=_ITERATIONS, tol=1e-3)
    with warnings.catch_warnings():
        # Stopping early is on purpose: the last iterations change no label and cost most of the time.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(vectors, truth)
    weights = np.zeros((classes, vectors.shape[1] + 1), dtype=np.float32)
    weights[:, -1] = -30.0
    if len(model.classes_) == _A_PAIR:
        weights[model.classes_[1]] = np.append(model.coef_[0], model.intercept_[0]) / 2
        weights[model.classes_[0]] = -np.append(model.coef_[0], model.intercept_[0]) / 2
    else:
        weights[model.classes_] = np.column_stack([model.coef_, model.intercept_])
    return weights


def _sparse(
    grams: Sequence[NDArray[np.int64]], truth: NDArray[np.int64], classes: int
) -> tuple[Floats, Floats, Floats]:
    """Linear SVM, one class against the rest, on unit vectors of n-grams weighted by rarity."""
    from scipy.sparse import csr_matrix
    from sklearn.svm import LinearSVC

    sizes = [len(row) for row in grams]
    columns = np.concatenate(grams)
    seen = np.bincount(columns, minlength=BUCKETS)
    rarity = (np.log((len(grams) + 1) / (seen + 1)) + 1).astype(np.float32)
    norms = np.array([max(float(np.linalg.norm(rarity[row])), 1e-6) for row in grams])
    values = rarity[columns] / np.repeat(norms, sizes)
    table = csr_matrix(
        (values, columns, np.concatenate([[0], np.cumsum(sizes)])), shape=(len(grams), BUCKETS)
    )
    model = LinearSVC(C=0.3, random_state=0)
    model.fit(table, truth)
    weights = np.zeros((BUCKETS, classes), dtype=np.float32)
    intercept = np.full(classes, -2.0, dtype=np.float32)
    if len(model.classes_) == _A_PAIR:
        weights[:, model.classes_[1]], weights[:, model.classes_[0]] = (
            model.coef_[0],
            -model.coef_[0],
        )
        intercept[model.classes_] = [-model.intercept_[0], model.intercept_[0]]
    else:
        weights[:, model.classes_] = model.coef_.T
        intercept[model.classes_] = model.intercept_
    return weights, intercept, rarity


def _best_mix(dense: Floats, margins: Floats, truth: NDArray[np.int64]) -> tuple[Floats, float]:
    rows = np.arange(len(truth))

    def loss(mix: tuple[float, float]) -> float:
        scores = mix[0] * dense + mix[1] * margins
        top = scores - scores.max(axis=1, keepdims=True)
        return float(-(top[rows, truth] - np.log(np.exp(top).sum(axis=1))).mean())

    best = min(MIXES, key=loss)
    return np.array(best, dtype=np.float32), loss(best)
