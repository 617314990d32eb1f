"""`copilot outcomes`: what became of conversations, and who would count them as deflected."""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import get_args

import click

from integrations.clock import wall_clock
from integrations.home import Home
from integrations.outcomes.deciding import Outcome, decide, is_deflected
from integrations.outcomes.definitions import DEFINITIONS
from integrations.outcomes.log import Case
from integrations.outcomes.rates import Rate
from integrations.outcomes.reading import cases
from integrations.settings import OutcomeSettings, Settings
from integrations.store.database import Database

_OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)


def outcomes(
    home: Path | None,
    *,
    definitions: bool,
    as_json: bool,
    since: datetime | None,
    until: datetime | None,
    out: Path | None,
) -> int:
    """Print tables, or write the records with `out`."""
    settings = Settings() if home is None else Settings(home=home)
    window = timedelta(days=OutcomeSettings().window_days)
    found = asyncio.run(_read(settings, since, until))
    if out is not None:
        with out.open("w", encoding="utf-8") as lines:
            lines.writelines(f"{json.dumps(_record(case, window))}\n" for case in found)
        click.echo(f"{len(found)} records are in {out}.")
    elif definitions:
        _print_definitions(found, as_json=as_json)
    else:
        _print_outcomes(found, window, as_json=as_json)
    return 0


async def _read(settings: Settings, since: datetime | None, until: datetime | None) -> list[Case]:
    database = await Database.open(settings.database_url or Home.at(settings.home).records_url)
    try:
        return await cases(database, since=since, until=until)
    finally:
        await database.close()


def _print_definitions(found: Sequence[Case], *, as_json: bool) -> None:
    rows = []
    for each in DEFINITIONS:
        among = [case for case in found if each.among(case)]
        rows.append((each, Rate(sum(map(each.wins, among)), len(among))))
    if as_json:
        told = [
            {
                "name": each.name,
                "wins": rate.wins,
                "among": rate.among,
                "rate": rate.value,
                "interval": rate.interval,
                "rule": each.rule,
                "window": each.window,
                "source": each.source,
                "caveat": each.caveat,
            }
            for each, rate in rows
        ]
        click.echo(json.dumps(told, indent=2))
        return
    click.echo("The same conversations, counted by each definition (95 % Wilson interval).\n")
    for each, rate in rows:
        click.echo(f"{each.name:<24} {rate}")
        click.echo(f"{'':<25}{each.rule} ({each.window}; {each.source})")
        if each.caveat:
            click.echo(f"{'':<25}{each.caveat}")
    click.echo("\nRules as read in the vendors' documentation; check before quoting.")


def _print_outcomes(found: Sequence[Case], window: timedelta, *, as_json: bool) -> None:
    now = wall_clock()
    decided = [(case, decide(case, window)) for case in found]
    counts = Counter(each.outcome for _, each in decided)
    tickets = [case.talk for case in found if case.talk.ticket is not None]
    rated = [talk.handoff_complete for talk in tickets if talk.handoff_complete is not None]
    minutes = [talk.minutes for talk in tickets if talk.minutes is not None]
    told = {
        "conversations": len(found),
        "outcomes": {name: counts[name] for name in _OUTCOMES},
        "window_open": sum(each.is_open(now) for _, each in decided),
        "deflected": sum(is_deflected(case, window) for case in found),
        "tickets": len(tickets),
        "tickets_closed": sum(talk.has("closed") for talk in tickets),
        "tickets_reopened": sum(talk.has("reopened") for talk in tickets),
        "tier2_minutes": sum(minutes),
        "tickets_with_minutes": len(minutes),
        "handoffs_rated": len(rated),
        "handoffs_complete": sum(rated),
    }
    if as_json:
        click.echo(json.dumps(told, indent=2))
        return
    click.echo(
        f"{len(found)} conversations; of {told['window_open']} the outcome may still change.\n"
    )
    for name in _OUTCOMES:
        click.echo(f"{name:<12} {Rate(counts[name], len(found))}")
    click.echo(
        f"\n{'deflected':<12} {Rate(sum(is_deflected(c, window) for c in found), len(found))}"
    )
    click.echo(
        f"tickets: {told['tickets']}, closed {told['tickets_closed']}, reopened {told['tickets_reopened']}; "
        f"{told['tier2_minutes']} minutes of tier 2 on {told['tickets_with_minutes']}; "
        f"{told['handoffs_complete']} of {told['handoffs_rated']} rated handoffs complete"
    )
    _print_topics(decided)


def _print_topics(decided: Sequence[tuple[Case, object]]) -> None:
    topics: dict[str, Counter[str]] = {}
    for case, each in decided:
        topic = (case.talk.label or "unclear").partition(".")[0]
        topics.setdefault(topic, Counter())[str(getattr(each, "outcome", ""))] += 1
    if topics:
        click.echo(f"\n{'topic':<20}" + "".join(f"{name:>11}" for name in _OUTCOMES))
    for topic in sorted(topics, key=lambda name: (-topics[name].total(), name)):
        click.echo(f"{topic:<20}" + "".join(f"{topics[topic][name]:>11}" for name in _OUTCOMES))


def _record(case: Case, window: timedelta) -> dict[str, object]:
    """One record, with what decided it. Without a text."""
    decided, talk = decide(case, window), case.talk
    return {
        "thread": talk.thread_id,
        "user": talk.user,
        "started_at": talk.started_at.isoformat(),
        "label": talk.label,
        "outcome": decided.outcome,
        "because": decided.because,
        "decided_at": decided.at.isoformat(),
        "open_until": decided.open_until.isoformat(),
        "deflected": is_deflected(case, window),
        "returned_at": case.returned_at.isoformat() if case.returned_at else None,
        "ticket": talk.ticket,
        "resolution": talk.resolution,
        "tier2_minutes": talk.minutes,
        "handoff_complete": talk.handoff_complete,
        "versions": dict(talk.versions),
        "events": [{"kind": event.kind, "at": event.at.isoformat()} for event in talk.events],
    }
