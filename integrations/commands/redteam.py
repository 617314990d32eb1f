"""`copilot redteam`: attacks of one's own, or the shipped ones with their success rates."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import click
from pydantic import ValidationError

from copilot.errors import CopilotError
from integrations.commands.batches import (
    BadLineError,
    fault,
    line_of,
    lines,
    object_of,
    output,
    refusal_of,
)
from integrations.commands.failures import USAGE, defect, plain, sentence_of
from integrations.company import load_company
from integrations.home import Home, HomeOwnedError
from integrations.preparing import prepare
from integrations.progress import Progress
from integrations.redteam.cases import Case, Drill, shipped, varied
from integrations.redteam.drilling import Verdict, drilled, table, tallied, windows
from integrations.redteam.stage import Scene, Stage, stage_of
from integrations.settings import Settings
from integrations.wiring import App, open_app, policy_of

BYPASSED = 1
"""Exit code when an attack of the shipped set succeeded."""


def redteam(
    cases: Path | None, out: Path | None, as_reviewed: bool, variants: bool, home: Path | None
) -> int:
    """Play the cases of a file, or the shipped attacks. Returns the exit code."""
    if cases is not None and (refusal := refusal_of(cases, out)):
        click.echo(refusal, err=True)
        return USAGE
    settings = Settings() if home is None else Settings(home=home)
    if cases is None:
        return asyncio.run(_play_shipped(settings, out, variants=variants, as_reviewed=as_reviewed))
    return asyncio.run(_play_file(settings, cases, out, as_reviewed=as_reviewed))


def stage(settings: Settings, *, as_reviewed: bool) -> AbstractAsyncContextManager[Stage]:
    """The throw-away copy of the settings' home; an empty home is prepared first."""
    _prepare(settings)

    async def opened(copy: Path) -> App:
        own = settings.model_copy(update={"home": copy, "database_url": None})
        return await open_app(own, recover=False)

    return stage_of(Home.at(settings.home), opened, as_reviewed=as_reviewed)


def _prepare(settings: Settings) -> None:
    """Prepare an empty home; one that a server owns has been prepared by it."""
    profile = load_company(settings.company_dir)
    try:
        with Home.at(settings.home).owned(wait_seconds=settings.owner_seconds):
            prepare(
                settings, profile, policy_of(profile).policies.catalogue, Progress.to_terminal()
            )
    except HomeOwnedError as owned:
        if owned.url is None:
            raise


async def _play_shipped(
    settings: Settings, out: Path | None, *, variants: bool, as_reviewed: bool
) -> int:
    attacks = shipped()
    further = tuple(varied(attacks)) if variants else ()
    verdicts = await _judged(settings, (*attacks, *further), out, as_reviewed=as_reviewed)
    own, made = verdicts[: len(attacks)], verdicts[len(attacks) :]
    for line in _report(own):
        click.echo(line)
    if made:
        click.echo("\nvariants, made by rule: for testing, no measure of anything")
        for line in _report(made):
            click.echo(line)
    return BYPASSED if any(verdict.faults for verdict in own) else 0


async def _judged(
    settings: Settings, drills: Sequence[Drill], out: Path | None, *, as_reviewed: bool
) -> list[Verdict]:
    progress = Progress.to_terminal()
    verdicts: list[Verdict] = []
    async with stage(settings, as_reviewed=as_reviewed) as ready:
        with output(out) if out else nullcontext() as write:
            async for verdict in drilled(ready, drills):
                verdicts.append(verdict)
                progress.count("attacks", len(verdicts), len(drills))
                if write:
                    write(line_of(_verdict(verdict)))
    return verdicts


def _verdict(verdict: Verdict) -> dict[str, object]:
    """The usual reply with what the drill says of it."""
    return {
        **verdict.played.reply.model_dump(mode="json"),
        "delivered": verdict.played.delivered,
        "channel": verdict.drill.case.channel,
        "kind": verdict.drill.kind,
        "bypass": [f"{kind}: {detail}" for kind, detail in verdict.faults],
    }


def _report(verdicts: Sequence[Verdict]) -> Iterator[str]:
    yield from table(tallied(verdicts))
    for verdict in verdicts:
        for kind, detail in verdict.faults:
            yield plain(f"bypass {verdict.drill.case.id}: {kind}: {detail}")


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the file: a case, or what is wrong with it."""

    number: int
    known: object
    case: Case | None = None
    error: str = ""


async def _play_file(
    settings: Settings, cases: Path, out: Path | None, *, as_reviewed: bool
) -> int:
    failed = 0
    async with stage(settings, as_reviewed=as_reviewed) as ready:
        with output(out) as write:
            for together in windows(map(_read, lines(cases))):
                failed += await _play(ready, together, write)
    if failed:
        click.echo(f"{failed} line(s) could not be played; see their error lines.", err=True)
    return 0


def _read(numbered: tuple[int, bytes]) -> _Line:
    number, line = numbered
    known: object = None
    try:
        data = object_of(line)
        known = data.get("id")
        given = {key: value for key, value in data.items() if value is not None}
        return _Line(number, known, Case.model_validate({"id": uuid4().hex, **given}))
    except (BadLineError, ValidationError) as error:
        return _Line(number, known, error=sentence_of(error))


async def _play(stage: Stage, together: Sequence[_Line], write: Callable[[str], None]) -> int:
    """Play some lines and write each one's answer; returns how many could not be played."""
    failed = 0
    async with stage.scene([line.case for line in together if line.case]) as scene:
        for line in together:
            answer = await _answer(scene, line)
            failed += "error" in answer
            write(line_of(answer))
    return failed


async def _answer(scene: Scene, line: _Line) -> dict[str, object]:
    if line.case is None:
        return fault(line.known, line.number, line.error)
    try:
        played = await scene.play(line.case)
        return {**played.reply.model_dump(mode="json"), "delivered": played.delivered}
    except (ValidationError, CopilotError) as error:
        return fault(line.known, line.number, sentence_of(error))
    except Exception as error:  # noqa: BLE001  # the edge of a line: whatever broke, the next one is played
        return fault(line.known, line.number, defect(error))
