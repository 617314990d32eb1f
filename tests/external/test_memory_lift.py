"""What a memory must not cost on public questions that hardly ever repeat."""

import tempfile
from pathlib import Path

import pytest

from benchmarks.memory import public_stream, replay
from benchmarks.public_sets import DEFAULT_DATA, DataMissingError, load_techqa
from benchmarks.retrieval import open_bench

pytestmark = [pytest.mark.external, pytest.mark.soak]
_CACHE = Path(tempfile.gettempdir()) / "it-copilot-bench-vectors"


def test_a_memory_costs_nothing_where_questions_do_not_repeat(tmp_path: Path) -> None:
    try:
        questions = load_techqa(DEFAULT_DATA)
    except DataMissingError as missing:
        pytest.skip(str(missing))
    bench = open_bench(tmp_path, _CACHE)
    outcome = replay(
        public_stream(questions, bench, tmp_path / "index"), tmp_path / "index", bench.embedder
    )
    rows = outcome.answerable
    before, after = outcome.measured(outcome.without), outcome.measured(outcome.aided)
    for measure, values in before.items():
        assert after[measure][rows].mean() >= values[rows].mean() - 0.003
    assert sum(f.answerable for f in outcome.aided) <= sum(f.answerable for f in outcome.without)
