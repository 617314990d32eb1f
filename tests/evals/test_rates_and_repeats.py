"""Shares, repeats, agreement and confidence, against the libraries that others use."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals import agreement, stats


@pytest.mark.parametrize(
    ("events", "n"), [(0, 30), (1, 30), (29, 30), (30, 30), (120, 500), (7, 9)]
)
def test_intervals_of_shares_are_those_of_statsmodels(events: int, n: int) -> None:
    from statsmodels.stats.proportion import proportion_confint

    for found, method in ((stats.wilson(events, n), "wilson"), (stats.exact(events, n), "beta")):
        low, high = proportion_confint(events, n, 0.05, method=method)
        assert (found.low, found.high) == pytest.approx((low, high), abs=1e-9)


@pytest.mark.parametrize(("n", "bound"), [(100, 0.0295), (300, 0.0099), (500, 0.0060)])
def test_no_event_in_n_cases_leaves_an_exact_bound(n: int, bound: float) -> None:
    assert stats.exact_upper(0, n) == pytest.approx(bound, abs=5e-5)
    assert stats.exact_lower(n, n) == pytest.approx(1 - bound, abs=5e-5)


def test_a_share_of_nothing_is_refused_with_a_sentence() -> None:
    with pytest.raises(ValueError, match="3 events of 2 are no share"):
        stats.wilson(3, 2)


@given(st.integers(1, 400), st.data())
def test_wilson_holds_its_share_and_narrows_with_n(n: int, data: st.DataObject) -> None:
    events = data.draw(st.integers(0, n))
    found, larger = stats.wilson(events, n), stats.wilson(events * 4, n * 4)
    assert 0 <= found.low <= events / n <= found.high <= 1
    assert larger.high - larger.low < found.high - found.low


def test_pass_k_is_the_chance_that_k_drawn_runs_all_passed() -> None:
    assert stats.pass_k(2, 3, 1) == pytest.approx(2 / 3)
    assert stats.pass_k(2, 3, 2) == pytest.approx(1 / 3)
    assert stats.pass_k(2, 3, 3) == 0
    with pytest.raises(ValueError, match="within the runs"):
        stats.pass_k(2, 3, 4)


@given(st.integers(1, 10), st.data())
def test_asking_for_more_passes_never_makes_it_likelier(runs: int, data: st.DataObject) -> None:
    passed = data.draw(st.integers(0, runs))
    chances = [stats.pass_k(passed, runs, k) for k in range(1, runs + 1)]
    assert chances == sorted(chances, reverse=True)
    assert chances[0] == pytest.approx(passed / runs)


def test_the_worst_tenth_and_the_worst_run() -> None:
    assert stats.cvar([float(x) for x in range(1, 21)]) == pytest.approx(1.5)
    assert stats.cvar([4.0]) == 4.0
    assert stats.worst([3.0, 1.0, 5.0]) == 1.0
    assert stats.flipped([True, False])
    assert not stats.flipped([True, True])


def test_icc_is_that_of_the_analysis_of_variance() -> None:
    # Shrout and Fleiss (1979), table 2: ICC(1,1) = 0.17.
    judged = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    assert stats.icc(judged) == pytest.approx(0.17, abs=0.005)
    assert stats.icc([[2.0], [3.0]]) is None
    assert stats.within_variance([[1.0, 3.0], [4.0]]) == 2.0


def test_ranking_power_is_that_of_mann_and_whitney() -> None:
    from scipy.stats import mannwhitneyu

    rng = np.random.default_rng(3)
    sure = rng.integers(0, 12, 200) / 12
    right = rng.random(200) < 0.3 + 0.5 * sure
    expected = mannwhitneyu(sure[right], sure[~right]).statistic / (right.sum() * (~right).sum())
    found = stats.auroc(sure.tolist(), right.tolist())
    assert found == pytest.approx(expected)
    error, ranking = stats.confidence_intervals(
        sure.tolist(), right.tolist(), list(range(200)), seed=1
    )
    assert ranking is not None
    assert found is not None
    assert found in ranking
    assert error is not None
    assert stats.auroc([0.4, 0.5], [True, True]) is None


def test_calibration_error_is_the_distance_of_confidence_from_the_share_right() -> None:
    assert stats.ece([0.9] * 10, [True] * 9 + [False]) == pytest.approx(0)
    assert stats.ece([0.9] * 10, [True] * 5 + [False] * 5) == pytest.approx(0.4)
    assert stats.ece([], []) is None
    assert stats.bins([1.0, 0.0], [True, False])[1].n == 1


def test_percentiles_are_numpys_and_lie_in_their_interval() -> None:
    values = np.random.default_rng(4).exponential(100, 300).tolist()
    for share in (0.5, 0.9, 0.99):
        found = stats.percentile(values, share)
        assert found.value == pytest.approx(np.quantile(values, share))
        assert found.interval is not None
        assert found.value is not None
        assert found.value in found.interval
    assert stats.percentile([], 0.5).value is None
    assert stats.percentile([3.0], 0.5).value == 3.0


def test_the_interval_of_a_median_covers_it() -> None:
    rng = np.random.default_rng(9)
    found = [stats.percentile(rng.exponential(1, 80).tolist(), 0.5).interval for _ in range(400)]
    assert sum(np.log(2) in interval for interval in found if interval) >= 0.93 * 400


def test_slices_are_drawn_to_the_whole_by_how_little_they_know() -> None:
    small, large, unknown = stats.shrunk([2.0, 3.5, 5.0], [0.8, 0.1, None], 4.0)
    assert unknown is None
    assert small is not None
    assert large is not None
    assert 2.0 < small < 4.0
    assert abs(large - 3.5) < abs(small - 2.0)
    assert stats.shrunk([2.0], [0.5], 4.0) == (4.0,)


def test_people_correct_a_biased_judge() -> None:
    covered, gained = 0, 0.0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        truth = rng.normal(3.8, 0.9, 500)
        judge = 0.25 + truth + rng.normal(0, 0.45, 500)
        found = stats.corrected_mean(truth[:100], judge[:100], judge[100:])
        assert found.interval is not None
        covered += 3.8 in found.interval
        people = 2 * 1.96 * truth[:100].std(ddof=1) / 10
        gained += (found.interval.high - found.interval.low) / people / 300
        assert judge.mean() - 3.8 > 0.1
    assert 0.92 <= covered / 300 <= 0.98
    assert gained < 0.8
    with pytest.raises(ValueError, match="Give pairs"):
        stats.corrected_mean(truth[:3], judge[:2], judge[3:])


def test_a_useless_judge_changes_nothing() -> None:
    rng = np.random.default_rng(2)
    truth = rng.normal(3.8, 0.9, 60)
    found = stats.corrected_mean(truth, np.full(60, 5.0), np.full(400, 5.0))
    assert found.value == pytest.approx(truth.mean())


def _passes(share: float, labels: list[str], seed: int) -> tuple[dict[str, str], dict[str, str]]:
    rng = np.random.default_rng(seed)
    first = {f"c{i}": str(rng.choice(labels)) for i in range(300)}
    second = {k: v if rng.random() < share else str(rng.choice(labels)) for k, v in first.items()}
    return first, second


def test_agreement_is_that_of_krippendorff_and_statsmodels() -> None:
    import krippendorff
    from statsmodels.stats.inter_rater import cohens_kappa

    order = ["P1", "P2", "P3", "P4"]
    first, second = _passes(0.7, order, 5)
    places = [[order.index(labels[case]) for case in sorted(first)] for labels in (first, second)]
    table = np.zeros((4, 4))
    for one, other in zip(*places, strict=True):
        table[one, other] += 1
    ordinal = agreement.agreement("priority", first, second, seed=1, order=order)
    nominal = agreement.agreement("priority", first, second, seed=1)
    for found, weights in ((ordinal, "quadratic"), (nominal, None)):
        expected = krippendorff.alpha(places, level_of_measurement=found.level)
        assert found.alpha == pytest.approx(expected)
        assert found.kappa == pytest.approx(cohens_kappa(table, wt=weights).kappa)
        assert found.interval is not None
        assert found.alpha is not None
        assert found.alpha in found.interval
    assert len(ordinal.differing) == round((1 - ordinal.same) * 300)
    assert ordinal.usable


def test_the_interval_of_alpha_does_not_stray_from_the_package() -> None:
    """Resamples use a shorter formula; on the whole table it must give the package's figure."""
    order = ["low", "mid", "high"]
    first, second = _passes(0.5, order, 8)
    for level in (None, order):
        found = agreement.agreement("urgency", first, second, seed=1, order=level, resamples=400)
        assert found.interval is not None
        assert found.alpha is not None
        middle = (found.interval.low + found.interval.high) / 2
        assert middle == pytest.approx(found.alpha, abs=0.02)


def test_labels_that_never_vary_tell_nothing_apart() -> None:
    same = dict.fromkeys("abc", "P3")
    found = agreement.agreement("priority", same, same, seed=1)
    assert (found.same, found.alpha, found.interval, found.kappa) == (1.0, None, None, None)
    assert not found.usable


def test_passes_that_do_not_fit_are_refused_with_a_sentence() -> None:
    with pytest.raises(ValueError, match="share no case for 'queue'"):
        agreement.agreement("queue", {"a": "x"}, {"b": "x"}, seed=1)
    with pytest.raises(ValueError, match="'P9', which its order does not name"):
        agreement.agreement("priority", {"a": "P1"}, {"a": "P9"}, seed=1, order=["P1", "P2"])


def test_importing_the_statistics_loads_no_numpy() -> None:
    code = (
        "import sys, evals.stats, evals.agreement, evals.metrics.comparison, evals.metrics.summarising;"
        "print([m for m in ('numpy', 'scipy', 'krippendorff') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
