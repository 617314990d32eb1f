"""Small suites and rows to count: cases, answers and grades as a runner and a grader would leave them."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from evals.case import Case
from evals.episode import Episode, Exchange, Response
from evals.grade import Grade, Score
from evals.metrics.facts import Asked, Facts
from evals.rubric import Rubric
from evals.suite import Header, Person, Suite

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
