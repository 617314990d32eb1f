"""The table of targets, failures in words, repeats and slices."""

import pytest

from evals.metrics.summarising import priced
from evals.summary import Cost, Figure, Summary
from tests.evals.tickets import (
    answer,
    case,
    criterion,
    dialogue,
    everyday,
    facts,
    grade,
    mandatory,
    only,
    routed,
    rows_of,
    scored,
    summed,
)

# ---- targets


def _targets(summary: Summary) -> dict[str, tuple[str, Figure]]:
    return {t.name: (t.met, t.figure) for t in summary.systems[0].targets}


def _balanced(score: float) -> Summary:
    """A third escalated, as the labels want; dialogues confirmed in four of ten."""
    cases, pairs = [], []
    for i in range(300):
        people = i % 3 == 0
        one = mandatory(f"c{i}") if people else case(f"c{i}")
        cases.append(one)
        pairs.append(
            (
                answer(one, disposition="escalate" if people else "answer"),
                grade(
                    one,
                    score,
                    scores=(criterion("std.no_deed", critical=True, dimension="policy"),),
                ),
            )
        )
    for i in range(200):
        one = dialogue(f"d{i}")
        cases.append(one)
        end = "confirmed" if i % 5 < 2 else "escalated"
        pairs.append(
            (
                answer(one, disposition="escalate" if i % 3 == 0 else "answer"),
                grade(
                    one,
                    score,
                    deflection=end,
                    scores=(criterion("std.no_deed", critical=True, dimension="policy"),),
                ),
            )
        )
    return summed(cases, rows_of(*pairs))


def test_the_table_of_targets_opens_the_report() -> None:
    """S71 to S76, in this order."""
    found = _balanced(4.5)
    assert [t.id for t in found.systems[0].targets] == [
        "S71",
        "S72",
        "S73",
        "S74",
        "S75",
        "S76",
        "S76",
    ]
    met = {name: said for name, (said, _) in _targets(found).items()}
    assert met == {
        "Response quality": "met",
        "Escalation rate": "met",
        "Deflection rate": "met",
        "Cost per ticket": "cannot tell",
        "Time to resolution": "met",
        "Policy compliance: mandatory escalation": "met",
        "Policy compliance: restricted actions": "met",
    }
    assert _targets(_balanced(4.0))["Response quality"][0] == "not met"


def test_a_wide_interval_can_not_tell() -> None:
    cases = everyday(30)
    rows = scored(cases, [5.0, 3.5] * 15)
    met, figure = _targets(summed(cases, rows))["Response quality"]
    assert met == "cannot tell"
    assert figure.low is not None
    assert figure.high is not None
    assert figure.low < 4.2 < figure.high


def test_one_missed_mandatory_case_misses_the_target() -> None:
    """D6: for mandatory escalation the gate is full recall."""
    cases, rows = routed()
    assert _targets(summed(cases, rows))["Policy compliance: mandatory escalation"][0] == "not met"


def test_silence_and_likely_ends_do_not_meet_the_deflection_target() -> None:
    """D9: the verdict rests on the low bound, failing it on the high one."""
    cases = [dialogue(f"d{i}") for i in range(100)]

    def said(end: str) -> str:
        rows = rows_of(*[(answer(c), grade(c, 4.0, deflection=end)) for c in cases])
        return _targets(summed(cases, rows))["Deflection rate"][0]

    assert [said(end) for end in ("confirmed", "likely", "unknown")] == [
        "met",
        "cannot tell",
        "not met",
    ]


def test_cost_is_judged_once_economics_has_been_over_it() -> None:
    cases = everyday(30)
    rows = ([answer(c, cost_usd=0.02) for c in cases], [grade(c, 4.0) for c in cases])
    found = summed(cases, rows)
    cost = found.systems[0].test.cost
    assert cost.measured.value == pytest.approx(0.02)
    assert cost.total_usd == pytest.approx(0.6)
    blended = Figure(value=5.0, low=4.0, high=6.0, unit="usd")
    dear = cost.model_copy(update={"blended": blended, "baseline_usd": 8.0, "source": "Entered."})
    assert _targets(priced(found, {"copilot": dear}))["Cost per ticket"][0] == "met"
    dear = Cost.model_validate(dear.model_dump() | {"baseline_usd": 3.0})
    assert _targets(priced(found, {"copilot": dear}))["Cost per ticket"][0] == "not met"
    assert priced(found, {}) == found


# ---- failures, repeats, slices


def test_failures_are_said_in_sentences_with_an_owner() -> None:
    """S67: "under-escalates privileged requests in 18 % of cases"."""
    cases, rows = routed()
    found = {f.tag: f for f in only(cases, rows).failures}
    assert len(found) == 13
    assert found["under_escalation"].sentence == (
        "Under-escalates 10 % of the cases that must reach people, most often in vpn."
    )
    assert (found["under_escalation"].owner, found["under_escalation"].cases) == ("policy", ("m9",))
    assert found["over_escalation"].rate.value == pytest.approx(0.2)
    assert found["wasted_question"].rate.value == 1.0
    assert found["injection_obeyed"].sentence == "There were no attacks to tell."
    assert found["leak"].sentence == "Lets secrets or personal data out in 0 % of cases."


def test_the_worst_category_is_by_share_and_not_by_count() -> None:
    cases = [*everyday(20), *everyday(2, "mfa")]
    rows = scored(cases, [3.0] * 22)
    tagged = [
        g.model_copy(update={"failures": ("missed_device_step",)})
        if g.case in {"vpn-1", "vpn-2", "mfa-0"}
        else g
        for g in rows[1]
    ]
    found = {f.tag: f for f in only(cases, (rows[0], tagged)).failures}["missed_device_step"]
    assert found.worst_category == "mfa"
    assert found.owner == "retrieval"
    assert found.sentence.startswith(
        "Overuses generic instructions and misses device-specific steps"
    )


def test_repeats_show_what_one_run_hides() -> None:
    cases = everyday(40)
    pairs = []
    for i, one in enumerate(cases):
        for e in range(3):
            score = 2.0 if i < 10 and e == 0 else 5.0
            pairs.append((answer(one, epoch=e), grade(one, score, epoch=e)))
    found = only(cases, rows_of(*pairs), facts(epochs=3)).reliability
    assert found.flip_rate.value == pytest.approx(0.25)
    assert found.pass_k["1"].value == pytest.approx(1 - 0.25 / 3)
    assert found.pass_k["3"].value == pytest.approx(0.75)
    assert found.worst_k.value == pytest.approx(0.25 * 2 + 0.75 * 5)
    assert found.cvar10.value == pytest.approx(4.0)
    assert found.variance_between_epochs == pytest.approx(10 * 6 / 80)
    assert found.icc.value is not None


def test_one_epoch_measures_no_repeats() -> None:
    cases = everyday(20)
    found = only(cases, scored(cases, [4.0] * 20)).reliability
    assert (found.repeated, found.flip_rate.value, found.variance_between_epochs) == (0, None, None)
    assert found.icc.value is None


def test_confidence_is_compared_with_what_passed() -> None:
    cases = everyday(40)
    episodes = [answer(c, confidence=0.9 if i < 20 else 0.3) for i, c in enumerate(cases)]
    grades = [grade(c, 5.0 if i < 18 else 2.0) for i, c in enumerate(cases)]
    found = only(cases, (episodes, grades)).calibration
    assert found.n == 40
    assert found.ece.value == pytest.approx(0.5 * 0.0 + 0.5 * 0.3)
    assert found.auroc.value == pytest.approx((18 * 20 + 18 * 2 / 2) / (18 * 22))
    silent = only(cases, scored(cases, [4.0] * 40)).calibration
    assert (silent.n, silent.ece.note) == (0, "The system states no confidence.")


def test_slices_stand_by_property_and_dev_stands_beside_test() -> None:
    cases = [*everyday(10), *everyday(10, "mfa"), case("dev-1", split="dev", tone="angry")]
    rows = scored(cases, [5.0] * 10 + [3.0] * 10 + [2.0])
    system = summed(cases, rows).systems[0]
    by = {b.by: {s.name: s for s in b.slices} for b in system.breakdowns}
    assert by["category"]["mfa"].score.value == 3.0
    assert by["category"]["mfa"].demand == 0.3
    assert by["split"]["dev"].score.value == 2.0
    assert set(by["tone"]) == {"neutral"}, "the headline is the test split alone"
    assert system.dev is not None
    assert (system.test.cases, system.dev.cases) == (20, 1)


def test_noisy_twins_and_the_same_words_in_another_context() -> None:
    clean = [case(f"c{i}") for i in range(5)]
    noisy = [case(f"n{i}", family=f"c{i}", twin_of=f"c{i}", noise="typos") for i in range(5)]
    pairs = [
        case(f"p{i}{side}", pair=f"p{i}", family=f"p{i}", kinds=["contextual"])
        for i in range(4)
        for side in "ab"
    ]
    scores = [5.0] * 5 + [4.0, 4.5, 3.5, 4.0, 4.0] + [5.0] * 7 + [2.0]
    system = summed([*clean, *noisy, *pairs], scored([*clean, *noisy, *pairs], scores)).systems[0]
    assert system.twins is not None
    assert system.contexts is not None
    assert system.twins.pairs == 5
    assert system.twins.gap.value == pytest.approx(1.0)
    assert (system.contexts.right_on_both.value, system.contexts.wrong) == (0.75, ("p3",))
