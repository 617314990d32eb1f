"""Processor time and memory of a full turn: `python -m benchmarks.turn`.

A turn is everything from `Copilot.ask` to the stored reply: understand, gate, search, write, check,
store. Beside it, interleaved question by question, the usual retrieval alone: sentence-transformers
and Chroma. Each is a process of its own that answers on a pipe and reports its own processor time.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

QUESTIONS = Path(__file__).with_name("questions.jsonl")
DEFAULT_WORK = Path(tempfile.gettempdir()) / "it-copilot-bench"
LARGE = 100_000
_WARM_UP = 8
"""Questions asked before any is counted: the first ones load what serving needs once."""
_TARGET_MS, _TARGET_P99_MS, _TARGET_GROWTH, _TARGET_MIB = 25.0, 75.0, 1.5, 512.0


@dataclass
class Process:
    """A child that answers a line with a line."""

    name: str
    child: subprocess.Popen[str]
    answers: list[dict[str, Any]] = field(default_factory=list)

    def ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        assert self.child.stdin is not None
        self.child.stdin.write(json.dumps(question) + "\n")
        self.child.stdin.flush()
        return self.read()

    def read(self) -> dict[str, Any]:
        assert self.child.stdout is not None
        line = self.child.stdout.readline()
        if not line:
            raise SystemExit(f"The process '{self.name}' ended. Its last words are above.")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def numbers(self, key: str) -> list[float]:
        return [answer[key] for answer in self.answers]

    def median(self, key: str = "cpu_ms") -> float:
        return statistics.median(self.numbers(key))

    def p99(self, key: str = "cpu_ms") -> float:
        ordered = sorted(self.numbers(key))
        return ordered[min(len(ordered) - 1, round(0.99 * (len(ordered) - 1)))]


@contextmanager
def process(name: str, module: str, *arguments: Path | str) -> Iterator[Process]:
    """Start `python -m module` and wait until it is ready; it ends with its input."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    child = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL if module.endswith("serving") else None,
        text=True,
    )
    started = Process(name, child)
    try:
        started.read()
        yield started
    finally:
        assert child.stdin is not None
        child.stdin.close()
        child.wait()


@dataclass(frozen=True)
class Homes:
    """Folders of this benchmark, kept between runs."""

    work: Path

    @property
    def small(self) -> Path:
        return self.work / "small"

    def large(self, passages: int) -> Path:
        return self.work / f"large-{passages}"

    def prepare(self, passages: int) -> list[Path]:
        """The homes to serve, built where they are missing, without records of earlier runs."""
        command = [sys.executable, "-m", "benchmarks.enlarged", str(self.small)]
        homes = [self.small]
        if passages:
            command += ["--large", str(self.large(passages)), "--passages", str(passages)]
            homes.append(self.large(passages))
        subprocess.run(command, check=True)
        for home in homes:
            for record in (*home.glob("records.sqlite*"), *home.glob("checkpoints.sqlite*")):
                record.unlink()
        return homes

    def vectors_of(self, home: Path) -> Path:
        """A copy of a home's Chroma folder: the copilot owns its own."""
        version = (home / "index" / "current").read_text().strip()
        copy = self.work / "usual" / version
        if not copy.is_dir():
            source = home / "index" / "versions" / version / "chroma"
            shutil.copytree(source, copy)
        return copy


def load_questions() -> list[dict[str, str]]:
    return [json.loads(line) for line in QUESTIONS.read_text("utf-8").splitlines()]


def run(work: Path, passages: int, rounds: int) -> list[str]:
    """Measure, and say the results a line each."""
    homes = Homes(work)
    print(f"Preparing in {work} (the first time takes minutes)", file=sys.stderr)
    served = homes.prepare(passages)
    copies = [homes.vectors_of(home) for home in served]
    questions = load_questions()
    with ExitStack() as stack:
        turns = [
            stack.enter_context(process(home.name, "benchmarks.serving", home)) for home in served
        ]
        usual = [
            stack.enter_context(process(f"usual {home.name}", "benchmarks.usual", copy))
            for home, copy in zip(served, copies, strict=True)
        ]
        everybody = [*turns, *usual]
        for question in questions[:_WARM_UP]:
            for one in everybody:
                one.ask(question)
        for _ in range(rounds):
            for question in questions:
                for one in everybody:
                    one.answers.append(one.ask(question))
    return [_about(questions, rounds), *_lines(turns, usual)]


def _about(questions: Sequence[Mapping[str, str]], rounds: int) -> str:
    words = statistics.median(len(question["text"].split()) for question in questions)
    return (
        f"A full turn: {len(questions)} synthetic questions of {words:g} words median, {rounds} rounds, "
        f"interleaved; processor time of all threads"
    )


def _lines(turns: Sequence[Process], usual: Sequence[Process]) -> Iterator[str]:
    for turn, other in zip(turns, usual, strict=True):
        what = "shipped index" if turn is turns[0] else "jittered copies of its vectors"
        yield f"{turn.name} ({what})"
        dispositions = Counter(answer["disposition"] for answer in turn.answers)
        yield f"  turn             {_figures(turn)}, peak {max(turn.numbers('peak_mib')):.0f} MiB"
        yield f"  usual retrieval  {_figures(other)}, of it the vector {other.median('embed_ms'):.1f}"
        yield f"  turn / usual     {turn.median() / other.median():.2f} by median"
        yield "  replies          " + ", ".join(f"{n} {d}" for d, n in dispositions.most_common())
        yield from _unneeded(turn)
    yield from _judged(turns)


def _figures(one: Process) -> str:
    return f"median {one.median():.1f} ms, p99 {one.p99():.1f} ms"


def _unneeded(turn: Process) -> Iterator[str]:
    names = turn.answers[-1]["unneeded"]
    if names:
        yield f"  imported while serving and not needed: {', '.join(names)}"


def _judged(turns: Sequence[Process]) -> Iterator[str]:
    small, peak = turns[0], max(max(turn.numbers("peak_mib")) for turn in turns)
    yield _verdict("median of a turn, ms", small.median(), _TARGET_MS)
    yield _verdict("p99 of a turn, ms", small.p99(), _TARGET_P99_MS)
    if len(turns) > 1:
        growth = turns[1].median() / small.median()
        yield _verdict("large / small by median", growth, _TARGET_GROWTH)
    yield _verdict("peak memory, MiB", peak, _TARGET_MIB)


def _verdict(what: str, value: float, target: float) -> str:
    return f"{'met ' if value <= target else 'MISS'} {what}: {value:.2f}, at most {target:g}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.turn", description=__doc__)
    parser.add_argument("--work", type=Path, default=DEFAULT_WORK, help="folder kept between runs")
    parser.add_argument(
        "--passages", type=int, default=LARGE, help="of the large index, 0 for none"
    )
    parser.add_argument("--rounds", type=int, default=5, help="how often each question is asked")
    given = parser.parse_args(arguments)
    for line in run(given.work, given.passages, given.rounds):
        print(line)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
