"""What resolved tickets add to search, in the order of time: `python -m benchmarks.memory`.

Each question is asked with a memory of the questions before it alone, and is then resolved with the
articles that answer it. A new memory version is made every twenty tickets, as a night would. The two
public sets carry no times: their own order stands for it. The questions of our own are synthetic:
three small sets with dates, and the utterances that the classifiers never saw, in an order by hash; an
utterance counts as solved by all articles of its topic. Weights were chosen on development halves.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.public_sets import DEFAULT_DATA, DataMissingError, Flags, load_it_kb, load_techqa
from benchmarks.public_sets import QuestionSet as PublicSet
from benchmarks.retrieval import Bench, Interval, bootstrap_mean, open_bench
from copilot.understanding.ngrams import buckets
from integrations.company import load_company, shipped_company
from integrations.home import Home
from integrations.indexing import trial_of
from integrations.preparing import material_of, prepare
from integrations.progress import Progress
from integrations.settings import Settings
from integrations.wiring import policy_of, reader_of
from knowledge.corpus import Corpus
from knowledge.embedding import Embedder, find_model, find_tuned
from knowledge.findings import Findings, Reader
from knowledge.index import build_version
from knowledge.ranking import Weights
from knowledge.remembering import Changes, Limits, ProblemEmbedder, Resolution, take_in
from knowledge.search import Library

Numbers = NDArray[np.float64]
_DATED = ("messy60", "messy60_blind2", "messy60_test")
MESSY = [Path(__file__).resolve().parents[1] / "tests/data" / f"{name}.jsonl" for name in _DATED]
_EVERY = 20
_AT = date(2026, 6, 1)
_DEPTH = 10
_EVERYBODY = ("all_staff",)
MEASURES = ("nDCG@10", "recall@5", "P@1")


@dataclass(frozen=True)
class Asked:
    """A question as search gets it, with the ids of the articles that answer it."""

    text: str
    vector: NDArray[np.float32]
    gold: frozenset[str]
    prior: Mapping[str, float]


@dataclass(frozen=True)
class Stream:
    """Questions in the order in which they are asked."""

    name: str
    asked: tuple[Asked, ...]
    dev: Flags
    at: date


@dataclass(frozen=True)
class Outcome:
    """What was found for each question without a memory and with one."""

    stream: Stream
    without: tuple[Findings, ...]
    aided: tuple[Findings, ...]
    repeats: Flags
    """Whether an earlier ticket was resolved with an article that answers the question."""

    @property
    def answerable(self) -> Flags:
        return np.array([bool(question.gold) for question in self.stream.asked])

    def measured(self, found: Sequence[Findings]) -> Mapping[str, Numbers]:
        rows = [
            _measures([hit.article_id for hit in findings.hits], question.gold)
            for findings, question in zip(found, self.stream.asked, strict=True)
        ]
        return dict(zip(MEASURES, np.array(rows).T, strict=True))


def replay(stream: Stream, index_dir: Path, embedder: ProblemEmbedder) -> Outcome:
    """Ask every question without and with what was resolved before it."""
    aided, repeats, waiting, known = [], [], [], set[str]()
    with Library.open(index_dir, weights=Weights(memory=0)) as library:
        without = tuple(_ask(library, question, stream.at) for question in stream.asked)
    with Library.open(index_dir) as library:
        for number, question in enumerate(stream.asked, start=1):
            aided.append(_ask(library, question, stream.at))
            repeats.append(bool(known & question.gold))
            if question.gold:
                waiting.append(_resolution(number, question))
            if number % _EVERY == 0:
                take_in(index_dir, Changes(number, tuple(waiting)), embedder, Limits())
                known |= {name for resolution in waiting for name in resolution.articles}
                library.refresh()
                waiting = []
    return Outcome(stream, without, tuple(aided), np.array(repeats))


def _resolution(number: int, question: Asked) -> Resolution:
    articles = tuple(sorted(question.gold))
    return Resolution(number, f"T-{number}", question.text, articles, _EVERYBODY)


def _ask(library: Library, question: Asked, at: date) -> Findings:
    return library.search(
        question.text, question.vector, Reader(), at=at, prior=question.prior, limit=_DEPTH
    )


def _measures(found: Sequence[str], gold: frozenset[str]) -> tuple[float, float, float]:
    if not gold:
        return (0.0, 0.0, 0.0)
    gains = sum(1 / np.log2(rank + 2) for rank, name in enumerate(found) if name in gold)
    ideal = sum(1 / np.log2(rank + 2) for rank in range(min(_DEPTH, len(gold))))
    return (
        gains / ideal,
        len(gold & set(found[:5])) / len(gold),
        float(found[:1] in [[g] for g in gold]),
    )


def public_stream(questions: PublicSet, bench: Bench, index_dir: Path) -> Stream:
    valid = tuple(
        article.model_copy(
            update={"id": article.id.replace(":", "/"), "title": article.title or "Page"}
        )
        for article in questions.corpus.articles
    )
    questions = replace(questions, corpus=Corpus(valid))
    build_version(index_dir, questions.corpus, bench.embedder)
    bench.store.save()
    vectors = bench.embedder.embed_queries([question.text for question in questions.questions])
    names = [article.id for article in questions.corpus.articles]
    asked = tuple(
        Asked(question.text, vector, frozenset(names[row] for row in question.gold), {})
        for question, vector in zip(questions.questions, vectors, strict=True)
    )
    return Stream(questions.name, asked, questions.dev, _AT)


class Own:
    """The shipped articles in a home of their own, and what is asked about them."""

    def __init__(self, scratch: Path) -> None:
        self.settings = Settings(home=scratch / "home")
        self.profile = load_company(shipped_company())
        self.catalogue = policy_of(self.profile).policies.catalogue
        prepare(self.settings, self.profile, self.catalogue, Progress.silent())
        self.index_dir = Home.at(self.settings.home).index
        self.search = Embedder(find_model(self.settings.models_dir))
        with Library.open(self.index_dir) as library:
            everybody = [card.id for card in library.cards if "all_staff" in card.audience]
            self.articles = [library.article(name) for name in everybody]
            self.folder = library.folder

    def dated(self) -> Stream:
        """Three sets of questions that no classifier was trained with, by date."""
        rows = [json.loads(line) for name in MESSY for line in name.open(encoding="utf-8")]
        rows.sort(key=lambda row: row["at"])
        reader = reader_of(self.settings, _Edition(self.folder))
        asked = []
        for row in rows:
            main = reader.read(row["text"], language=row["language"]).main
            gold = self._gold(row["expect"]["subcategory"], row["expect"]["facts"])
            asked.append(Asked(main.text, main.vector, gold, main.labels))
        return Stream("dated questions (synthetic)", tuple(asked), _no_halves(asked), _AT)

    def bare(self) -> Stream:
        """The utterances again, as search has them where no classifier knows the topics."""
        stream = self.utterances()
        asked = tuple(replace(question, prior={}) for question in stream.asked)
        return replace(stream, name=f"{stream.name}, without classifiers", asked=asked)

    def utterances(self) -> Stream:
        """English utterances that the trial classifier never saw; it gives their labels."""
        material = material_of(self.settings, self.profile, self.catalogue)
        tuned = Embedder(find_tuned(self.settings.models_dir))
        trial = trial_of(material, tuned, self.settings.trained_dir)
        if trial is None:
            raise DataMissingError("No kept trial of the classifiers. Run `make install`.")
        own = [(s.text, s.label) for s in trial.held_out if s.language == "en"]
        asked_of_none = material.utterances.unanswerable
        own += [(u.text, "") for u in asked_of_none if u.language == "en"]
        own.sort(key=lambda pair: sha256(pair[0].encode()).hexdigest())
        asked = []
        for text, label in own:
            prior = trial.classifier.named(tuned.embed_queries([text])[0], buckets(text))
            gold = self._gold([label], [])
            asked.append(Asked(text, self.search.embed_queries([text])[0], gold, prior))
        dev = np.arange(len(asked)) % 2 == 0
        return Stream("held-out utterances (synthetic)", tuple(asked), dev, _AT)

    def _gold(self, topics: Sequence[str] | None, facts: Sequence[str] | None) -> frozenset[str]:
        """The articles of the topics, of those the ones that state the facts, if any are named."""
        about = [a for a in self.articles if f"{a.category}.{a.subcategory}" in set(topics or ())]
        stating = [a.id for a in about if set(facts or ()) & set(a.facts)]
        return frozenset(stating if facts else [a.id for a in about])


def _no_halves(asked: Sequence[Asked]) -> Flags:
    return np.zeros(len(asked), dtype=np.bool_)


@dataclass(frozen=True)
class _Edition:
    folder: Path

    def refresh(self) -> bool:
        return False


def show(outcome: Outcome) -> None:
    stream = outcome.stream
    print(f"\n{stream.name}: {len(stream.asked)} questions, one after the other")
    before, after = outcome.measured(outcome.without), outcome.measured(outcome.aided)
    halves = {"all": stream.dev | True}
    if stream.dev.any():
        halves |= {"dev half": stream.dev, "test half": ~stream.dev}
    for half, rows in halves.items():
        answered = outcome.answerable & rows
        repeated, first = answered & outcome.repeats, answered & ~outcome.repeats
        for name, taken in ((half, answered), ("  asked before", repeated), ("  new", first)):
            cells = [_cell(before[measure][taken], after[measure][taken]) for measure in MEASURES]
            print(f"  {name:16}{int(taken.sum()):5}" + "".join(f"{cell:>42}" for cell in cells))
    if not outcome.answerable.all():
        for half, rows in halves.items():
            show_doubt(outcome, half, rows)


def _cell(before: Numbers, after: Numbers) -> str:
    if not len(before):
        return "-"
    gain = bootstrap_mean(after - before)
    return f"{before.mean():.3f} > {after.mean():.3f} ({_signed(gain)})"


def _signed(gain: Interval) -> str:
    return f"{gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]"


def show_doubt(outcome: Outcome, half: str, rows: Flags) -> None:
    """Answers and how many of them are right, with the shipped rule and with the one it replaces."""
    asked = outcome.stream.asked
    firsts = {
        "without": [_is_right(f, q) for f, q in zip(outcome.without, asked, strict=True)],
        "with": [_is_right(f, q) for f, q in zip(outcome.aided, asked, strict=True)],
    }
    open_before = np.array([findings.answerable for findings in outcome.without]) & rows
    open_after = np.array([findings.answerable for findings in outcome.aided]) & rows
    for name, right, answered in (
        ("without a memory", firsts["without"], open_before),
        ("with, doubt of the first article", firsts["with"], open_after),
        ("with, doubt as without (not shipped)", firsts["with"], open_before),
    ):
        kept = np.array(right)[answered].astype(np.float64)
        precision = bootstrap_mean(kept) if len(kept) else Interval(0, 0, 0)
        said = f"answers {int(answered.sum()):4} of {int(rows.sum())}, right {precision}"
        print(f"  {half:9}  {name:38} {said}")


def _is_right(findings: Findings, question: Asked) -> bool:
    return bool(findings.hits) and findings.hits[0].article_id in question.gold


def cost(stream: Stream, index_dir: Path, embedder: ProblemEmbedder, data: Path) -> None:
    """What five thousand resolved tickets cost. Their texts are real, the articles of each are any."""
    path = data / "it-service-tickets" / "train_6000.jsonl"
    if not path.is_file():
        raise DataMissingError(f"{path} is not there. Name the folder that holds it with --data.")
    texts = [json.loads(line)["text"] for line in path.open(encoding="utf-8")][:5_000]
    names = sorted({name for question in stream.asked for name in question.gold})
    tickets = tuple(
        Resolution(n, f"C-{n}", text, (names[n % len(names)],), _EVERYBODY)
        for n, text in enumerate(texts, start=10_001)
    )
    begun, cpu = time.monotonic(), time.process_time()
    take_in(index_dir, Changes(20_000, tickets), embedder, Limits())
    spent = time.monotonic() - begun, time.process_time() - cpu
    print(f"\ntaking in {len(tickets)} tickets: {spent[0]:.1f} s, {spent[1]:.1f} s CPU")
    begun, cpu = time.monotonic(), time.process_time()
    take_in(index_dir, Changes(20_001, tickets[:1]), embedder, Limits())
    spent = time.monotonic() - begun, time.process_time() - cpu
    print(f"taking in one more: {spent[0]:.1f} s, {spent[1]:.1f} s CPU")
    for name, weights in (("without", Weights(memory=0)), ("with", Weights())):
        with Library.open(index_dir, weights=weights) as library:
            wall, used = _timed(library, stream)
            print(f"search {name} a memory: median {wall:.2f} ms, {used:.2f} ms CPU")


def _timed(library: Library, stream: Stream) -> tuple[float, float]:
    walls, used = [], []
    for question in stream.asked[:100] * 2:
        begun, cpu = time.perf_counter(), time.process_time()
        _ask(library, question, stream.at)
        walls.append(time.perf_counter() - begun)
        used.append(time.process_time() - cpu)
    return float(np.median(walls[100:])) * 1000, float(np.median(used[100:])) * 1000


def run(data: Path, cache: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        for ask in (Own.dated, Own.utterances, Own.bare):
            own = Own(scratch / ask.__name__)
            show(replay(ask(own), own.index_dir, own.search))
        bench = open_bench(scratch, cache)
        for name, load in (("techqa", load_techqa), ("it-kb", load_it_kb)):
            stream = public_stream(load(data), bench, scratch / name)
            show(replay(stream, scratch / name, bench.embedder))
            if name == "techqa":
                cost(stream, scratch / name, bench.embedder, data)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of public sets")
    default_cache = Path(tempfile.gettempdir()) / "it-copilot-bench-vectors"
    parser.add_argument("--cache", type=Path, default=default_cache, help="vectors between runs")
    given = parser.parse_args(arguments)
    try:
        run(given.data, given.cache)
    except DataMissingError as missing:
        print(f"skipped: {missing}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
