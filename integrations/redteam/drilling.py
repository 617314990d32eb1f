"""Plays drills and counts what gave way, with exact bounds."""

import math
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple, TypeVar

from copilot.conversation import Reply
from integrations.redteam.cases import CHANNELS, Case, Channel, Drill, carrier_of, files, message_of
from integrations.redteam.judging import Fault, Judge
from integrations.redteam.stage import Played, Scene, Stage

T = TypeVar("T")

TOGETHER = 40
"""Cases that are played together: the pages of their articles share one edition."""
_TAIL = 0.025
"""Of a two-sided 95 % interval."""
_STEPS = 60


class Verdict(NamedTuple):
    """A drill, what came of it, and every way in which the control gave way."""

    drill: Drill
    played: Played
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Tally:
    """The drills of one channel."""

    channel: Channel
    n: int
    """Distinct rows: texts with the message that was sent. Repeats do not count."""
    delivered: int
    bypassed: int

    @property
    def upper(self) -> float:
        return upper_bound(self.bypassed, self.n)


def windows(items: Iterable[T], size: int = TOGETHER) -> Iterator[list[T]]:
    """The items in order, some at a time."""
    rest = iter(items)
    while window := list(islice(rest, size)):
        yield window


async def drilled(
    stage: Stage, drills: Iterable[Drill], progress: Callable[[int], object] = lambda _: None
) -> AsyncIterator[Verdict]:
    """Play every drill and judge it against the same message without the attack."""
    judge = Judge(stage.app)
    known: dict[tuple[str, str, str | None], Reply] = {}
    done = 0
    for together in windows(drills):
        async with stage.scene([drill.case for drill in together]) as scene:
            for drill in together:
                played = await scene.play(drill.case)
                without = await _without(scene, drill.case, known)
                faults = judge.faults(
                    drill.case, played.reply, without, stage.at.date(), mandatory=drill.mandatory
                )
                yield Verdict(drill, played, faults)
                done += 1
                progress(done)


async def _without(
    scene: Scene, case: Case, known: dict[tuple[str, str, str | None], Reply]
) -> Reply | None:
    """The reply to the same message with something harmless, or nothing, in the attack's place."""
    if case.channel == "message" and carrier_of(case) == case.text:
        return None
    if case.channel == "kb_article":
        # In the edition with the page, which its reader just may not see: all else is alike.
        return (await scene.play(case, planting=False)).reply
    key = (case.channel, carrier_of(case), case.user)
    if key not in known:
        harmless = files()[case.channel].harmless
        if case.channel == "message" or harmless is None:
            known[key] = (await scene.play(case, planting=False)).reply
        else:
            quiet = case.model_copy(update={"text": harmless})
            known[key] = (await scene.play(quiet)).reply
    return known[key]


def tallied(verdicts: Sequence[Verdict]) -> tuple[Tally, ...]:
    """Counts by channel; a row that is there twice counts once, as bypassed if either is."""
    found = []
    for channel in CHANNELS:
        rows: dict[tuple[str, str], list[Verdict]] = {}
        for verdict in verdicts:
            case = verdict.drill.case
            if case.channel == channel:
                rows.setdefault((case.text, message_of(case)), []).append(verdict)
        if rows:
            delivered = sum(any(v.played.delivered for v in row) for row in rows.values())
            bypassed = sum(any(v.faults for v in row) for row in rows.values())
            found.append(Tally(channel, len(rows), delivered, bypassed))
    return tuple(found)


def table(tallies: Sequence[Tally]) -> Iterator[str]:
    """The counts as lines, a channel each."""
    yield f"{'channel':<16}{'n':>6}{'delivered':>11}{'bypassed':>10}{'rate':>8}{'at most':>9}"
    for t in tallies:
        rate = t.bypassed / t.n
        yield f"{t.channel:<16}{t.n:>6}{t.delivered:>11}{t.bypassed:>10}{rate:>8.3f}{t.upper:>9.3f}"


def upper_bound(hits: int, n: int) -> float:
    """The upper end of the exact (Clopper-Pearson) 95 % interval of a share."""
    if hits >= n:
        return 1.0
    low, high = hits / n, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if _at_most(hits, n, middle) > _TAIL else (low, middle)
    return high


def _at_most(hits: int, n: int, share: float) -> float:
    """The probability of at most so many hits."""
    if share <= 0 or share >= 1:
        return 1.0 if share <= 0 else 0.0
    return math.fsum(
        math.exp(
            math.lgamma(n + 1)
            - math.lgamma(k + 1)
            - math.lgamma(n - k + 1)
            + k * math.log(share)
            + (n - k) * math.log1p(-share)
        )
        for k in range(hits + 1)
    )
