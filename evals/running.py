"""What `evals run` and `evals regrade` do: the parts put together."""

import asyncio
import shlex
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evals import environment
from evals.caching import Cache
from evals.case import Split
from evals.errors import RunError, SystemConfigError
from evals.progress import Terminal
from evals.results import (
    EPISODES,
    RUN,
    SUMMARY,
    Rows,
    Run,
    SystemRun,
    order_of,
    rubric_hash,
    said_hash,
)
from evals.run import Outcome, Plan, ask_all
from evals.suite import Suite, load, named
from evals.systems.config import Spec, specs

if TYPE_CHECKING:
    from evals.judge import ModelJudge

COMPLETE, UNUSABLE, STOPPED = 0, 3, 130
_VERDICTS = "verdicts.jsonl"


@dataclass(frozen=True, slots=True)
class Options:
    """The options of `evals run`, as they are documented there."""

    suite: str | None
    systems: tuple[str, ...]
    epochs: int
    concurrency: int
    split: Split | None
    limit: int | None
    out: Path | None
    resume: Path | None
    retry_failed: bool
    cache: Path | None
    no_cache: bool
    judge: str | None
    dry_run: bool
    no_grade: bool


def run(options: Options) -> int:
    """Ask, grade and summarise. Returns the exit code."""
    job = _resumed(options, options.resume) if options.resume else _begun(options)
    if options.dry_run:
        _estimate(job)
        return COMPLETE
    terminal = Terminal()
    with _rows(job, terminal) as rows:
        try:
            outcome = asyncio.run(_ask(job, rows, terminal))
        except KeyboardInterrupt:
            terminal.ended()
            total = len(order_of(job.suite, job.names, job.run.epochs))
            click.echo(
                f"\nStopped with {len(rows.places)} of {total} rows; every one of them is kept. "
                f"Go on with: {_resume(job.folder)}",
                err=True,
            )
            return STOPPED
    terminal.ended()
    return _ended(job, outcome, options)


def regrade(folder: Path, suite: str | None, judge: str | None, reference: str | None) -> None:
    """Grade and summarise a run's rows again."""
    from evals.finishing import selected, still_said

    told = Run.read(folder)
    chosen = selected(load(named(suite or told.suite)), told)
    if note := still_said(chosen, told):
        click.echo(note, err=True)
    _finish(folder, chosen, told, judge, reference)


@dataclass(frozen=True, slots=True)
class _Job:
    """One call of `evals run`."""

    folder: Path
    run: Run
    suite: Suite
    plan: Plan
    cache: Cache
    retry_failed: bool

    @property
    def names(self) -> list[str]:
        return [system.name for system in self.run.systems]


def _begun(options: Options) -> _Job:
    from evals.finishing import selected

    if not options.systems:
        raise SystemConfigError(
            "No system is named. Add --system copilot, --system calibrating, or --system FILE.yaml."
        )
    started = _now()
    whole = load(named(options.suite))
    chosen = specs(options.systems)
    folder = options.out or Path("runs") / f"{whole.header.name}-{started:%Y%m%d-%H%M%S}"
    if (folder / RUN).exists():
        raise RunError(
            f"{folder} holds a run already. Go on with it: {_resume(folder)}; or name another --out."
        )
    asked = Run(
        suite=str(whole.folder),
        suite_name=whole.header.name,
        suite_hash="",
        said_hash="",
        rubric_hash=rubric_hash(whole),
        split=options.split,
        limit=options.limit,
        blocked=_blocked(whole),
        systems=tuple(_described(spec) for spec in chosen),
        epochs=options.epochs,
        seed=whole.header.seed,
        versions=_versions(),
        command=shlex.join(["evals", *sys.argv[1:]]),
        started=started,
    )
    suite = selected(whole, asked)
    if not suite.cases:
        raise RunError(
            "No case is left to ask: none is of that split, or all of it are blocked. "
            "Leave --split out, or settle them in the suite's labels."
        )
    asked = asked.model_copy(update={"suite_hash": suite.hash, "said_hash": said_hash(suite)})
    return _job(options, folder, asked, suite, whole, chosen)


def _resumed(options: Options, folder: Path) -> _Job:
    from evals.finishing import selected

    said = {
        "--system": options.systems,
        "--out": options.out,
        "--split": options.split,
        "--limit": options.limit,
        "--epochs": options.epochs > 1,
    }
    if given := [name for name, value in said.items() if value]:
        raise RunError(
            f"--resume goes on with what {folder} asks. Leave {', '.join(given)} out, or begin a new run without --resume."
        )
    asked = Run.read(folder)
    whole = load(named(options.suite or asked.suite))
    suite = selected(whole, asked)
    if suite.hash != asked.suite_hash:
        raise RunError(
            f"The suite {whole.folder} has changed since {folder} was begun ({asked.suite_hash[:12]}, now "
            f"{suite.hash[:12]}). Put it back, or begin a new run; replies that were kept are not asked for again."
        )
    chosen = specs([system.source for system in asked.systems])
    for before, spec in zip(asked.systems, chosen, strict=True):
        if before.hash != spec.hash:
            raise RunError(
                f"The system '{before.name}' ({spec.source}) has changed since {folder} was begun. "
                "Put its file back, or begin a new run."
            )
    return _job(options, folder, asked, suite, whole, chosen)


def _job(
    options: Options, folder: Path, asked: Run, suite: Suite, whole: Suite, chosen: tuple[Spec, ...]
) -> _Job:
    known = frozenset(case.id for case in whole.cases)
    plan = Plan(suite, chosen, asked.epochs, known, options.concurrency)
    kept = None if options.no_cache else options.cache or folder.parent / "replies"
    return _Job(folder, asked, suite, plan, Cache(kept), options.retry_failed)


@contextmanager
def _rows(job: _Job, terminal: Terminal) -> Iterator[Rows]:
    """The rows of the run, which no other process writes meanwhile."""
    from filelock import FileLock, Timeout

    job.folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(job.folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise RunError(
            f"Another process writes to {job.folder}. Wait for it, or stop it."
        ) from None
    try:
        job.run.write(job.folder)
        rows = Rows.opened(job.folder, suite=job.suite.hash)
        if rows.dropped:
            terminal.said(rows.dropped)
        try:
            yield rows
        finally:
            rows.close()
    finally:
        lock.release()


async def _ask(job: _Job, rows: Rows, terminal: Terminal) -> Outcome:
    outcome = await ask_all(
        job.plan,
        rows,
        job.cache,
        environment.variable,
        terminal,
        but_failed=job.retry_failed,
    )
    rows.put_in_order(order_of(job.suite, job.names, job.run.epochs))
    return outcome


def _ended(job: _Job, outcome: Outcome, options: Options) -> int:
    """Say what came of it, and grade what is complete."""
    asked = job.run.model_copy(
        update={
            "systems": tuple(
                each.model_copy(update={"versions": outcome.versions.get(each.name, each.versions)})
                for each in job.run.systems
            )
        }
    )
    asked.write(job.folder)
    for name, cause in outcome.stopped.items():
        click.echo(
            f"'{name}' was asked no more after failures in a row: {cause} "
            f"What it was not asked is not recorded. Mend it, then: {_resume(job.folder)}",
            err=True,
        )
    if outcome.stopped:
        return UNUSABLE
    counted = _counted(job.folder)
    told = ", ".join(f"{number} {status}" for status, number in counted.most_common())
    click.echo(f"{job.folder / EPISODES}: {told}", err=True)
    if not options.no_grade:
        _finish(job.folder, job.suite, asked, options.judge, None)
    click.echo(str(job.folder))
    if counted["ok"]:
        return COMPLETE
    click.echo("No system answered anything; the rows say why. Mend it and run again.", err=True)
    return UNUSABLE


def _finish(
    folder: Path, suite: Suite, asked: Run, judge: str | None, reference: str | None
) -> None:
    from evals import finishing, subject
    from evals.sources import Register

    reader = _judge(judge, folder, asked)
    number = finishing.grade(folder, suite, Register(subject.register()), reader)
    finishing.summarise(folder, suite, asked, judge=judge, reference=reference)
    click.echo(f"{number} rows graded; the figures are in {folder / SUMMARY}.", err=True)


def _judge(name: str | None, folder: Path, asked: Run) -> "ModelJudge | None":
    if name is None:
        return None
    from evals import subject
    from evals.judge import ModelJudge, Verdicts

    hidden = tuple(system.name for system in asked.systems)
    verdicts = Verdicts(folder / _VERDICTS)
    return ModelJudge(subject.chat_model(name), name=name, hidden=hidden, verdicts=verdicts)


def _estimate(job: _Job) -> None:
    from evals.estimating import estimates

    done = frozenset[tuple[str, str, int]]()
    if (job.folder / EPISODES).exists():
        rows = Rows.opened(job.folder, suite=job.suite.hash)
        done = rows.done(but_failed=job.retry_failed)
        rows.close()
    total = 0.0
    for each in estimates(job.plan, job.cache, done):
        kept = f", {each.cached} of them kept" if each.cached else ""
        click.echo(
            f"{each.system}: {each.cases} cases{kept}, {each.turns} calls at most, ${each.usd:.2f} ({each.note})"
        )
        total += each.usd
    click.echo(f"Together ${total:.2f}. Nobody was asked.")


def _counted(folder: Path) -> Counter[str]:
    """How many rows of each status."""
    from evals.results import episodes

    return Counter(episode.status for episode in episodes(folder))


def _blocked(suite: Suite) -> tuple[str, ...]:
    """Cases that can't be asked for their labels, and a line that says so."""
    from evals import adjudication
    from evals.labels import FOLDER

    if not (suite.folder / FOLDER).is_dir():
        click.echo("labels: one set only, so nothing shows how far annotators agree.", err=True)
    blocked = tuple(adjudication.blocked(suite))
    if blocked:
        click.echo(
            f"Blocked and left out: {len(blocked)} of {len(suite.cases)} cases, for their label passes differ and "
            f"nobody has settled it: {', '.join(blocked)}. `evals check` says what differs.",
            err=True,
        )
    return blocked


def _described(spec: Spec) -> SystemRun:
    return SystemRun(name=spec.name, kind=spec.kind, source=spec.source, hash=spec.hash)


def _versions() -> dict[str, str]:
    python = ".".join(map(str, sys.version_info[:3]))
    return {"evals": version("it-support-copilot"), "python": python}


def _resume(folder: Path) -> str:
    return shlex.join(["evals", "run", "--resume", str(folder)])


def _now() -> datetime:
    from datetime import UTC

    return datetime.now(UTC)  # noqa: TID251  # when a run was begun
