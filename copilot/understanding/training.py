"""Fit the classifiers from utterance files. Index time only: the one home of scikit-learn here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
import re

import numpy as np
from numpy.typing import NDArray

from copilot.understanding.classifier import Classifiers, Floats, LinearClassifier, log_softmax
from copilot.understanding.ngrams import BUCKETS, buckets

FOLDS = 4
MIXES = tuple(product((0.0, 0.4, 0.7, 1.0, 1.4, 1.9), (0.0, 0.5, 1.0, 1.6, 2.4, 3.4)))
RECIPE = "2"
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
    held_out: Mapping[str, float]
    """Probability that the held-out model gave to the right label, by utterance."""


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
    fold = _folds(truth)
    dense_out = np.zeros((len(samples), len(labels)), dtype=np.float32)
    sparse_out = np.zeros_like(dense_out)
    for number in range(FOLDS):
        train_on, held = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        dense = _dense(vectors[train_on], truth[train_on], len(labels))
        sparse, prior = _sparse([grams[i] for i in train_on], truth[train_on], len(labels))
        for i in held:
            dense_out[i] = log_softmax(dense[:, :-1] @ vectors[i] + dense[:, -1])
            sparse_out[i] = _log_sparse(sparse, prior, grams[i])
    mix, log_loss = _best_mix(dense_out, sparse_out, truth)
    combined = mix[0] * dense_out + mix[1] * sparse_out
    right = np.exp([log_softmax(row)[t] for row, t in zip(combined, truth, strict=True)])
    sparse, prior = _sparse(grams, truth, len(labels))
    model = LinearClassifier(labels, _dense(vectors, truth, len(labels)), sparse, prior, mix)
    return model, Fit(
        name=name,
        samples=len(samples),
        accuracy=float((combined.argmax(axis=1) == truth).mean()),
        log_loss=log_loss,
        held_out={s.text: float(p) for s, p in zip(samples, right, strict=True)},
    )


def _folds(truth: NDArray[np.int64]) -> NDArray[np.int64]:
    """Folds that hold every label in like shares; deterministic, in the order of the files."""
    fold = np.zeros(len(truth), dtype=np.int64)
    for label in np.unique(truth):
        members = np.flatnonzero(truth == label)
        fold[members] = np.arange(len(members)) % FOLDS
    return fold


def _dense(vectors: Floats, truth: NDArray[np.int64], classes: int) -> Floats:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=20.0, class_weight="balanced", max_iter=300, tol=1e-3)
    model.fit(vectors, truth)
    weights = np.zeros((classes, vectors.shape[1] + 1), dtype=np.float32)
    weights[:, -1] = -30.0
    if len(model.classes_) == 2:
        weights[model.classes_[1]] = np.append(model.coef_[0], model.intercept_[0]) / 2
        weights[model.classes_[0]] = -np.append(model.coef_[0], model.intercept_[0]) / 2
    else:
        weights[model.classes_] = np.column_stack([model.coef_, model.intercept_])
    return weights


def _sparse(
    grams: Sequence[NDArray[np.int64]], truth: NDArray[np.int64], classes: int
) -> tuple[Floats, Floats]:
    """Complement-style naive Bayes: log-odds of a bucket in a class against all the others."""
    counts = np.zeros((BUCKETS, classes), dtype=np.float32)
    sizes = np.bincount(truth, minlength=classes).astype(np.float32)
    for row, label in zip(grams, truth, strict=True):
        counts[row, label] += 1.0
    rate = (counts + 0.3) / (sizes + 0.6)
    rest = (counts.sum(axis=1, keepdims=True) - counts + 0.3) / (sizes.sum() - sizes + 0.6)
    odds = np.log(rate / rest) * (counts.sum(axis=1, keepdims=True) > 0)
    return odds.astype(np.float32), np.zeros(classes, dtype=np.float32)


def _log_sparse(sparse: Floats, prior: Floats, grams: NDArray[np.int64]) -> Floats:
    if not grams.size:
        return log_softmax(prior)
    total = sparse[grams].sum(axis=0, dtype=np.float32) / np.sqrt(grams.size)
    return log_softmax(np.asarray(prior + total, dtype=np.float32))


def _best_mix(dense: Floats, sparse: Floats, truth: NDArray[np.int64]) -> tuple[Floats, float]:
    rows = np.arange(len(truth))

    def loss(mix: tuple[float, float]) -> float:
        scores = mix[0] * dense + mix[1] * sparse
        top = scores - scores.max(axis=1, keepdims=True)
        return float(-(top[rows, truth] - np.log(np.exp(top).sum(axis=1))).mean())

    best = min(MIXES[1:], key=loss)
    return np.array(best, dtype=np.float32), loss(best)


