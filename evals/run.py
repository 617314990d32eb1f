"""Asks systems the cases of a suite: side by side, at their own pace, and so that nothing is lost.

A failure keeps its cause as a row. A system that fails in the same hopeless way from case to case (no such address, no
right, nothing readable) is asked no more, and those rows are not kept: mend it and resume.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from evals.caching import Cache
from evals.case import Case
from evals.environment import Variables
from evals.episode import Episode
from evals.results import Key, Rows
from evals.suite import Suite
from evals.systems.config import Opening, Spec, opened
from evals.systems.system import HopelessError, Played, PlayError, System, ask_of


class Watch(Protocol):
    """Whoever is told how it goes."""

    def began(self, rows: int) -> None:
        """So many rows are to be asked for now."""

    def recorded(self, episode: Episode) -> None:
        """A row was written."""

    def said(self, line: str) -> None:
        """Something that a person should know."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be asked."""

    suite: Suite
    specs: tuple[Spec, ...]
    epochs: int
    known: frozenset[str]
    """Ids of all cases of the whole suite."""
    concurrency: int = 4
    """Cases that one remote system is asked at the same time. Local ones are asked one by one."""

    def pending(self, spec: Spec, done: frozenset[Key]) -> list[tuple[int, Case]]:
        """Epoch by epoch, so that a run that is broken off has seen every case."""
        return [
            (epoch, case)
            for epoch in range(self.epochs)
            for case in self.suite.cases
            if (spec.name, case.id, epoch) not in done
        ]


@dataclass(slots=True)
class Outcome:
    """What came of the asking."""

    stopped: dict[str, str] = field(default_factory=dict)
    """Systems that were given up, with the cause."""
    versions: dict[str, dict[str, str]] = field(default_factory=dict)


async def ask_all(
    plan: Plan,
    rows: Rows,
    cache: Cache,
    variables: Variables,
    watch: Watch,
    *,
    but_failed: bool = False,
) -> Outcome:
    """Ask what is not there yet. Raises `SystemConfigError` before anything is asked of a system."""
    done = rows.done(but_failed=but_failed)
    waiting = [(spec, pending) for spec in plan.specs if (pending := plan.pending(spec, done))]
    watch.began(sum(len(pending) for _, pending in waiting))
    outcome = Outcome()
    opening = Opening(plan.suite, plan.known, variables)

    async def one(spec: Spec, pending: list[tuple[int, Case]]) -> None:
        at_once = plan.concurrency if spec.remote else 1
        async with opened(spec, opening) as system:
            outcome.versions[spec.name] = getattr(system, "versions", {})
            asking = Asking(plan.suite, spec, system, rows, cache, watch)
            await asking.all(pending, at_once)
            if asking.streak.stopped:
                outcome.stopped[spec.name] = asking.streak.cause

    # Those that compute here come first and alone, so that nothing else is in their times.
    for spec, pending in waiting:
        if not spec.remote:
            await one(spec, pending)
    async with _together() as tasks:
        for spec, pending in waiting:
            if spec.remote:
                tasks.create_task(one(spec, pending))
    return outcome


@asynccontextmanager
async def _together() -> AsyncIterator[asyncio.TaskGroup]:
    """Tasks of which the first failure ends all; that failure is raised as it is."""
    try:
        async with asyncio.TaskGroup() as tasks:
            yield tasks
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from group


@dataclass(slots=True)
class _Streak:
    """Hopeless failures in a row, held back until it is known whether the system answers at all."""

    limit: int
    held: list[Episode] = field(default_factory=list)
    alive: bool = False
    stopped: bool = False

    @property
    def cause(self) -> str:
        return (self.held[-1].cause if self.held else None) or "No cause is known."

    def take(self, episode: Episode, *, hopeless: bool) -> list[Episode]:
        """The rows that can be written now."""
        if hopeless:
            self.held.append(episode)
            self.stopped = self.stopped or len(self.held) >= self.limit
            return []
        self.alive = True
        return [*self._released(), episode]

    def end(self) -> list[Episode]:
        """What is still held: failures like others where the system ever answered, else none of them counts."""
        if self.held and not self.alive:
            self.stopped = True
        return self._released() if self.alive else []

    def _released(self) -> list[Episode]:
        held, self.held = self.held, []
        return held


@dataclass(slots=True)
class Asking:
    """One system and the cases it is asked."""

    suite: Suite
    spec: Spec
    system: System
    rows: Rows
    cache: Cache
    watch: Watch
    streak: _Streak = field(init=False)

    def __post_init__(self) -> None:
        self.streak = _Streak(self.spec.gives_up_after)

    async def all(self, pending: Sequence[tuple[int, Case]], at_once: int) -> None:
        queue = iter(pending)
        if at_once == 1:
            await self._worker(queue)
        else:
            async with _together() as tasks:
                for _ in range(min(at_once, len(pending))):
                    tasks.create_task(self._worker(queue))
        self._write(self.streak.end())

    async def _worker(self, queue: Iterator[tuple[int, Case]]) -> None:
        for epoch, case in queue:
            if self.streak.stopped:
                return
            episode, hopeless = await self._episode(case, epoch)
            self._write(self.streak.take(episode, hopeless=hopeless))

    def _write(self, episodes: Sequence[Episode]) -> None:
        for episode in episodes:
            self.rows.append(episode)
            self.watch.recorded(episode)

    async def _episode(self, case: Case, epoch: int) -> tuple[Episode, bool]:
        """The row of a case, and whether its failure is hopeless."""
        try:
            played = await self._played(case, epoch)
        except PlayError as error:
            row = self._row(case, epoch, Played(error.exchanges, attempts=error.attempts))
            failed = row.model_copy(update={"status": error.status, "cause": str(error)})
            return failed, isinstance(error, HopelessError)
        except Exception as error:  # noqa: BLE001  # the edge of a case: whatever broke, the next one is asked
            cause = f"{type(error).__name__}: {error}"
            row = self._row(case, epoch, Played(()))
            return row.model_copy(update={"status": "harness_error", "cause": cause}), False
        return self._row(case, epoch, played), False

    async def _played(self, case: Case, epoch: int) -> Played:
        ask = ask_of(self.suite, case, epoch)
        if not self.spec.caches:
            return await self.system.play(ask)
        kept = self.cache.get(self.spec.hash, ask)
        if kept is None:
            kept = await self.system.play(ask)
            self.cache.put(self.spec.hash, ask, kept)
        return kept

    def _row(self, case: Case, epoch: int, played: Played) -> Episode:
        return Episode(
            suite=self.suite.hash,
            case=case.id,
            system=self.spec.name,
            epoch=epoch,
            status="ok",
            exchanges=played.exchanges,
            delivered=played.delivered,
            attempts=played.attempts,
            cached=played.cached,
        )
