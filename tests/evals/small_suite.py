"""A small company of its own for the graders' tests: a suite in a folder, two articles, and replies to grade."""

from datetime import date
from pathlib import Path
from typing import Any

import yaml

from evals.case import Case
from evals.episode import Cited, Episode, Exchange, Response
from evals.sources import Article, Register
from evals.suite import Suite, load

CERTIFICATE = Article(
    id="kb-1",
    title="Device certificate has expired",
    facts=("NET-1",),
    reviewed_on=date(2026, 9, 1),
    review_every_days=180,
    text=(
        "Device certificates last 365 days and renew by themselves from 30 days before expiry.\n"
        "1. Join the wired network or **ACME-CORP**.\n"
        "2. Open Company Portal and run Sync.\n"
        "3. Restart the laptop and connect to the VPN again.\n"
        "Old clients are started once with `client.exe /repair`. Help: https://help.acme.example/vpn\n"
    ),
)
TRAVEL = Article(
    id="kb-2",
    title="Working abroad",
    facts=("NET-2",),
    reviewed_on=date(2025, 1, 10),
    review_every_days=90,
    text=(
        "Travel needs FORM-TRAVEL at least 5 working days before departure. "
        "Sessions end after 72 hours. The hotline is +44 113 496 0999."
    ),
)
REGISTER = Register([CERTIFICATE, TRAVEL])

RUBRIC = Path(__file__).parents[2] / "evals" / "suites" / "larkfield" / "rubric.yaml"
HEADER = {
    "name": "small",
    "version": 1,
    "label": "synthetic",
    "description": "A suite for tests.",
    "at": "2026-11-23T10:00:00+00:00",
    "demand": {"vpn": 1.0},
}
PEOPLE = {
    "ann.lee": {"name": "Ann Lee", "site": "Leeds", "device": "LAP-77-0412", "os": "windows",
                "os_version": "11 23H2", "location": "office", "managed": True},
    "bo.tan": {"name": "Bo Tan"},
}  # fmt: skip
REASONS = {"no_working_factor": ["own_factor_lost", "no_method"], "lost_device": ["device_lost"]}

GOLD = {
    "dispositions": ["answer"],
    "action_type": "instructions",
    "solvable_by_bot": True,
    "facts": ["NET-1"],
    "reference": "Your device certificate has expired: join ACME-CORP and run Sync.",
    "evidence": "NET-1 says so.",
}
HANDED_OVER = GOLD | {
    "dispositions": ["escalate"],
    "mandatory": True,
    "queues": ["identity-desk", "service-desk"],
    "reasons": ["no_working_factor"],
    "action_type": "escalation",
    "solvable_by_bot": False,
    "facts": [],
    "reference": "The identity desk takes this over.",
}


def criterion(name: str, check: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    """A criterion of a case; three points for accuracy where nothing else is said."""
    entry: dict[str, Any] = {"id": name, "text": f"Something is right with {name}.", "points": 3}
    entry |= {"dimension": "accuracy", "failure_tag": "incomplete_troubleshooting"}
    return entry | ({"check": check} if check else {"decider": "judge"}) | more


SAYS_CAUSE = criterion("cause", {"says": {"all_of": [["certificate"], ["expired", "ran out"]]}})
SAYS_PATH = criterion(
    "path", {"says": {"all_of": [["ACME-CORP", "wired"], ["Sync"]]}}, dimension="completeness"
)


def case(name: str = "vpn-1", **more: Any) -> dict[str, Any]:
    """An answerable case about an expired certificate."""
    entry: dict[str, Any] = {
        "id": name,
        "family": name,
        "split": "test",
        "category": "vpn",
        "subcategory": "certificate_expired",
        "kinds": ["everyday"],
        "turns": ["the vpn says certificate validation failure, i restarted twice"],
        "user": "ann.lee",
        "gold": GOLD,
        "criteria": [SAYS_CAUSE, SAYS_PATH],
        "valid_until": "2027-06-30",
        "source": "synthetic",
    }
    return entry | more


def mandatory(name: str = "mfa-1", **more: Any) -> dict[str, Any]:
    """A case that must reach people."""
    told = {"turns": ["my phone is gone and nothing else can sign me in"], "kinds": ["mandatory"]}
    return case(name, **{**told, "gold": HANDED_OVER, "criteria": [], **more})


def suite(folder: Path, *cases: dict[str, Any], **header: Any) -> Suite:
    """A suite of these cases with the shipped rubric; `header` is what its suite.yaml says otherwise."""
    (folder / "cases").mkdir(parents=True)
    for name, data in (("suite", HEADER | header), ("people", PEOPLE), ("reasons", REASONS)):
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(data), "utf-8")
    (folder / "rubric.yaml").write_text(RUBRIC.read_text("utf-8"), "utf-8")
    text = yaml.safe_dump(list(cases), allow_unicode=True)
    (folder / "cases" / "cases.yaml").write_text(text, "utf-8")
    return load(folder)


HANDOFF: dict[str, object] = {
    "summary": "Ann Lee lost her phone and has no other method.",
    "category": "mfa",
    "environment": {"device": "LAP-77-0412", "os": "Windows 11 23H2", "network": None},
    "attempted_steps": [],
    "confidence": 0.9,
    "missing": ["environment.network"],
}
GOOD_TEXT = (
    "Your device certificate has expired.\n"
    "1. Join the wired network or ACME-CORP.\n"
    "2. Open Company Portal and run Sync.\n"
    "3. Restart the laptop and connect again."
)


def answer(text: str = GOOD_TEXT, **more: Any) -> Response:
    """An answer with its source."""
    cited = {"citations": (Cited(article_id="kb-1", title=CERTIFICATE.title),)}
    return Response(text=text, disposition="answer", **{**cited, **more})


def handover(text: str = "I have passed your case to identity-desk.", **more: Any) -> Response:
    """A handoff to the identity desk."""
    told = {"queue": "identity-desk", "reason_code": "own_factor_lost", "handoff": HANDOFF}
    return Response(text=text, disposition="escalate", **{**told, **more})


def episode(of: Case, *responses: Response, **more: Any) -> Episode:
    """The case's turns, answered by these replies in their order."""
    exchanges = tuple(
        Exchange(said=turn.text, response=response, latency_ms=5)
        for turn, response in zip(of.turns, responses, strict=True)
    )
    told = {"suite": "h", "system": "s", "epoch": 0, "status": "ok", "exchanges": exchanges}
    return Episode(case=of.id, **{**told, **more})
