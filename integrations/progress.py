"""Progress of steps that take longer than two seconds, on stderr."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_QUIET_SECONDS = 2.0


@dataclass(slots=True)
class Progress:
    """Tells a person what is going on. A step shorter than two seconds is not mentioned."""

    say: Callable[[str], None]
    quiet_seconds: float = _QUIET_SECONDS
    _started: float = field(default_factory=time.monotonic)
    _last: float = 0.0

    @classmethod
    def to_terminal(cls) -> "Progress":
        return cls(lambda line: print(line, file=sys.stderr, flush=True))  # noqa: T201  # for a person

    @classmethod
    def silent(cls) -> "Progress":
        return cls(lambda _: None)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """A step that is announced at its start, and timed at its end when it took long."""
        started = time.monotonic()
        yield
        took = time.monotonic() - started
        if took >= self.quiet_seconds:
            self.say(f"  {name}: done in {took:.1f} s")

    def announce(self, line: str) -> None:
        self.say(line)

    def count(self, name: str, done: int, total: int) -> None:
        """Progress of a counted step, at most one line every two seconds."""
        now = time.monotonic()
        if now - self._last >= self.quiet_seconds:
            self._last = now
            self.say(f"  {name}: {done} of {total}")
