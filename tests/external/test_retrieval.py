"""The floors of retrieval and doubt on public data. Slow when the vectors are not cached yet."""

import tempfile
from pathlib import Path

import pytest

from benchmarks.public_sets import DEFAULT_DATA, DataMissingError, load_it_kb, load_techqa
from benchmarks.retrieval import Bench, Judged, ask_strangers, doubt, fit_on_dev, open_bench
from knowledge.confidence import default_model

pytestmark = pytest.mark.external
_CACHE = Path(tempfile.gettempdir()) / "it-copilot-bench-vectors"
_POINT = 0.01


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return open_bench(tmp_path_factory.mktemp("bench"), _CACHE)


@pytest.fixture(scope="module")
def techqa(bench: Bench) -> Judged:
    try:
        return bench.judge(load_techqa(DEFAULT_DATA))
    except DataMissingError as missing:
        pytest.skip(str(missing))


@pytest.mark.parametrize("half", ["dev", "test", "all"])
def test_ours_is_a_point_above_the_best_of_the_three_on_techqa(techqa: Judged, half: str) -> None:
    _, gain = techqa.gain(half)
    assert gain.value >= _POINT


def test_doubt_tells_unanswerable_questions_and_wrong_articles(techqa: Judged) -> None:
    seen = doubt(techqa, default_model(), ~techqa.questions.dev)
    assert seen.unanswerable.value >= 0.80
    assert seen.top_right.value >= 0.87


@pytest.mark.soak  # embeds four thousand passages when they are not cached
def test_ours_is_a_point_above_the_best_of_the_three_on_faq_pages(
    bench: Bench, techqa: Judged
) -> None:
    pages = bench.judge(load_it_kb(DEFAULT_DATA))
    for half in ("dev", "test", "all"):
        assert pages.gain(half)[1].value >= _POINT
    refitted = fit_on_dev(techqa, ask_strangers(bench, techqa.questions, load_it_kb(DEFAULT_DATA)))
    assert doubt(techqa, refitted, ~techqa.questions.dev).top_right.value >= 0.87
