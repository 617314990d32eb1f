"""Retrieval quality and doubt on public questions: `python -m benchmarks.retrieval`.

BM25, MiniLM and their reciprocal rank fusion rank the same passages of the same articles as ours,
which is searched through a real index. Weights and the confidence model were chosen on the
development halves; the test halves were kept aside.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.public_sets import (
    DEFAULT_DATA,
    DataMissingError,
    Flags,
    QuestionSet,
    load_it_kb,
    load_techqa,
)
from knowledge.chunking import chunks
from knowledge.confidence import ANY_INDEX, ConfidenceModel, Sample, default_model, fit
from knowledge.embedding import Embedder, find_model
from knowledge.index import build_version
from knowledge.lexical import Lexicon, write_lexicon
from knowledge.ranking import features, fuse
from knowledge.search import Library
from knowledge.vectors import VectorStore

Numbers = NDArray[np.float64]
OURS = "ours"
SYSTEMS = ("BM25", "MiniLM fp32", "RRF", OURS)
_TARGET_PRECISION = 0.9
_DRAWS = 4000


class Interval(NamedTuple):
    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True)
class Judged:
    """What every system ranked first for each question of a set."""

    questions: QuestionSet
    found: Mapping[str, list[list[int]]]
    """Best ten articles for each question, by system."""
    samples: tuple[Sample, ...]
    """Features of our search for each question."""
    fusion_ms: float
    """Median CPU time of `fuse` and `features`."""

    def ndcg(self, system: str) -> Numbers:
        pairs = zip(self.found[system], self.questions.questions, strict=True)
        return np.array([_ndcg(found, question.gold) for found, question in pairs])

    def hit(self, system: str, depth: int = 5) -> Numbers:
        pairs = zip(self.found[system], self.questions.questions, strict=True)
        return np.array([float(not q.gold.isdisjoint(found[:depth])) for found, q in pairs])

    def half(self, name: str) -> Flags:
        """Answerable questions of the `dev` or `test` half, or `all`."""
        dev = self.questions.dev
        return self.questions.answerable & {"dev": dev, "test": ~dev, "all": dev | True}[name]

    def gain(self, half: str) -> tuple[str, Interval]:
        """The best other system on these questions, and how far ours is ahead in nDCG@10."""
        rows = self.half(half)
        best = max(SYSTEMS[:-1], key=lambda system: float(self.ndcg(system)[rows].mean()))
        return best, bootstrap_mean(self.ndcg(OURS)[rows] - self.ndcg(best)[rows])


@dataclass(frozen=True)
class Bench:
    """Where the model, its cached vectors and the throw-away indexes are."""

    embedder: Embedder
    store: VectorStore
    scratch: Path

    def judge(self, questions: QuestionSet) -> Judged:
        """Rank every question by every system."""
        texts = [question.text for question in questions.questions]
        found = dict(zip(SYSTEMS[:-1], self._baselines(questions, texts), strict=True))
        gold = [question.gold for question in questions.questions]
        found[OURS], samples, milliseconds = self.search(questions, texts, gold)
        return Judged(questions, found, samples, milliseconds)

    def search(
        self, questions: QuestionSet, texts: Sequence[str], gold: Sequence[frozenset[int]]
    ) -> tuple[list[list[int]], tuple[Sample, ...], float]:
        """Ask texts of the index of a set: best articles, judged features, median CPU time."""
        folder = self.scratch / questions.name.replace(",", "").replace(" ", "-")
        build_version(folder, questions.corpus, self.embedder)
        self.store.save()
        found, samples, times = [], [], []
        with Library.open(folder) as library:
            vectors = self.embedder.embed_queries(texts)
            for text, vector, right in zip(texts, vectors, gold, strict=True):
                rated = library.rate(text, vector)
                start = time.process_time()
                ranked = fuse(rated.candidates)
                signals = features(rated.candidates, ranked, len(text.split()))
                times.append(time.process_time() - start)
                found.append(ranked.articles[:10].tolist())
                samples.append(Sample(signals, bool(found[-1]) and found[-1][0] in right))
        return found, tuple(samples), float(np.median(times)) * 1000

    def _baselines(self, questions: QuestionSet, texts: Sequence[str]) -> list[list[list[int]]]:
        owner, said = [], []
        for number, article in enumerate(questions.corpus.articles):
            for chunk in chunks(article, self.embedder.count_tokens):
                owner.append(number)
                said.append(chunk.embedded)
        vectors = self.embedder.embed_documents(said)
        asked = self.embedder.embed_documents(texts)
        self.store.save()
        with tempfile.TemporaryDirectory(dir=self.scratch) as folder:
            write_lexicon(Path(folder), said)
            lexicon = Lexicon(Path(folder))
            lexical = np.array([lexicon.scores(text) for text in texts])
        by_article = partial(_best_by_article, owner=np.array(owner))
        bm25, dense = by_article(lexical), by_article(asked @ vectors.T)
        fused = 1 / (60 + _ranks(bm25)) + 1 / (60 + _ranks(dense))
        return [_top(scores) for scores in (bm25, dense, fused)]


def open_bench(scratch: Path, cache: Path, models_dir: Path | None = None) -> Bench:
    """The exported model of this environment, with vectors cached between runs."""
    folder = find_model(models_dir or Path(sys.prefix) / "share" / "it-copilot" / "models")
    store = VectorStore(Embedder(folder).fingerprint, cache, bundled=None)
    return Bench(Embedder(folder, cache=store), store, scratch)


def fit_on_dev(techqa: Judged, strangers: Sequence[Sample]) -> ConfidenceModel:
    """The confidence model of the development half, with questions about something else."""
    own = [s for s, dev in zip(techqa.samples, techqa.questions.dev, strict=True) if dev]
    return fit([*own, *strangers], ANY_INDEX, _TARGET_PRECISION)


def ask_strangers(bench: Bench, techqa: QuestionSet, others: QuestionSet) -> tuple[Sample, ...]:
    """Features of another set's development questions, none of which this set can answer."""
    texts = [q.text for q, dev in zip(others.questions, others.dev, strict=True) if dev]
    return bench.search(techqa, texts, [frozenset()] * len(texts))[1]


class Doubt(NamedTuple):
    """How well a probability tells questions apart."""

    unanswerable: Interval
    """AUROC, answerable against unanswerable."""
    top_right: Interval
    """AUROC, first article right against wrong or unanswerable."""
    answered: float
    """Share of questions that pass the gates."""
    precision: float
    """Share of those whose first article is right."""
    calibration_error: float


def doubt(judged: Judged, model: ConfidenceModel, rows: Flags) -> Doubt:
    samples = [sample for sample, taken in zip(judged.samples, rows, strict=True) if taken]
    chances = np.array([model.probability(sample.features) for sample in samples])
    right = np.array([sample.right for sample in samples])
    passed = np.array(
        [model.answerable(s.features, cosine_top=s.features["cosine_top"]) for s in samples]
    )
    return Doubt(
        unanswerable=bootstrap_auroc(chances, judged.questions.answerable[rows]),
        top_right=bootstrap_auroc(chances, right),
        answered=float(passed.mean()),
        precision=float(right[passed].mean()) if passed.any() else float("nan"),
        calibration_error=_calibration_error(chances, right),
    )


def bootstrap_mean(values: Numbers, seed: int = 7) -> Interval:
    """Mean with its 95% percentile interval; of paired differences, the paired interval."""
    draws = np.random.default_rng(seed).integers(0, len(values), (_DRAWS, len(values)))
    low, high = np.quantile(values[draws].mean(axis=1), [0.025, 0.975]).tolist()
    return Interval(float(values.mean()), low, high)


def bootstrap_auroc(scores: Numbers, positive: Flags, seed: int = 7) -> Interval:
    generator = np.random.default_rng(seed)
    values: list[float] = []
    while len(values) < _DRAWS // 4:
        rows = generator.integers(0, len(scores), len(scores))
        if positive[rows].any() and not positive[rows].all():
            values.append(auroc(scores[rows], positive[rows]))
    low, high = np.quantile(values, [0.025, 0.975]).tolist()
    return Interval(auroc(scores, positive), low, high)


def auroc(scores: Numbers, positive: Flags) -> float:
    """Chance that a positive scores higher than a negative, ties counting half."""
    ordered = np.sort(scores[~positive])
    below = np.searchsorted(ordered, scores[positive], side="left")
    upto = np.searchsorted(ordered, scores[positive], side="right")
    return float((below + upto).mean() / 2 / len(ordered))


def _calibration_error(chances: Numbers, right: Flags, bins: int = 10) -> float:
    place = np.minimum((chances * bins).astype(int), bins - 1)
    gaps = [
        abs(chances[place == b].sum() - right[place == b].sum()) for b in np.unique(place).tolist()
    ]
    return float(sum(gaps) / len(chances))


def _ndcg(found: Sequence[int], gold: frozenset[int]) -> float:
    gains = [1 / np.log2(rank + 2) for rank, article in enumerate(found[:10]) if article in gold]
    ideal = sum(1 / np.log2(rank + 2) for rank in range(min(10, len(gold))))
    return float(sum(gains) / ideal) if ideal else 0.0


def _best_by_article(scores: NDArray[np.float32], owner: NDArray[np.int64]) -> Numbers:
    best: Numbers = np.full((len(scores), int(owner.max()) + 1), -1.0)
    np.maximum.at(best.T, owner, scores.T)
    return best


def _ranks(scores: Numbers) -> Numbers:
    order = np.argsort(-scores, axis=1, kind="stable")
    return np.argsort(order, axis=1).astype(np.float64) + 1


def _top(scores: Numbers) -> list[list[int]]:
    order: list[list[int]] = np.argsort(-scores, axis=1, kind="stable")[:, :10].tolist()
    return order


def print_quality(judged: Judged) -> None:
    counts = ", ".join(f"{half} {int(judged.half(half).sum())}" for half in ("dev", "test"))
    articles = len(judged.questions.corpus.articles)
    print(f"\n{judged.questions.name}: {articles} articles, questions: {counts}")
    print(f"{'':12}" + "".join(f"{half + ' nDCG@10':>14}{'hit@5':>8}" for half in HALVES))
    for system in SYSTEMS:
        cells = [
            f"{judged.ndcg(system)[rows].mean():14.3f}{judged.hit(system)[rows].mean():8.3f}"
            for rows in map(judged.half, HALVES)
        ]
        print(f"{system:12}" + "".join(cells))
    for half in HALVES:
        best, interval = judged.gain(half)
        print(f"  {half:5} ours - {best}: {interval}")
    print(f"  fusion and features: {judged.fusion_ms:.2f} ms CPU a question (median)")


HALVES = ("dev", "test", "all")


def print_doubt(judged: Judged, models: Mapping[str, ConfidenceModel]) -> None:
    print('\n"I am not sure" on techqa (AUROC with 95% interval)')
    dev = judged.questions.dev
    for name, model in models.items():
        for half, rows in (("dev", dev), ("test", ~dev)):
            seen = doubt(judged, model, rows)
            print(
                f"  {name}, {half:4}: unanswerable {seen.unanswerable}, top article right "
                f"{seen.top_right}, answers {seen.answered:.2f} at precision {seen.precision:.3f}, "
                f"calibration error {seen.calibration_error:.3f}"
            )


def run(data: Path, cache: Path, *, only_fit: bool = False) -> None:
    sets: list[Callable[[], QuestionSet]] = [
        partial(load_it_kb, data),
        partial(load_it_kb, data, contents=False),
        partial(load_it_kb, data, repeats=False),
    ]
    with tempfile.TemporaryDirectory() as scratch:
        bench = open_bench(Path(scratch), cache)
        techqa = bench.judge(load_techqa(data))
        model = fit_on_dev(techqa, ask_strangers(bench, techqa.questions, sets[0]()))
        if only_fit:
            print(model.to_json())
            return
        print_quality(techqa)
        for load in sets:
            print_quality(bench.judge(load()))
        print_doubt(techqa, {"fitted on dev": model, "shipped default": default_model()})


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.retrieval", description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of public sets")
    default_cache = Path(tempfile.gettempdir()) / "it-copilot-bench-vectors"
    parser.add_argument("--cache", type=Path, default=default_cache, help="vectors between runs")
    parser.add_argument("--fit", action="store_true", help="print the default confidence model")
    given = parser.parse_args(arguments)
    try:
        run(given.data, given.cache, only_fit=given.fit)
    except DataMissingError as missing:
        print(f"skipped: {missing}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
