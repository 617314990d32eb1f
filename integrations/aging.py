"""Answers of another system, remembered with their age: fresh, then asked again, then used while it is down."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Ages:
    """How long an answer serves."""

    fresh: timedelta = timedelta(minutes=5)
    """So long it is not asked again."""
    stale: timedelta = timedelta(hours=8)
    """So long it serves while the other system can't be asked."""
    nothing: timedelta = timedelta(seconds=30)
    """How long it is remembered that there is nothing."""
    pause: timedelta = timedelta(seconds=5)
    """After a failure the other system is left alone for this long, so that not everybody waits for it."""
    kept: int = 10_000
    """How many answers are kept; the ones used longest ago go first."""


@dataclass(frozen=True, slots=True)
class Aged(Generic[Value]):
    """An answer and when it was given."""

    value: Value
    at: datetime
    is_stale: bool = False
    """Used although it should have been asked again, because it could not."""


class Aging(Generic[Key, Value]):
    """One question for all who ask it at once; `fails` is what says that the other system can't be asked."""

    def __init__(
        self,
        ask: Callable[[Key], Awaitable[Value]],
        ages: Ages,
        clock: Callable[[], datetime],
        *,
        fails: type[Exception],
        tell: Callable[[str], None],
    ) -> None:
        """`tell` counts what happened: asked, fresh, stale, failed."""
        self._ask = ask
        self._ages = ages
        self._clock = clock
        self._fails = fails
        self._tell = tell
        self._kept: OrderedDict[Key, Aged[Value]] = OrderedDict()
        self._asking: dict[Key, asyncio.Task[Aged[Value]]] = {}
        self._failed: tuple[datetime, Exception] | None = None

    async def get(self, key: Key) -> Aged[Value]:
        """The answer. Raises what `fails` names when there is none that may still be used."""
        kept = self._kept.get(key)
        if kept is not None and self._is_within(kept, self._ages.fresh):
            self._kept.move_to_end(key)
            self._tell("fresh")
            return kept
        try:
            return await self._asked(key)
        except self._fails:
            if kept is None or not self._is_within(kept, self._ages.stale):
                raise
            self._tell("stale")
            return replace(kept, is_stale=True)

    def put(self, key: Key, value: Value) -> Aged[Value]:
        """Remember an answer that came another way."""
        aged = self._kept[key] = Aged(value, self._clock())
        self._kept.move_to_end(key)
        if len(self._kept) > self._ages.kept:
            self._kept.popitem(last=False)
        return aged

    def _is_within(self, kept: Aged[Value], span: timedelta) -> bool:
        longest = span if kept.value is not None else min(span, self._ages.nothing)
        return self._clock() - kept.at < longest

    async def _asked(self, key: Key) -> Aged[Value]:
        task = self._asking.get(key)
        if task is None:
            self._check_pause()
            task = self._asking[key] = asyncio.create_task(self._answer(key))
            task.add_done_callback(lambda done: self._ended(key, done))
        # Whoever goes away does not take the answer from those who still wait.
        return await asyncio.shield(task)

    async def _answer(self, key: Key) -> Aged[Value]:
        try:
            value = await self._ask(key)
        except self._fails as error:
            self._failed = (self._clock(), error)
            self._tell("failed")
            raise
        self._tell("asked")
        return self.put(key, value)

    def _ended(self, key: Key, task: "asyncio.Task[Aged[Value]]") -> None:
        self._asking.pop(key, None)
        if not task.cancelled():
            task.exception()  # Looked at, also when nobody waits any more.

    def _check_pause(self) -> None:
        if self._failed is None:
            return
        at, error = self._failed
        if self._clock() - at < self._ages.pause:
            raise self._fails(str(error)) from error
        self._failed = None
