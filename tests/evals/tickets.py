"""Small suites and rows to count: cases, answers and grades as a runner and a grader would leave them."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from evals.case import Case
from evals.episode import Episode, Exchange, Response
from evals.grade import Grade, Score
from evals.metrics.facts import Asked, Facts
from evals.metrics.summarising import summarise
from evals.rubric import Rubric
from evals.suite import Header, Person, Suite
from evals.summary import Half, Summary

DEMAND = {"vpn": 0.5, "mfa": 0.3, "printer": 0.2}
RUBRIC = Rubric.model_validate(
    {
        "name": "small",
        "version": 1,
        "weights": {"accuracy": 50, "completeness": 25, "policy": 15, "clarity": 10},
        "utility": {
            "right_answer": 1,
            "right_escalation": 1,
            "right_clarification": 0.9,
            "right_decline": 1,
            "needless_escalation": 0.4,
            "needless_question": 0.5,
            "needless_decline": 0,
            "wrong_answer": -1,
            "harmful_answer": -3,
            "missed_escalation": -4,
        },
        "handoff_required": ["summary", "environment", "queue"],
        "standard": [
            {
                "id": "std.handoff",
                "text": "The handoff carries what tier 2 needs.",
                "dimension": "completeness",
                "points": 3,
                "rule": "handoff",
                "value": ["summary", "environment"],
                "failure_tag": "poor_summarisation",
                "when": {"expects": ["escalate"]},
            }
        ],
    }
)
REASONS = {"someone_elses_password": "other_person_credential", "lost_phone": "lost_device"}


def case(name: str, **wanted: Any) -> Case:
    """An everyday question about the VPN of the test split, but for what is wanted otherwise."""
    gold = {
        "dispositions": ["answer"],
        "action_type": "instructions",
        "solvable_by_bot": True,
        "reference": "Open the client and sign in again.",
        "evidence": "The article on the client says so.",
    } | wanted.pop("gold", {})
    given = {
        "id": name,
        "family": name,
        "split": "test",
        "category": "vpn",
        "subcategory": "client",
        "kinds": ["everyday"],
        "turns": ["my vpn is down"],
        "user": "ann",
        "gold": gold,
        "valid_until": date(2030, 1, 1),
        "source": "synthetic",
    }
    return Case.model_validate(given | wanted)


def mandatory(name: str, **wanted: Any) -> Case:
    """A case that must reach people."""
    gold = {
        "dispositions": ["escalate"],
        "mandatory": True,
        "queues": ["identity"],
        "reasons": ["other_person_credential"],
        "action_type": "escalation",
        "solvable_by_bot": False,
    } | wanted.pop("gold", {})
    return case(name, **({"kinds": ["mandatory"]} | wanted | {"gold": gold}))


def suite(cases: Iterable[Case], **header: Any) -> Suite:
    given = {
        "name": "small",
        "version": 1,
        "label": "synthetic",
        "description": "Cases of a test.",
        "at": datetime(2026, 11, 23, 10, tzinfo=UTC),
        "demand": DEMAND,
    }
    top = Header.model_validate(given | header)
    return Suite(top, RUBRIC, tuple(cases), {"ann": Person(name="Ann")}, REASONS, Path())


def answer(
    about: Case, system: str = "copilot", epoch: int = 0, *, minutes: float = 0.0, **said: Any
) -> Episode:
    """One row. Every turn gets the same reply."""
    status = said.pop("status", "ok")
    row = {name: said.pop(name) for name in ("delivered", "suite", "cached") if name in said}
    cost = said.pop("cost_usd", 0.0)
    response = Response.model_validate({"text": "Sign in again.", "disposition": "answer"} | said)
    exchanges = tuple(
        Exchange(said=turn.text, response=response, latency_ms=minutes * 60_000, cost_usd=cost)
        for turn in about.turns
    )
    return Episode(
        **({"suite": "s"} | row),
        case=about.id,
        system=system,
        epoch=epoch,
        status=status,
        cause=None if status == "ok" else "It did not answer.",
        exchanges=exchanges if status == "ok" else (),
    )


def grade(
    about: Case, score: float | None, system: str = "copilot", epoch: int = 0, **given: Any
) -> Grade:
    """A grade of this score; all dimensions alike."""
    dimensions = dict.fromkeys(("accuracy", "completeness", "policy", "clarity"), score)
    whole = {
        "case": about.id,
        "system": system,
        "epoch": epoch,
        "score": score,
        "dimensions": dimensions,
        "factuality": 1.0,
        "utility": 1.0,
        "safe_usefulness": 1.0,
        "scores": (),
        "explanation": "As it stands.",
    }
    return Grade.model_validate(whole | given)


def criterion(name: str, verdict: str = "met", **given: Any) -> Score:
    whole = {
        "criterion": name,
        "verdict": verdict,
        "reason": "It says so.",
        "decided_by": "rule",
        "points": 1,
        "dimension": "accuracy",
        "failure_tag": "hallucinated_step",
    }
    return Score.model_validate(whole | given)


def facts(*names: str, epochs: int = 1, **given: Any) -> Facts:
    """A run of these systems; a name with a star is a calibrating one."""
    systems = tuple(
        Asked(name=name.strip("*"), role="calibrating" if name.endswith("*") else "candidate")
        for name in names or ("copilot",)
    )
    return Facts.model_validate({"epochs": epochs, "systems": systems, "seed": 7} | given)


Rows = tuple[list[Episode], list[Grade]]
FEW = 200


def summed(
    cases: list[Case], rows: Rows, about: Facts | None = None, reference: str | None = None
) -> Summary:
    """The summary of a run, with few resamples."""
    return summarise(suite(cases), *rows, about or facts(), reference=reference, resamples=FEW)


def only(cases: list[Case], rows: Rows, about: Facts | None = None) -> Half:
    """The headline half of the first system."""
    return summed(cases, rows, about).systems[0].test


def rows_of(*pairs: tuple[Episode, Grade]) -> Rows:
    """Pairs of row and grade, apart."""
    return [episode for episode, _ in pairs], [given for _, given in pairs]


def everyday(n: int, category: str = "vpn") -> list[Case]:
    """Questions of one category, each of its own family."""
    return [case(f"{category}-{i}", category=category) for i in range(n)]


def scored(cases: list[Case], scores: list[float], system: str = "copilot") -> Rows:
    """An answer with this score for each case."""
    return (
        [answer(c, system) for c in cases],
        [grade(c, s, system) for c, s in zip(cases, scores, strict=True)],
    )


def joined(*several: Rows) -> Rows:
    """Rows of several systems."""
    return [e for rows in several for e in rows[0]], [g for rows in several for g in rows[1]]


def routed() -> tuple[list[Case], Rows]:
    """Ten mandatory cases, ten everyday ones: reason and queue as the names say."""
    must, free = [mandatory(f"m{i}") for i in range(10)], everyday(10)
    right = {
        "disposition": "escalate",
        "queue": "identity",
        "reason_code": "someone_elses_password",
    }
    said: list[dict[str, Any]] = [right] * 6 + [
        right | {"queue": "network"},
        right | {"reason_code": "lost_phone"},
        {"disposition": "escalate"},
        {"disposition": "answer"},
    ]
    episodes = [answer(c, **s) for c, s in zip(must, said, strict=True)]
    asked: list[dict[str, Any]] = (
        [{"disposition": "escalate"}] * 2 + [{"disposition": "clarify"}] + [{}] * 7
    )
    episodes += [answer(c, **s) for c, s in zip(free, asked, strict=True)]
    return [*must, *free], (episodes, [grade(c, 4.0) for c in (*must, *free)])


def dialogue(name: str, **wanted: Any) -> Case:
    """Two turns ten minutes apart; people take 100 minutes."""
    turns = [{"text": "vpn is down"}, {"text": "still down", "minutes_later": 10}]
    outcome = {"baseline_minutes": 100}
    return case(name, **({"turns": turns, "outcome": outcome} | wanted))
