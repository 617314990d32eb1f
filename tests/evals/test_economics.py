"""What a ticket costs: the worked example to the dollar, and a bill that can be added up by hand."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from evals.economics import Bill, Measured, Share, band, bill, second_order, worked
from evals.errors import SuiteError
from evals.pricing import SHIPPED, TERMS, Book, book
from evals.report.money import money
from tests.evals.tickets import case, everyday, facts, mandatory, scored, summed


def amount(value: float, **more: Any) -> dict[str, Any]:
    return {"value": value, "basis": "entered", "source": "the books", **more}


def minutes(role: str, value: float) -> dict[str, Any]:
    return {"role": role, "minutes": amount(value)}


PLAIN: dict[str, Any] = {
    "label": "entered",
    "currency": "USD",
    "demand": {
        "tickets_per_month": amount(1000),
        "repetitive": amount(50),
        "deflected": amount(10),
        "value_each": amount(7),
    },
    "rates": {"agent": amount(30), "tier2": amount(60)},
    "baseline": {
        "common": minutes("agent", 20),
        "triage": minutes("agent", 10),
        "specialist": minutes("tier2", 15),
    },
    "lines": [
        *({"id": t, "term": t, "name": t, "per": "month", "usd": amount(100)} for t in TERMS[1:]),
        {"id": "calls", "term": "model", "name": "calls", "per": "ticket", "usage": "model_charge"},
        {"id": "whole", "term": "support", "name": "whole", "per": "event", "event": "handoff"}
        | minutes("tier2", 12),
        {"id": "back", "term": "support", "name": "back", "per": "event", "event": "wrong_answer"}
        | minutes("agent", 40),
        {"id": "read", "term": "qa", "name": "read", "per": "event", "event": "risky_answer"}
        | minutes("tier2", 5),
    ],
    "reviewed": amount(10),
    "second_order": [
        {"id": "wait", "name": "wait", "event": "resolved", "role": "agent", "sign": 1}
        | {"minutes": amount(2)}
    ],
    "scenarios": [{"name": "dear", "rates": {"agent": 90}, "tickets_per_month": 10}],
}


def exactly(value: float) -> Share:
    return Share(value, value, value)


RUN = Measured(
    model_usd=exactly(0.02),
    escalated=exactly(0.4),
    precision=exactly(0.75),
    complete=exactly(1.0),
    contained_right=exactly(0.5),
    harmful=exactly(0.0),
    specialist=exactly(0.3),
    verified=exactly(0.5),
)


def written(folder: Path, **changes: Any) -> Path:
    file = folder / "prices.yaml"
    file.write_text(yaml.safe_dump({**PLAIN, **changes}), "utf-8")
    return file


@pytest.fixture
def plain(tmp_path: Path) -> Book:
    return book(written(tmp_path))


def test_the_worked_example_is_exact() -> None:
    assert worked(book().demand) == (3_500, 700, 5_600)


def test_a_bill_adds_up_by_hand(plain: Book) -> None:
    month = bill(plain, RUN)
    by_line = {priced.line.id: priced.usd for priced in month.lines}
    # 1000 tickets: 400 escalated, 300 of them needed; 600 kept, 500 right, 100 wrong.
    assert by_line["calls"] == pytest.approx(20)
    assert by_line["whole"] == pytest.approx(300 * 12)
    assert by_line["back"] == pytest.approx(100 * 20)
    assert by_line["read"] == pytest.approx(60 * 5)
    assert month.total == pytest.approx(500 + 20 + 3600 + 2000 + 300)
    assert month.handled == pytest.approx(6420 / 1000)
    assert month.deflected == pytest.approx(6420 / 600)
    assert month.resolved == pytest.approx(6420 / 500)
    assert month.verified == pytest.approx(6420 / 300)
    # By people: 700 common ones at 10, 300 that an agent forwards (5) to a specialist (15).
    assert month.baseline == pytest.approx((700 * 10 + 300 * 20) / 1000)
    assert month.savings == pytest.approx(13_000 - 6420)
    assert month.break_even == 71, "500 fixed, 5.92 a ticket beside 13.00"
    ((name, usd),) = second_order(plain, RUN)
    assert name == "wait"
    assert usd == pytest.approx(500)


def test_terms_add_up_to_the_total() -> None:
    month = bill(book(), RUN)
    assert set(month.terms) == set(TERMS)
    assert sum(month.terms.values()) == pytest.approx(month.total)


def test_what_was_never_resolved_has_no_price(plain: Book) -> None:
    nothing = Measured(
        *(exactly(0.02), exactly(1.0), exactly(0.3), exactly(1.0), exactly(0.0)),
        harmful=exactly(0.0),
        specialist=exactly(0.3),
    )
    month = bill(plain, nothing)
    assert (month.deflected, month.resolved, month.verified) == (None, None, None)


def test_dearer_by_the_ticket_than_people_never_breaks_even(plain: Book) -> None:
    month = bill(plain, replace(RUN, model_usd=exactly(20.0)))
    assert month.savings < 0
    assert month.break_even is None


def test_another_desk_changes_only_what_it_names(plain: Book) -> None:
    (scenario,) = plain.scenarios
    dear = plain.under(scenario)
    assert bill(dear, RUN).tickets == 10
    assert float(dear.rates["agent"].value) == 90
    assert dear.rates["tier2"] == plain.rates["tier2"]


@given(st.floats(0, 0.9), st.floats(0, 1), st.floats(0, 1), st.floats(0, 500), st.floats(0, 500))
def test_more_minutes_never_cost_less(
    escalated: float, precision: float, right: float, few: float, more: float
) -> None:
    run = Measured(
        model_usd=exactly(0.01),
        escalated=exactly(escalated),
        precision=exactly(precision),
        complete=exactly(0.5),
        contained_right=exactly((1 - escalated) * right),
        harmful=exactly(0.01),
        specialist=exactly(0.3),
    )

    def month(of: float) -> Bill:
        lines = [
            {**line, "minutes": amount(of)} if "minutes" in line else line
            for line in PLAIN["lines"]
        ]
        return bill(Book.model_validate({**PLAIN, "lines": lines}), run)

    low, high = month(min(few, more)), month(max(few, more))
    assert low.total <= high.total + 1e-6
    assert all(priced.usd >= 0 for priced in low.lines)


def test_the_band_holds_the_bill_and_is_the_same_again(plain: Book) -> None:
    wide = replace(RUN, escalated=Share(0.4, 0.3, 0.5))
    first = band(plain, wide, seed=7)
    low, high = first.handled
    assert low < bill(plain, wide).handled < high
    assert first == band(plain, wide, seed=7)
    exact = band(plain, RUN, seed=7)
    assert exact.handled == pytest.approx((6.42, 6.42))
    assert exact.saves == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"colour": "red"}, "colour: Extra inputs are not permitted"),
        ({"reviewed": amount(120, unit="percent")}, "a percentage ends at 100"),
        ({"rates": {"agent": amount(-3), "tier2": amount(1)}}, "rates.agent.value"),
        ({"rates": {"agent": amount(3)}}, "'tier2', which has no rate"),
        ({"rates": {"agent": amount(5, low=6), "tier2": amount(1)}}, "must rise in this order"),
        ({"lines": PLAIN["lines"][:-3]}, None),
        ({"lines": [*PLAIN["lines"], PLAIN["lines"][0]]}, "stands 2 times"),
        ({"lines": PLAIN["lines"][1:]}, "the term 'orchestration' has no line"),
        (
            {"lines": [*PLAIN["lines"], {**PLAIN["lines"][0], "id": "x", "event": "handoff"}]},
            "lines.x: a line per event names the event",
        ),
        (
            {"lines": [*PLAIN["lines"], {**PLAIN["lines"][0], "id": "y", "usd": None}]},
            "lines.y: a line has one price",
        ),
    ],
)
def test_a_wrong_price_book_is_told(
    tmp_path: Path, changes: dict[str, Any], said: str | None
) -> None:
    file = written(tmp_path, **changes)
    if said is None:
        assert book(file).lines
        return
    with pytest.raises(SuiteError, match=r"prices\.yaml: ") as told:
        book(file)
    assert said in str(told.value)


def test_a_book_that_is_not_there_or_no_yaml_is_told(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="can't be read"):
        book(tmp_path / "none.yaml")
    broken = tmp_path / "broken.yaml"
    broken.write_text("lines: [", "utf-8")
    with pytest.raises(SuiteError, match=r"broken\.yaml:\d: This is no YAML"):
        book(broken)


def test_every_shipped_figure_says_where_it_comes_from() -> None:
    text = SHIPPED.read_text("utf-8")
    assert text.count("value:") == text.count("basis:")
    assert text.count("source:") >= text.count("value:")


def test_the_section_shows_every_line_with_its_mark() -> None:
    cases = [*everyday(6), mandatory("m-1"), case("x-1")]
    summary = summed(cases, scored(cases, [4.5] * len(cases)), facts("copilot"))
    shown = money(book(), summary.systems[0], seed=1)
    assert len(shown.lines) == len(book().lines)
    for line in shown.lines:
        assert line.basis.startswith(("measured", "entered", "assumed")), line
    assert any("$5,600" in line.value and "700" in line.value for line in shown.results)
