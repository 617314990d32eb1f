import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.confidence import (
    ANY_LANGUAGE,
    FEATURES,
    NEVER,
    ConfidenceMismatchError,
    ConfidenceModel,
    Sample,
    default_model,
    fit,
)

STRONG = {"lead": 0.98, "cosine": 0.8, "coverage": 0.8, "cosine_top": 0.8}
WEAK = {"lead": 0.15, "cosine": 0.4, "coverage": 0.2, "cosine_top": 0.42}


def judged(count: int, language: str = "en", seed: int = 1, shift: float = 0.0) -> list[Sample]:
    """Searches of which a clear lead makes the first article right more often."""
    chance = np.random.default_rng(seed)
    samples = []
    for lead in chance.random(count).tolist():
        right = bool(chance.random() < 1 / (1 + np.exp(-8 * (lead - 0.5 - shift))))
        cosine = 0.4 + 0.3 * lead + 0.05 * chance.random()
        samples.append(
            Sample({"lead": lead, "cosine": cosine, "cosine_top": cosine}, right, language)
        )
    return samples


@pytest.fixture(scope="module")
def model() -> ConfidenceModel:
    return fit([*judged(1500), *judged(400, "de", seed=2, shift=0.2)], "index-1", 0.9)


def test_a_clear_lead_is_more_probable_than_a_weak_one(model: ConfidenceModel) -> None:
    assert model.probability(STRONG) > 0.85
    assert model.probability(WEAK) < 0.3


def test_probabilities_match_how_often_the_first_article_was_right(model: ConfidenceModel) -> None:
    fresh = judged(2000, seed=9)
    chances = np.array([model.probability(sample.features) for sample in fresh])
    right = np.array([sample.right for sample in fresh])
    for low, high in ((0.0, 0.3), (0.3, 0.7), (0.7, 1.0)):
        rows = (chances >= low) & (chances < high)
        assert chances[rows].mean() == pytest.approx(right[rows].mean(), abs=0.07)


def test_answers_reach_the_target_precision_on_fresh_searches(model: ConfidenceModel) -> None:
    fresh = judged(3000, seed=5)
    taken = [s.right for s in fresh if model.answerable(s.features, "en", s.features["cosine_top"])]
    assert len(taken) > 500
    assert np.mean(taken) > 0.87


def test_a_language_that_is_less_certain_has_a_lower_probability(model: ConfidenceModel) -> None:
    middle = {"lead": 0.6, "cosine": 0.6, "cosine_top": 0.6}
    assert model.probability(middle, "de") < model.probability(middle, "en")


def test_an_unknown_language_gets_the_strictest_threshold(model: ConfidenceModel) -> None:
    assert model.thresholds[ANY_LANGUAGE] == max(model.thresholds.values())
    assert "fr" not in model.thresholds
    assert 0 < model.probability(STRONG, "fr") < 1


def test_a_language_with_few_samples_shares_the_common_values() -> None:
    fitted = fit([*judged(300), *judged(10, "nl", seed=3)], "index-1")
    assert set(fitted.thresholds) == {ANY_LANGUAGE, "en"}


def test_a_question_about_something_else_is_not_answered_however_clear_the_lead(
    model: ConfidenceModel,
) -> None:
    assert model.answerable(STRONG, "en", cosine_top=0.8)
    assert not model.answerable(STRONG, "en", cosine_top=0.1)


def test_an_unreachable_target_answers_nothing() -> None:
    chance = np.random.default_rng(0)
    noise = [
        Sample({"lead": float(chance.random())}, bool(chance.random() < 0.5)) for _ in range(200)
    ]
    fitted = fit(noise, "index-1", target_precision=0.999)
    assert fitted.thresholds["en"] == NEVER
    assert not fitted.answerable(STRONG, "en", 0.9)


def test_the_same_samples_give_the_same_model() -> None:
    assert fit(judged(200), "index-1") == fit(judged(200), "index-1")


def test_a_stored_model_comes_back_the_same(model: ConfidenceModel) -> None:
    assert ConfidenceModel.from_json(model.to_json(), "index-1") == model


def test_a_model_of_another_index_is_refused(model: ConfidenceModel) -> None:
    with pytest.raises(ConfidenceMismatchError) as error:
        ConfidenceModel.from_json(model.to_json(), "index-2")
    assert str(error.value) == (
        "The confidence model was fitted for index 'index-1', but index 'index-2' is in use. "
        "Build the index again with `copilot index sync`."
    )


def broken(**changes: object) -> str:
    return json.dumps(json.loads(default_model().to_json()) | changes)


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", "null", "{\"names\": 1}", broken(weights=[1.0]), broken(extra=1),
        broken(thresholds={}), broken(scales=[0.0] * len(FEATURES)), broken(calibrations={"*": 1}),
        broken(floors=None),
    ],
)  # fmt: skip
def test_a_damaged_model_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ConfidenceMismatchError, match="The stored confidence model can't be read"):
        ConfidenceModel.from_json(text, "index-1")


@pytest.mark.parametrize("right", [[True] * 50, [False] * 50, [True, False] * 5])
def test_too_few_or_one_sided_samples_are_refused(right: list[bool]) -> None:
    with pytest.raises(ValueError, match="too few to fit a confidence model"):
        fit([Sample(STRONG, value) for value in right], "index-1")


def test_the_default_serves_any_index_and_tells_strong_from_weak() -> None:
    shipped = ConfidenceModel.from_json(default_model().to_json(), "whatever")
    assert shipped == default_model()
    assert shipped.answerable(STRONG, "en", 0.8)
    assert not shipped.answerable(WEAK, "en", 0.42)
    assert shipped.thresholds[ANY_LANGUAGE] >= shipped.thresholds["en"]


@given(
    st.dictionaries(st.sampled_from(FEATURES), st.floats(-100, 100)),
    st.sampled_from(["en", "de", "xx"]),
)
def test_a_probability_is_never_certain(signals: dict[str, float], language: str) -> None:
    assert 0 < default_model().probability(signals, language) < 1


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_larger_lead_never_lowers_the_probability(one: float, other: float) -> None:
    low, high = sorted((one, other))
    shipped = default_model()
    weaker, stronger = ({**STRONG, "lead": lead} for lead in (low, high))
    assert shipped.probability(weaker) <= shipped.probability(stronger)


def test_a_constant_feature_does_no_harm() -> None:
    samples = [replace(s, features={**s.features, "prior": 0.0}) for s in judged(100)]
    assert 0 < fit(samples, "index-1").probability(STRONG) < 1
