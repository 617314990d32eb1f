"""`copilot policy explain`: what would be decided about a message, and by which rules."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import click

from copilot.conversation import Inquiry
from copilot.explaining import Explanation
from integrations.commands.failures import plain
from integrations.home import Home, HomeOwnedError
from integrations.progress import Progress
from integrations.settings import Settings
from policies.engine import Policies, reason_of
from policies.model import Decision, PolicyRequest, Ruling

if TYPE_CHECKING:
    from integrations.wiring import App

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
    async with _opened(Settings() if home is None else Settings(home=home)) as app:
        asker = app.default_user if user is None else user
        inquiry = Inquiry.model_validate({**given, "user": asker, "at": at or app.clock()})
        explained = await app.explain(inquiry)
        document = _document(inquiry, explained, app)
        lines = list(_lines(inquiry, explained, app.policies))
    if as_json:
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        click.echo(plain("\n".join(lines)))
    return 0


@asynccontextmanager
async def _opened(settings: Settings) -> "AsyncIterator[App]":
    """The copilot for reading: of a free home, or beside the server that owns it."""
    from integrations.wiring import open_app
    from knowledge.versions import read_pointer

    place = Home.at(settings.home)
    progress = Progress.to_terminal()
    try:
        with place.owned(wait_seconds=settings.owner_seconds):
            app = await open_app(settings, progress=progress, recover=False)
    except HomeOwnedError as owned:
        if owned.url is None or read_pointer(place.index) is None:
            raise
        app = await open_app(settings, progress=progress, recover=False)
    try:
        yield app
    finally:
        await app.close()


def _document(inquiry: Inquiry, explained: Explanation, app: "App") -> dict[str, object]:
    read, decision = explained.understanding, explained.decision
    return {
        "text": read.text,
        "language": read.language,
        "redactions": explained.redactions,
        "user": inquiry.user,
        "at": inquiry.at.isoformat(),
        "recognised": [
            {"action": seen.action, "confidence": round(seen.confidence, 4), "in": seen.segment}
            for seen in read.actions
        ],
        "request": explained.request.model_dump(mode="json"),
        "decision": decision.model_dump(mode="json"),
        "rules": {name: _rule(name, app.policies) for name in decision.rules},
        "receipt": {
            "policy": decision.policy_version,
            "input_hash": decision.input_hash,
            "rules": list(decision.rules),
            "knowledge": app.library.version,
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
