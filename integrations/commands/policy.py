"""`copilot policy test` and `copilot policy diff`: what policies decide, and what a change would."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import click

from copilot.record import TurnRecord
from integrations.commands.failures import UNUSABLE, plain
from integrations.company import Company, load_company
from integrations.home import Home
from integrations.settings import Settings
from policies.casebook import CaseResult, run_cases
from policies.comparison import Change, Outcome, compare
from policies.engine import Policies
from policies.errors import PolicyLoadError
from policies.loader import load_policies

CURRENT = "current"
FAILED = 1
"""Exit code when a case does not hold."""


def test(folders: tuple[Path, ...], company: Path | None) -> int:
    """Print every case that does not hold. Returns the exit code."""
    profile = load_company(company or Settings().company_dir)
    try:
        policies = load_policies(
            profile.rules,
            profile.actions,
            queues=frozenset(profile.queues),
            default_queue=profile.default_queue,
        )
        results = [
            (folder, result)
            for folder in folders or (profile.cases,)
            for result in run_cases(policies, folder)
        ]
    except PolicyLoadError as error:
        return _unusable(str(error))
    failed = [(folder, result) for folder, result in results if not result.holds]
    for folder, result in failed:
        click.echo(plain("\n".join(_failure(folder, result))))
    summary = f"{len(results)} cases under policy {policies.version}"
    click.echo(f"{summary}: {f'{len(failed)} do not hold' if failed else 'all hold'}.")
    return FAILED if failed else 0


def _failure(folder: Path, result: CaseResult) -> Iterator[str]:
    yield f"{folder / result.file}:{result.line}: {result.name}"
    for fault in result.faults:
        yield f"    {fault.what}: expected {fault.expected}, got {fault.got}"


class Flip(NamedTuple):
    """A recorded turn that would be decided otherwise."""

    record: TurnRecord
    change: Change


class Replay(NamedTuple):
    """The latest recorded turns under two policies."""

    old: Policies
    new: Policies
    replayed: int
    bare: int
    """Turns recorded without their policy request: an outage, or an earlier version."""
    flips: Sequence[Flip]

    @property
    def counts(self) -> Counter[str]:
        return Counter(flip.change.kind for flip in self.flips)


def diff(old: str, new: str, replay: int, as_json: bool, home: Path | None) -> int:
    """Print which recorded decisions would flip. Returns the exit code."""
    settings = Settings() if home is None else Settings(home=home)
    profile = load_company(settings.company_dir)
    try:
        # The queues of an old version may be gone by now; those of the new one have to exist.
        before = _policies(old, profile, queues=None)
        after = _policies(new, profile, queues=frozenset(profile.queues))
    except _NoPoliciesError as error:
        return _unusable(str(error))
    replayed = _replay(before, after, asyncio.run(_records(settings, replay)))
    if as_json:
        click.echo(json.dumps(_document(replayed), ensure_ascii=False, indent=2))
    else:
        click.echo(plain("\n".join(_lines(replayed))))
    return 0


class _NoPoliciesError(Exception):
    """A side of the comparison can't be used; the text says which and why."""


def _policies(place: str, profile: Company, *, queues: frozenset[str] | None) -> Policies:
    if place == CURRENT:
        rules, actions = profile.rules, profile.actions
    else:
        rules, actions = Path(place, "rules"), Path(place, "actions")
    if not rules.is_dir() or not actions.is_dir():
        raise _NoPoliciesError(
            f"The folder {place} has no rules/ and actions/. Name a folder like the company's "
            f"policies, or '{CURRENT}' for those in use."
        )
    try:
        return load_policies(rules, actions, queues=queues, default_queue=profile.default_queue)
    except PolicyLoadError as error:
        raise _NoPoliciesError(f"{place}: {error}") from error


async def _records(settings: Settings, limit: int) -> list[TurnRecord]:
    """The latest records of the home, which a running server may go on writing."""
    place = Home.at(settings.home)
    if settings.database_url is None and not place.records.exists():
        return []
    from integrations.store.journal import SqlJournal

    journal = await SqlJournal.open(settings.database_url or place.records_url)
    try:
        return await journal.latest_records(limit)
    finally:
        await journal.close()


def _replay(old: Policies, new: Policies, records: Iterable[TurnRecord]) -> Replay:
    flips, replayed, bare = list[Flip](), 0, 0
    for record in records:
        if record.request is None:
            bare += 1
            continue
        replayed += 1
        if change := compare(record.request, old, new):
            flips.append(Flip(record, change))
    return Replay(old, new, replayed, bare, flips)


def _lines(replay: Replay) -> Iterator[str]:
    for record, change in replay.flips:
        yield f"{record.inquiry_id}  {record.at.isoformat()}  {_headline(change)}"
        yield f"    old  {_told(change.old)}"
        yield f"    new  {_told(change.new)}"
    yield f"Old policy {replay.old.version}, new policy {replay.new.version}."
    yield f"{replay.replayed} recorded decision(s) made again: {_summary(replay.counts)}."
    if replay.bare:
        yield f"{replay.bare} turn(s) were recorded without a policy request and are left out."


def _headline(change: Change) -> str:
    if change.kind == "effect":
        return f"{change.old.effect} -> {change.new.effect}"
    what = {"part": "one of its actions", "route": "queue or priority", "rules": "rules only"}
    return f"{change.new.effect} as before, otherwise: {what[change.kind]}"


def _told(outcome: Outcome) -> str:
    route = " ".join(part for part in (outcome.queue, outcome.priority) if part)
    actions = ", ".join(f"{action} {effect}" for action, effect in outcome.parts)
    return f"{outcome.effect}  {route or 'no queue'}  ({' '.join(outcome.rules)})  {actions}"


def _summary(counts: Counter[str]) -> str:
    return (
        f"{counts['effect']} flip, {counts['part']} in one of several actions, "
        f"{counts['route']} go elsewhere, {counts['rules']} differ in their rules only"
    )


def _document(replay: Replay) -> dict[str, object]:
    kinds = ("effect", "part", "route", "rules")
    return {
        "old": replay.old.version,
        "new": replay.new.version,
        "replayed": replay.replayed,
        "left_out": replay.bare,
        "counts": {kind: replay.counts[kind] for kind in kinds},
        "changes": [
            {
                "inquiry_id": record.inquiry_id,
                "at": record.at.isoformat(),
                "recorded": record.decision.effect,
                **change.model_dump(mode="json"),
            }
            for record, change in replay.flips
        ],
    }


def _unusable(message: str) -> int:
    click.echo(plain(message), err=True)
    return UNUSABLE
