"""`copilot policy explain`: what would be decided about a message, and by which rules."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import click

from copilot.company import CompanyFacts
from copilot.conversation import Inquiry
from copilot.errors import UnknownUserError
from copilot.explaining import Explanation
from copilot.explaining import explain as explained
from copilot.nodes import Reading, SecondReading
from copilot.ports import Policy
from integrations import wiring
from integrations.clock import company_clock
from integrations.commands.failures import plain
from integrations.company import Company, load_company
from integrations.connecting import Connections, connections_of
from integrations.facts import company_facts
from integrations.following import CurrentEdition
from integrations.home import Home, HomeOwnedError
from integrations.preparing import prepare
from integrations.progress import Progress
from integrations.rulebook import FollowingPolicy
from integrations.settings import Settings
from integrations.store.journal import SqlJournal
from integrations.telemetry import Counters
from policies.engine import Policies, reason_of
from policies.model import Decision, PolicyRequest, Ruling
from policies.redaction import Redactor

_EPOCH = datetime.fromtimestamp(0, UTC)


def explain(text: str, as_json: bool, user: str | None, at: str | None, home: Path | None) -> int:
    """Print what would be decided. Returns the exit code."""
    given = {"id": uuid4().hex, "text": text, "channel": "terminal"}
    # A message that can't be asked is refused before a home is opened or prepared for it.
    Inquiry.model_validate(
        {**given, "user": "unnamed" if user is None else user, "at": at or _EPOCH}
    )
    return asyncio.run(_explain(given, as_json, user, at, home))


async def _explain(
    given: Mapping[str, object], as_json: bool, user: str | None, at: str | None, home: Path | None
) -> int:
    settings = Settings() if home is None else Settings(home=home)
    profile = load_company(settings.company_dir)
    policy = wiring.policy_of(profile)
    policies = policy.policies
    _prepare(settings, profile, policies)
    explainer = await _open(settings, profile, policy)
    try:
        inquiry = Inquiry.model_validate(
            {
                **given,
                "user": _first(explainer) if user is None else user,
                "at": at or company_clock(profile.demo_clock)(),
            }
        )
        explanation = await explainer.explain(inquiry)
    finally:
        await explainer.journal.close()
        await explainer.connections.close()
    if as_json:
        document = _document(inquiry, explanation, explainer)
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        click.echo(plain("\n".join(_lines(inquiry, explanation, policies))))
    return 0


@dataclass(frozen=True, slots=True)
class Explainer:
    """What reads and decides; it neither searches nor records, so that it works beside a server."""

    reader: Reading
    policy: Policy
    journal: SqlJournal
    connections: Connections
    redactor: Redactor
    company: CompanyFacts
    policies: Policies
    knowledge: str
    second: SecondReading | None

    async def explain(self, inquiry: Inquiry) -> Explanation:
        return await explained(
            inquiry,
            reader=self.reader,
            policy=self.policy,
            journal=self.journal,
            directory=self.connections.people,
            redactor=self.redactor,
            company=self.company,
            second=self.second,
        )


async def _open(settings: Settings, profile: Company, policy: FollowingPolicy) -> Explainer:
    home = Home.at(settings.home)
    edition = CurrentEdition(home.index)
    counters = Counters()
    connections = connections_of(profile, counters, mode=settings.mode)
    return Explainer(
        reader=wiring.reader_of(settings, edition),
        policy=policy,
        connections=connections,
        redactor=wiring.redactor_of(settings, home, profile, connections.people),
        company=company_facts(profile, policy.policies, None, lockdown=settings.lockdown),
        policies=policy.policies,
        knowledge=edition.version,
        second=wiring.writing_of(settings, connections.people, policy, counters).second,
        journal=await SqlJournal.open(settings.database_url or home.records_url),
    )


def _first(explainer: "Explainer") -> str:
    """Who asks where nobody is named."""
    if not explainer.connections.are_chosen_from:
        raise UnknownUserError("Nobody is named. Say who asks with --user.")
    return explainer.connections.people.people()[0].id


def _prepare(settings: Settings, profile: Company, policies: Policies) -> None:
    """Prepare an empty home; one that a server owns has been prepared by it."""
    try:
        with Home.at(settings.home).owned(wait_seconds=settings.owner_seconds):
            prepare(settings, profile, policies.catalogue, Progress.to_terminal())
    except HomeOwnedError as owned:
        if owned.url is None:
            raise


def _document(
    inquiry: Inquiry, explained: Explanation, explainer: "Explainer"
) -> dict[str, object]:
    read, decision = explained.understanding, explained.decision
    return {
        "text": read.text,
        "language": read.language,
        "redactions": explained.redactions,
        "user": inquiry.user,
        "at": inquiry.at.isoformat(),
        "recognised": [
            {
                "action": seen.action,
                "confidence": round(seen.confidence, 4),
                "in": seen.segment,
                "by": seen.seen_by,
            }
            for seen in read.actions
        ],
        "request": explained.request.model_dump(mode="json"),
        "decision": decision.model_dump(mode="json"),
        "rules": {name: _rule(name, explainer.policies) for name in decision.rules},
        "receipt": {
            "policy": decision.policy_version,
            "input_hash": decision.input_hash,
            "rules": list(decision.rules),
            "knowledge": explainer.knowledge,
        },
    }


def _rule(name: str, policies: Policies) -> dict[str, object]:
    """Where a rule stands and what it says; a name of the engine's own has no file."""
    rule = policies.rules.get(name)
    return {
        "effect": rule.effect if rule else "escalate",
        "file": rule.file if rule else None,
        "line": rule.line if rule else None,
        "reason": reason_of(name, policies),
    }


def _lines(inquiry: Inquiry, explained: Explanation, policies: Policies) -> Iterator[str]:
    read, decision = explained.understanding, explained.decision
    masked = f", {explained.redactions} secret(s) masked" if explained.redactions else ""
    yield f"Message     {' '.join(read.text.split())}"
    yield f"            language {read.language}, at {inquiry.at.isoformat()}{masked}"
    yield from _columns("Recognised", _recognised(explained))
    yield from _columns("Facts", _facts(explained.request))
    for ruling in decision.rulings:
        yield from _columns("Ruling", _ruling(ruling, explained.request, policies))
    yield from _columns("Decision", _decision(decision))
    yield from _columns("Receipt", _receipt(decision))


def _columns(name: str, texts: Iterator[str]) -> Iterator[str]:
    for number, text in enumerate(texts):
        yield f"{name if number == 0 else '':<11} {text}"


def _recognised(explained: Explanation) -> Iterator[str]:
    if not explained.understanding.actions:
        yield "no action: a plain question"
    for seen in explained.understanding.actions:
        yield f'{seen.action}  confidence {seen.confidence:.2f}  in "{" ".join(seen.segment.split())}"'


def _facts(request: PolicyRequest) -> Iterator[str]:
    facts = {**request.asker.model_dump(), **request.situation.model_dump()}
    for name, value in facts.items():
        yield f"{'asker' if name == 'id' else name:<17} {_fact(value)}"


def _fact(value: object) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return (", ".join(map(str, value)) or "none") if isinstance(value, tuple) else str(value)


def _ruling(ruling: Ruling, request: PolicyRequest, policies: Policies) -> Iterator[str]:
    relations = sorted({a.relation for a in request.actions if a.action == ruling.action})
    whom = f" for {' and '.join(relations)}" if relations else ""
    yield f"{ruling.action}{whom}: {ruling.effect}{_route(ruling.queue, ruling.priority)}"
    for name in ruling.rules:
        rule = policies.rules.get(name)
        where = f"{rule.file}:{rule.line}" if rule else "the engine itself"
        yield f"  by {name}  {where}  {reason_of(name, policies)}"
    if ruling.mandatory_class:
        yield f"  mandatory class {ruling.mandatory_class}"
    yield f'  the employee reads: "{ruling.say}"'


def _decision(decision: Decision) -> Iterator[str]:
    yield f"{decision.effect}{_route(decision.queue, decision.priority)}"
    yield f"reason: {decision.reason}"


def _route(queue: str | None, priority: str | None) -> str:
    return f", queue {queue}, priority {priority}" if queue else ""


def _receipt(decision: Decision) -> Iterator[str]:
    yield f"policy {decision.policy_version}"
    yield f"input  {decision.input_hash}"
    yield f"rules  {', '.join(decision.rules)}"
