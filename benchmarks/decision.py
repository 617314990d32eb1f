"""What it costs to decide: `python -m benchmarks.decision`.

Processor time of a decision, of the recogniser beside the vectors that reading shares with the
search, of masking a message, and of everything from the start of a process to its first answer;
the peak memory of that process too.
"""

import argparse
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, cast

from benchmarks.turn import DEFAULT_WORK, Homes, load_questions, process
from copilot.understanding.reader import MessageReader
from copilot.understanding.recogniser import Recogniser
from integrations.company import load_company, shipped_company
from integrations.following import CurrentEdition, read_classifiers
from integrations.home import CLASSIFIERS_FILE, Home
from integrations.settings import Settings
from knowledge.embedding import Embedder, find_model, find_tuned
from policies.casebook import read_cases, request_of
from policies.engine import decide
from policies.loader import load_policies
from policies.redaction import Redactor

_DECISION_MS, _RECOGNISER_MS, _REDACTION_MS = 0.3, 3.0, 25.0
_START_S, _START_MIB = 7.0, 560.0
_QUESTION = {"text": "the VPN says certificate validation failure", "user": "dana.reed"}


@dataclass
class Timed:
    """Passes calls on and adds up their processor time."""

    inner: Any
    ms: float = 0.0
    times: list[float] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)
        if not callable(found):
            return found

        def timed(*given: Any, **named: Any) -> Any:
            start = time.process_time()
            try:
                return found(*given, **named)
            finally:
                self.ms += (time.process_time() - start) * 1000

        return timed

    def lap(self) -> None:
        """End of one message."""
        self.times.append(self.ms)
        self.ms = 0.0


def decisions(rounds: int) -> list[float]:
    """Milliseconds of each decision, over the shipped cases."""
    company = load_company(shipped_company())
    policies = load_policies(company.rules, company.actions)
    requests = [request_of(case, policies) for case in read_cases(company.cases)]
    for request in requests:
        decide(request, policies)
    return [_spent(partial(decide, request, policies)) for request in requests * rounds]


def _spent(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return (time.process_time() - start) * 1000


@dataclass(frozen=True)
class Reading:
    """Milliseconds of each message read: the recogniser, the vectors, all of it."""

    recogniser: list[float]
    vectors: list[float]
    whole: list[float]


def reading(home: Path, questions: Sequence[str], rounds: int) -> Reading:
    settings = Settings()
    classifiers = read_classifiers(CurrentEdition(Home.at(home).index).folder / CLASSIFIERS_FILE)
    assert classifiers.recogniser is not None
    search = Timed(Embedder(find_model(settings.models_dir, settings.embedding_model)))
    tuned = Timed(Embedder(find_tuned(settings.models_dir, settings.embedding_model)))
    recogniser = Timed(classifiers.recogniser)
    reader = MessageReader(
        classifiers, cast(Recogniser, recogniser), cast(Embedder, search), cast(Embedder, tuned)
    )
    whole = []
    for text in [*questions[:8], *list(questions) * rounds]:
        whole.append(_spent(partial(reader.read, text)))
        for part in (search, tuned, recogniser):
            part.lap()
    vectors = [one + other for one, other in zip(search.times, tuned.times, strict=True)]
    return Reading(recogniser.times[8:], vectors[8:], whole[8:])


def redactions(texts: Sequence[str], rounds: int) -> list[float]:
    redactor = Redactor(Settings().scanner_dir)
    redactor.warm()
    for text in texts:
        redactor.redact(text)
    return [_spent(partial(redactor.redact, text)) for _ in range(rounds) for text in texts]


@dataclass(frozen=True)
class Start:
    """A process from its first instruction to its first answer, threads and all."""

    cpu_s: float
    mib: float


def first_answer(home: Path) -> Start:
    before = _children()
    with process("first answer", "benchmarks.serving", home) as child:
        answer = child.ask(_QUESTION)
    return Start(_children() - before, float(answer["peak_mib"]))


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _p95(values: Sequence[float]) -> float:
    return sorted(values)[round(0.95 * (len(values) - 1))]


def _verdict(what: str, value: float, target: float) -> str:
    return f"{'met ' if value <= target else 'MISS'} {what}: {value:.2f}, at most {target:g}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decision", description=__doc__)
    parser.add_argument("--work", type=Path, default=DEFAULT_WORK, help="folder kept between runs")
    parser.add_argument("--rounds", type=int, default=5, help="how often each message is taken")
    parser.add_argument("--starts", type=int, default=3, help="how many processes are started")
    given = parser.parse_args(arguments)
    (home,) = Homes(given.work).prepare(0)
    questions = [question["text"] for question in load_questions()]
    decided, read = decisions(given.rounds), reading(home, questions, given.rounds)
    masked = redactions(questions, given.rounds)
    first_answer(home)  # fills what is kept between starts
    starts = [first_answer(home) for _ in range(given.starts)]
    median = statistics.median
    print(f"{len(decided)} decisions, {len(masked)} messages, {len(starts)} starts; processor time")
    print(f"  decision     median {median(decided):.2f} ms, p95 {_p95(decided):.2f}")
    print(
        f"  recogniser   median {median(read.recogniser):.2f} ms, p95 {_p95(read.recogniser):.2f}"
    )
    print(
        f"  reading      median {median(read.whole):.1f} ms, of it vectors {median(read.vectors):.1f}"
    )
    print(_verdict("median of a decision, ms", median(decided), _DECISION_MS))
    print(_verdict("median of the recogniser, ms", median(read.recogniser), _RECOGNISER_MS))
    print(_verdict("p95 of masking a message, ms", _p95(masked), _REDACTION_MS))
    print(_verdict("start to first answer, s", median([s.cpu_s for s in starts]), _START_S))
    print(_verdict("peak memory at the first answer, MiB", max(s.mib for s in starts), _START_MIB))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
