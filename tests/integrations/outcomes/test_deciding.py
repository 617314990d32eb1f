"""Conversations as they happen, with the outcome and who would count them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from integrations.outcomes.deciding import decide, is_deflected
from integrations.outcomes.definitions import DEFINITIONS
from integrations.outcomes.log import Case, Conversation, Event, Kind
from integrations.outcomes.rates import Rate

T0 = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
DOCUMENT = Path(__file__).parents[3] / "docs" / "outcomes.md"
OURS = "This product"
SHORT = {
    "fin": "Intercom Fin",
    "contained": "Zendesk, contained",
    "verified": "Zendesk, verified",
    "snow": "ServiceNow",
    "moveworks": "Moveworks Classic",
    "studio": "Copilot Studio",
    "jira": "Jira Service Management",
    "atomic": "Atomicwork",
}


def talk(*events: tuple[Kind, float], returned: float | None = None) -> Case:
    """Events by days after the start."""
    made = tuple(Event(kind, T0 + timedelta(days=days)) for kind, days in events)
    one = Conversation("t", "dana.reed", T0, T0, made, label="vpn.drops")
    return Case(one, None if returned is None else T0 + timedelta(days=returned))


CASES: dict[str, tuple[Case, str, set[str]]] = {
    # what happened: (conversation, outcome, who counts it as a win)
    "fixed": (
        talk(("answered", 0), ("fixed", 0.01)),
        "confirmed",
        {"ours", *SHORT},
    ),
    "fixed, back on day 6": (
        talk(("answered", 0), ("fixed", 0), returned=6),
        "reopened",
        {"fin", "contained", "verified", "snow", "moveworks", "studio", "jira"},
    ),
    "fixed, back on day 8": (
        talk(("answered", 0), ("fixed", 0), returned=8),
        "confirmed",
        {"ours", *SHORT},
    ),
    "fixed, and on day 6 says that it is back": (
        talk(("answered", 0), ("fixed", 0), ("stuck", 6)),
        "reopened",
        {"contained", "moveworks", "jira"},
    ),
    "answered and silent": (
        talk(("answered", 0)),
        "unknown",
        {"fin", "contained", "snow", "moveworks", "studio", "jira", "atomic"},
    ),
    "rated well, no word": (
        talk(("answered", 0), ("rated_good", 0.1)),
        "likely",
        set(SHORT),
    ),
    "left after a question": (talk(("clarified", 0)), "abandoned", {"contained"}),
    "says that it does not work, and leaves": (
        talk(("answered", 0), ("stuck", 0.1)),
        "abandoned",
        {"contained", "moveworks", "jira"},
    ),
    "ticket through the bot": (talk(("escalated", 0)), "escalated", {"snow", "jira"}),
    "answered, then handed over": (
        talk(("answered", 0), ("stuck", 0.1), ("escalated", 0.1)),
        "escalated",
        {"snow", "moveworks", "jira"},
    ),
    "fixed, but a bad answer": (
        talk(("answered", 0), ("fixed", 0.1), ("rated_bad", 0.1)),
        "confirmed",
        {"fin", "contained", "verified", "snow", "studio", "jira", "atomic"},
    ),
    "changed their mind": (
        talk(("answered", 0), ("stuck", 0.1), ("answered", 0.1), ("fixed", 0.2)),
        "confirmed",
        {"ours", *SHORT},
    ),
    "declined": (talk(("declined", 0)), "declined", {"contained"}),
}


@pytest.mark.parametrize("name", CASES)
def test_outcome_and_who_counts_it(name: str) -> None:
    case, outcome, winners = CASES[name]
    assert decide(case).outcome == outcome
    names = {OURS if short == "ours" else SHORT[short] for short in winners}
    assert {each.name for each in DEFINITIONS if each.among(case) and each.wins(case)} == names


def test_the_record_says_until_when_it_may_change() -> None:
    decided = decide(CASES["fixed"][0])
    assert decided.open_until == T0 + timedelta(days=7.01)
    assert decided.is_open(T0 + timedelta(days=7))
    assert not decided.is_open(T0 + timedelta(days=8))
    assert not decide(CASES["ticket through the bot"][0]).is_open(T0)


def test_the_window_is_a_setting() -> None:
    case = CASES["fixed, back on day 8"][0]
    assert decide(case, timedelta(days=14)).outcome == "reopened"


KINDS: list[Kind] = [
    "answered", "clarified", "declined", "escalated", "fixed", "stuck", "rated_good", "rated_bad",
]  # fmt: skip
EVENTS = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 20)), min_size=1, max_size=8)


@given(EVENTS, st.integers(0, 30))
def test_coming_back_never_makes_us_look_better(events: list[tuple[Kind, int]], back: int) -> None:
    alone = talk(*sorted(events, key=lambda event: event[1]))
    returned = replace(alone, returned_at=T0 + timedelta(days=back))
    assert is_deflected(returned) <= is_deflected(alone)


@given(EVENTS)
def test_without_a_word_of_the_employee_nothing_is_deflected(
    events: list[tuple[Kind, int]],
) -> None:
    silent = [event for event in events if event[0] not in ("fixed", "stuck")]
    assert not is_deflected(talk(*sorted(silent, key=lambda event: event[1])))


@pytest.mark.parametrize(("wins", "among"), [(0, 5), (5, 5), (3, 7), (412, 1000), (1, 1)])
def test_intervals_are_wilsons(wins: int, among: int) -> None:
    expected = proportion_confint(wins, among, method="wilson")
    assert Rate(wins, among).interval == pytest.approx(expected)


def test_nothing_to_count_is_said() -> None:
    assert str(Rate(0, 0)) == "nothing to count"


def test_the_document_has_the_definitions_of_the_code() -> None:
    rows = [line for line in DOCUMENT.read_text("utf-8").splitlines() if line.startswith("| ")]
    told = [tuple(cell.strip() for cell in row.strip("|").split("|")) for row in rows]
    assert told[-len(DEFINITIONS) :] == [
        (each.name, each.rule, each.window, each.caveat or "") for each in DEFINITIONS
    ]
