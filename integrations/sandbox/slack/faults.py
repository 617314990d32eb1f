"""What goes wrong on purpose, and how fast is too fast."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

FaultKind = Literal["ratelimited", "lost_answer", "lost_call", "http_500", "http_503", "error"]


@dataclass(slots=True)
class Fault:
    """The next calls of a method (`*`: of any) fail so many times.

    `lost_answer` does what was asked and never says so; `lost_call` does not even do it.
    """

    method: str
    kind: FaultKind
    times: int = 1
    code: str = "internal_error"
    retry_after: int = 1


_MINUTE = 60.0
PER_MINUTE: Mapping[str, int] = {
    "chat.postMessage": 60,
    "chat.postEphemeral": 100,
    "chat.update": 50,
    "conversations.history": 50,
    "conversations.replies": 50,
    "conversations.open": 50,
    "users.info": 100,
    "users.lookupByEmail": 50,
    "views.open": 100,
    "views.publish": 100,
}
"""Calls a minute of Slack's tiers; `chat.postMessage` counts in each channel."""


@dataclass(slots=True)
class Limits:
    """Slack's rate limits, for tests that want them."""

    per_minute: Mapping[str, int] = field(default_factory=dict)
    _calls: dict[tuple[str, str], deque[float]] = field(default_factory=dict)

    def wait(self, method: str, channel: str, now: float) -> int:
        """Seconds to wait before this call is taken; 0 takes it."""
        limit = self.per_minute.get(method)
        if limit is None:
            return 0
        calls = self._calls.setdefault((method, channel), deque())
        while calls and now - calls[0] >= _MINUTE:
            calls.popleft()
        if len(calls) >= limit:
            return max(1, round(_MINUTE - (now - calls[0])))
        calls.append(now)
        return 0
