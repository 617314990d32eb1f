"""Intervals and differences on data with families and categories: they cover what they say they cover."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from evals.stats import (
    Interval,
    Resampling,
    benjamini_hochberg,
    detectable,
    holm,
    paired,
    resampling,
    settling,
    sign_flips,
    verdict,
)

Floats = NDArray[np.float64]
SHARES = {str(c): (c + 1) / 36 for c in range(8)}


class World:
    """60 incident families of five tickets in eight categories, correlated within a family."""

    def __init__(self, seed: int, correlation: float = 0.3) -> None:
        rng = np.random.default_rng(seed)
        category = np.arange(60) % 8
        self.strata = [str(c) for c in np.repeat(category, 5)]
        self.families = [str(f) for f in np.repeat(np.arange(60), 5)]
        self.levels = np.linspace(-0.8, 0.8, 8)
        family = rng.normal(0, correlation**0.5, 60)
        own = rng.normal(0, (1 - correlation) ** 0.5, (60, 5))
        self.values: Floats = (self.levels[category][:, None] + family[:, None] + own).ravel()
        self.truth = float(sum(SHARES[str(c)] * self.levels[c] for c in range(8)))

    def draws(self, seed: int, resamples: int = 1_000) -> Resampling:
        return resampling(self.strata, self.families, SHARES, seed=seed, resamples=resamples)


def _coverage(times: int, correlation: float) -> dict[str, float]:
    hits = {"bootstrap": 0, "t": 0, "iid": 0, "difference": 0, "rate": 0}
    for seed in range(times):
        world = World(seed, correlation)
        draws = world.draws(seed)
        found = draws.mean(world.values)
        assert found.interval is not None
        assert found.student is not None
        hits["bootstrap"] += world.truth in found.interval
        hits["t"] += world.truth in found.student
        half = 1.96 * world.values.std() / 300**0.5
        hits["iid"] += abs(world.values.mean() - world.levels[np.arange(60) % 8].mean()) < half
        other = world.values - 0.2 - World(seed + 100_000, correlation).values * 0.3
        between = paired(world.values, other, draws)
        assert between.interval is not None
        hits["difference"] += 0.2 + 0.3 * world.truth in between.interval
        hits["rate"] += _rate_covers(seed, correlation)
    return {name: count / times for name, count in hits.items()}


def _rate_covers(seed: int, correlation: float) -> bool:
    """Shares of 20 % in one category to 80 % in another, alike within a family."""
    rng = np.random.default_rng(seed + 50_000)
    category = np.arange(60) % 8
    chances = np.linspace(0.2, 0.8, 8)
    together = rng.random(60)[:, None] < chances[category][:, None]
    alone = rng.random((60, 5)) < chances[category][:, None]
    follows = rng.random((60, 5)) < correlation**0.5
    events = np.where(follows, together, alone).ravel().astype(float)
    found = World(seed).draws(seed).rate(events)
    assert found.interval is not None
    return sum(SHARES[str(c)] * chances[c] for c in range(8)) in found.interval


def test_intervals_cover_the_truth_on_families_and_categories() -> None:
    covered = _coverage(400, 0.3)
    assert 0.92 <= covered["bootstrap"] <= 0.98
    assert 0.92 <= covered["t"] <= 0.98
    assert 0.92 <= covered["difference"] <= 0.98
    assert 0.92 <= covered["rate"] <= 0.99
    assert covered["iid"] < 0.90


@pytest.mark.soak
@pytest.mark.parametrize("correlation", [0.1, 0.3, 0.6])
def test_intervals_cover_the_truth_in_a_long_series(correlation: float) -> None:
    covered = _coverage(4_000, correlation)
    assert 0.93 <= covered["bootstrap"] <= 0.97
    assert 0.93 <= covered["t"] <= 0.97
    assert 0.93 <= covered["difference"] <= 0.97
    assert 0.93 <= covered["rate"] <= 0.98


def test_the_bootstrap_is_that_of_scipy_where_nothing_is_clustered() -> None:
    from scipy.stats import bootstrap

    values = np.random.default_rng(1).gamma(2, 1, 400)
    found = resampling(["all"] * 400, [str(i) for i in range(400)], seed=3).mean(values)
    other = bootstrap((values,), np.mean, n_resamples=9_999, method="percentile", rng=5)
    assert found.interval is not None
    assert found.interval.low == pytest.approx(other.confidence_interval.low, abs=0.01)
    assert found.interval.high == pytest.approx(other.confidence_interval.high, abs=0.01)
    assert found.error == pytest.approx(values.std(ddof=1) / 20, rel=1e-6)


def test_demand_weighs_the_categories_whatever_the_number_of_cases() -> None:
    strata = ["vpn"] * 90 + ["mfa"] * 10
    values = np.array([1.0] * 90 + [5.0] * 10)
    families = [str(i) for i in range(100)]
    plan = resampling(strata, families, {"vpn": 0.4, "mfa": 0.6}, seed=1)
    assert plan.mean(values).value == pytest.approx(3.4)
    assert resampling(strata, families, seed=1).mean(values).value == pytest.approx(1.4)


def test_a_stratum_without_applicable_cases_leaves_its_weight_to_the_others() -> None:
    strata, families = ["a"] * 4 + ["b"] * 4, [str(i) for i in range(8)]
    plan = resampling(strata, families, {"a": 0.9, "b": 0.1}, seed=1)
    values = np.array([np.nan] * 4 + [1.0, 2.0, 3.0, 4.0])
    found = plan.mean(values)
    assert (found.value, found.n) == (pytest.approx(2.5), 4)
    nothing = plan.mean(np.full(8, np.nan))
    assert (nothing.value, nothing.interval, nothing.n) == (None, None, 0)


def test_few_families_get_the_t_interval_and_a_warning() -> None:
    strata, families = ["a"] * 12, [str(i // 2) for i in range(12)]
    values = np.arange(12.0)
    found = resampling(strata, families, seed=1).mean(values)
    assert found.interval == found.student
    assert found.interval is not None
    assert found.interval.method == "t with 5 degrees of freedom"
    assert found.note == "Only 6 incident families: read the interval with care."


def test_a_single_family_has_no_interval() -> None:
    found = resampling(["a", "a"], ["f", "f"], seed=1).mean(np.array([1.0, 3.0]))
    assert (found.value, found.interval) == (2.0, None)


def test_strata_of_one_family_are_drawn_from_together() -> None:
    strata = ["a"] * 30 + ["b", "c", "d"]
    families = [str(i) for i in range(33)]
    shares = {"a": 0.4, "b": 0.2, "c": 0.2, "d": 0.2}
    values = np.array([3.0] * 30 + [1.0, 3.0, 5.0])
    found = resampling(strata, families, shares, seed=1).mean(values)
    assert found.value == pytest.approx(3.0)
    assert found.error is not None
    assert found.error > 0.3, "what three lone families differ by must show"
    lone = resampling(strata[:31], families[:31], {"a": 0.5, "b": 0.5}, seed=1)
    assert lone.design.freedom == 30


def test_a_rate_pays_for_its_families() -> None:
    strata = ["a"] * 100
    alike = np.repeat([1.0, 0.0], 50)
    apart = resampling(strata, [str(i) for i in range(100)], seed=1).rate(alike)
    together = resampling(strata, [str(i // 5) for i in range(100)], seed=1).rate(alike)
    assert apart.design_effect == pytest.approx(1.01, abs=0.02)
    assert together.design_effect == pytest.approx(5, rel=0.1)
    assert apart.interval is not None
    assert together.interval is not None
    wide, narrow = (x.interval.high - x.interval.low for x in (together, apart) if x.interval)
    assert wide > 2 * narrow


def test_a_ratio_is_of_sums_and_keeps_wilson_at_its_ends() -> None:
    plan = resampling(["a"] * 60, [str(i) for i in range(60)], seed=1)
    cost, resolved = np.arange(60.0), (np.arange(60) % 3 == 0).astype(float)
    found = plan.ratio(cost, resolved)
    assert found.value == pytest.approx(cost.sum() / 20)
    assert found.interval is not None
    assert found.value in found.interval
    always = plan.ratio(resolved, resolved, share=True)
    assert always.interval is not None
    assert (always.value, always.interval.method) == (1.0, "Wilson")
    assert always.interval.low < 0.9
    assert plan.ratio(resolved * 0, resolved * 0).value is None


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_the_same_seed_gives_the_same_interval_and_the_error_is_never_negative(seed: int) -> None:
    world = World(seed)
    first = world.draws(seed, 200).mean(world.values)
    again = world.draws(seed, 200).mean(world.values)
    assert first == again
    assert first.error is not None
    assert first.error >= 0
    assert world.draws(seed, 200).contributions(world.values).sum() == pytest.approx(first.value)


def test_flipping_signs_is_scipys_permutation_of_samples() -> None:
    from scipy.stats import permutation_test

    for size in (9, 40):
        parts = np.random.default_rng(size).normal(0.25, 1, size)
        other = (
            permutation_test(
                (parts,),
                np.sum,
                permutation_type="samples",
                n_resamples=20_000,
                rng=2,
                vectorized=True,
            ).pvalue
            if size > 12
            else _every_flip(parts)
        )
        assert sign_flips(parts, seed=1) == pytest.approx(other, abs=0.015)
    assert sign_flips(np.zeros(5), seed=1) == 1.0
    assert sign_flips(np.ones(5), seed=1) == 2 / 32


def _every_flip(parts: Floats) -> float:
    from itertools import product

    sums = [abs(np.dot(signs, parts)) for signs in product((1, -1), repeat=len(parts))]
    return float(np.mean([total >= abs(parts.sum()) - 1e-12 for total in sums]))


def _shaped_like_3868() -> tuple[Floats, Floats]:
    """220 questions, two systems: both right on 109, only the first on 30, only the second on 12."""
    first = np.array([1.0] * 109 + [1.0] * 30 + [0.0] * 12 + [0.0] * 69)
    second = np.array([1.0] * 109 + [0.0] * 30 + [1.0] * 12 + [0.0] * 69)
    return first, second


def test_what_an_unpaired_test_misses_the_paired_one_finds() -> None:
    """The figures of lm-evaluation-harness#3868: p 0.080 unpaired, 0.008 paired."""
    from statsmodels.stats.contingency_tables import mcnemar
    from statsmodels.stats.proportion import proportions_ztest

    first, second = _shaped_like_3868()
    right = [int(first.sum()), int(second.sum())]
    exact = mcnemar([[109, 30], [12, 69]], exact=True).pvalue
    assert proportions_ztest(right, [220, 220])[1] == pytest.approx(0.080, abs=0.002)
    assert exact == pytest.approx(0.008, abs=0.0005)
    found = paired(first, second, resampling(["all"] * 220, [str(i) for i in range(220)], seed=1))
    assert found.p == pytest.approx(exact, abs=0.003)
    assert verdict(found.interval, 0.02) == "better"


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [
        (0.01, 0.2, "better"),
        (-0.09, 0.2, "not worse"),
        (-0.08, -0.02, "not worse"),
        (-0.3, 0.2, "cannot tell"),
        (-0.3, -0.1, "worse"),
        (0.0, 0.0, "not worse"),
    ],
)
def test_the_verdict_follows_from_the_interval_and_the_margin(
    low: float, high: float, word: str
) -> None:
    assert verdict(Interval(low, high, "given"), 0.1) == word
    assert verdict(Interval(-high, -low, "given"), 0.1, higher_is_better=False) == word


def test_nothing_in_common_can_not_be_told() -> None:
    plan = resampling(["a"] * 4, list("wxyz"), seed=1)
    nothing = paired(np.array([1, np.nan, 2, np.nan]), np.array([np.nan, 1, np.nan, 2]), plan)
    assert (nothing.delta, nothing.p, nothing.n) == (None, None, 0)
    assert verdict(nothing.interval, 0.1) == "cannot tell"
    assert settling(nothing, 0.1) is None


@pytest.mark.parametrize(
    ("n", "unpaired", "half", "strong"),
    [(100, 0.40, 0.28, 0.22), (300, 0.23, 0.16, 0.13), (500, 0.18, 0.13, 0.10)],
)
def test_what_a_sample_can_find_is_the_published_table(
    n: int, unpaired: float, half: float, strong: float
) -> None:
    assert detectable(1, n) == pytest.approx(unpaired, abs=0.006)
    assert detectable(1, n, correlation=0.5) == pytest.approx(half, abs=0.006)
    assert detectable(1, n, correlation=0.7) == pytest.approx(strong, abs=0.006)


def test_the_n_that_settles_it_would_find_the_margin() -> None:
    rng = np.random.default_rng(1)
    plan = resampling(["a"] * 100, [str(i) for i in range(100)], seed=1)
    found = paired(rng.normal(0, 1, 100), np.zeros(100), plan)
    needed = settling(found, 0.1)
    assert needed is not None
    assert found.detectable is not None
    assert found.detectable * (100 / needed) ** 0.5 == pytest.approx(0.1, rel=0.01)


def test_many_comparisons_are_corrected_as_statsmodels_does() -> None:
    from statsmodels.stats.multitest import multipletests

    ps = [0.001, 0.04, 0.03, 0.2, 0.04, 0.9]
    assert holm(ps) == pytest.approx(multipletests(ps, method="holm")[1])
    assert benjamini_hochberg(ps) == pytest.approx(multipletests(ps, method="fdr_bh")[1])
    assert holm([]) == benjamini_hochberg([]) == ()


def test_what_does_not_fit_is_refused_with_a_sentence() -> None:
    with pytest.raises(ValueError, match="2 strata, 1 clusters"):
        resampling(["a", "b"], ["f"], seed=1)
    with pytest.raises(ValueError, match="Stratum 'b' has no share above 0"):
        resampling(["a", "b"], ["f", "g"], {"a": 1.0}, seed=1)
