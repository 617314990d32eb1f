from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.ranking import FEATURES, Candidates, Ranked, Weights, features, fuse


def candidates(*rows: dict[str, float]) -> Candidates:
    """One row each; what is not given is zero, rows are numbered from 100 on."""

    def column(name: str) -> np.ndarray:
        return np.array([row.get(name, 0.0) for row in rows], dtype=np.float32)

    return Candidates(
        chunk=np.arange(100, 100 + len(rows), dtype=np.int64),
        article=column("article").astype(np.int64),
        cosine=column("cosine"),
        lexical=column("lexical"),
        article_lexical=column("whole"),
        coverage=column("coverage"),
        prior=column("prior"),
        probe=column("probe").astype(np.bool_),
    )


def test_the_nearest_article_comes_first_when_only_cosines_speak() -> None:
    ranked = fuse(candidates({"article": 1, "cosine": 0.3}, {"article": 2, "cosine": 0.7}))
    assert ranked.articles.tolist() == [2, 1]


def test_words_shared_with_the_whole_article_decide_between_equals() -> None:
    ranked = fuse(
        candidates(
            {"article": 1, "cosine": 0.5, "whole": 3}, {"article": 2, "cosine": 0.5, "whole": 9}
        )
    )
    assert ranked.articles.tolist() == [2, 1]


def test_an_article_with_several_near_chunks_beats_one_with_a_single_one() -> None:
    ranked = fuse(
        candidates(
            {"article": 1, "cosine": 0.6}, {"article": 1, "cosine": 0.1},
            {"article": 1, "cosine": 0.1},
            {"article": 2, "cosine": 0.58}, {"article": 2, "cosine": 0.57},
            {"article": 2, "cosine": 0.56},
        )
    )  # fmt: skip
    assert ranked.articles.tolist() == [2, 1]


def test_a_likely_subcategory_lifts_its_article() -> None:
    near, likely = {"article": 1, "cosine": 0.5}, {"article": 2, "cosine": 0.45, "prior": 0.8}
    assert fuse(candidates(near, likely)).articles.tolist() == [2, 1]
    assert fuse(candidates(near, likely), Weights(prior=0)).articles.tolist() == [1, 2]


def test_an_alias_finds_its_article_but_is_no_passage() -> None:
    ranked = fuse(
        candidates(
            {"article": 1, "cosine": 0.2}, {"article": 1, "cosine": 0.9, "probe": 1},
            {"article": 2, "cosine": 0.4},
        )
    )  # fmt: skip
    assert ranked.articles.tolist() == [1, 2]
    assert ranked.chunks[0].tolist() == [100]


def test_an_article_found_by_its_alias_alone_has_no_passage() -> None:
    ranked = fuse(candidates({"article": 1, "cosine": 0.9, "probe": 1}))
    assert ranked.articles.tolist() == [1]
    assert ranked.chunks[0].tolist() == []


def test_shared_words_order_the_chunks_of_an_article() -> None:
    ranked = fuse(
        candidates(
            {"article": 1, "cosine": 0.50}, {"article": 1, "cosine": 0.48, "lexical": 4.0},
        )
    )  # fmt: skip
    assert ranked.chunks[0].tolist() == [101, 100]


def test_equal_articles_and_chunks_are_ordered_by_row_number() -> None:
    same = [{"article": article, "cosine": 0.5} for article in (3, 1, 3, 2)]
    ranked = fuse(candidates(*same))
    assert ranked.articles.tolist() == [1, 2, 3]
    assert ranked.chunks[2].tolist() == [100, 102]


def test_no_candidates_give_no_articles_and_features_of_zero() -> None:
    nothing = candidates()
    ranked = fuse(nothing)
    assert len(ranked.articles) == 0
    assert features(nothing, ranked, 5) == dict.fromkeys(FEATURES, 0.0)


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "article": st.integers(0, 6),
            "cosine": st.floats(-1, 1, width=32),
            "lexical": st.floats(0, 40, width=32),
            "coverage": st.floats(0, 1, width=32),
            "probe": st.integers(0, 1),
        }
    ),
    min_size=1,
    max_size=25,
)


def consistent(rows: list[dict[str, float]]) -> Candidates:
    """Rows whose article-wide values agree within an article."""
    return candidates(
        *({**row, "whole": row["article"] * 1.5, "prior": row["article"] / 10} for row in rows)
    )


@given(ROWS)
def test_every_candidate_article_is_ranked_once_and_scores_fall(
    rows: list[dict[str, float]],
) -> None:
    given_rows = consistent(rows)
    ranked = fuse(given_rows)
    assert sorted(ranked.articles.tolist()) == sorted({int(row["article"]) for row in rows})
    assert (np.diff(ranked.scores) <= 0).all()
    chunks = sorted(row for of_one in ranked.chunks for row in of_one.tolist())
    assert chunks == given_rows.chunk[~np.asarray(given_rows.probe)].tolist()
    for scores in ranked.chunk_scores:
        assert (np.diff(scores) <= 0).all()


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_the_candidates_does_not_matter(rows: list[dict[str, float]], shuffle) -> None:
    given_rows = consistent(rows)
    order = list(range(len(rows)))
    shuffle.shuffle(order)
    columns = (
        "chunk",
        "article",
        "cosine",
        "lexical",
        "article_lexical",
        "coverage",
        "prior",
        "probe",
    )
    shuffled = replace(given_rows, **{name: getattr(given_rows, name)[order] for name in columns})
    ranked, again = fuse(given_rows), fuse(shuffled)
    assert ranked.articles.tolist() == again.articles.tolist()
    assert [c.tolist() for c in ranked.chunks] == [c.tolist() for c in again.chunks]


@given(ROWS, st.integers(0, 500))
def test_features_are_finite_and_named(rows: list[dict[str, float]], words: int) -> None:
    given_rows = consistent(rows)
    signals = features(given_rows, fuse(given_rows), words)
    assert tuple(signals) == FEATURES
    assert np.isfinite(list(signals.values())).all()
    assert 0 < signals["lead"] <= 1


def lead_of(*cosines: float) -> float:
    rows = [{"article": n, "cosine": cosine} for n, cosine in enumerate(cosines)]
    given_rows = candidates(*rows)
    return features(given_rows, fuse(given_rows), 8)["lead"]


def test_the_lead_is_large_for_one_strong_article_and_small_among_rivals() -> None:
    assert lead_of(0.8, 0.3, 0.3) > 0.95
    assert lead_of(0.8, 0.79, 0.78) < 0.5


@pytest.mark.parametrize(("first", "others", "expected"), [(0.9, 0.1, 0.0), (0.1, 0.9, -0.8)])
def test_the_prior_gap_tells_when_another_label_is_likelier(
    first: float, others: float, expected: float
) -> None:
    given_rows = candidates(
        {"article": 0, "cosine": 0.9, "prior": first},
        {"article": 1, "cosine": 0.1, "prior": others},
    )
    ranked: Ranked = fuse(given_rows, Weights(prior=0))
    assert features(given_rows, ranked, 3)["prior_gap"] == pytest.approx(expected)
