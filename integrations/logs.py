"""Logs: typed fields and no text. What people write is in the record, where access is controlled.

Only the keys below are written, only short values, and of an exception only its type and place:
its text may quote a message. What is left out is counted in `dropped`.
"""

import logging
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from copilot.errors import OutageError

FIELDS = frozenset(
    {
        # the line itself
        "event", "level", "timestamp", "dropped", "where", "error", "kind", "at", "problem",
        # which turn
        "inquiry", "thread", "ticket", "channel", "language",
        # what was decided
        "disposition", "category", "subcategory", "action_type", "effect", "rules", "queue",
        "priority", "reason_code", "confidence", "resolved", "verdict", "status",
        # how it ran
        "ms", "cost_usd", "count", "retries", "redactions", "bytes", "passages",
        "code", "knowledge", "policy", "prompts", "model", "version",
        # the process and its doors
        "method", "route", "http_status", "host", "port", "pid", "step", "seconds",
    }
)  # fmt: skip
"""A key joins this list when no sentence of a person can stand in it."""

MAX_CHARS = 200
"""A longer value is a text, whatever its key is called."""

_NAME = re.compile(r"[a-z][a-z0-9_.]{0,60}")
"""An event has a name; a sentence may quote a message."""

_FRAMES = 5
_SCALARS = (str, int, float, bool, type(None))


def configure(stream: TextIO, *, as_json: bool | None = None, level: int = logging.INFO) -> None:
    """Log to `stream`: as JSON lines, or coloured for people where the stream is a terminal."""
    json_lines = not stream.isatty() if as_json is None else as_json
    structlog.configure(
        processors=[*processors(), _renderer(json_lines=json_lines)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )


@contextmanager
def configured_to(stream: TextIO, *, level: int) -> Iterator[None]:
    """The same for a while: what was configured before is back afterwards."""
    before = structlog.get_config()
    configure(stream, level=level)
    try:
        yield
    finally:
        structlog.configure(**before)


def processors() -> tuple[Processor, ...]:
    """Everything before the rendering; tests put them before their capture."""
    return (
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        describe_exception,
        keep_known_fields,
    )


def describe_exception(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace an exception by its type, the places it passed and, of our own outages, the sentence."""
    found = _exception(event.pop("exc_info", None))
    if found is None:
        return event
    event["error"] = " < ".join(type(error).__name__ for error in _chain(found))[:MAX_CHARS]
    event["at"] = tuple(_places(found))
    if isinstance(found, OutageError):
        event["problem"] = str(found)[:MAX_CHARS]
    return event


def keep_known_fields(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Drop every key that is not on the list and every value that may be a text."""
    kept: EventDict = {
        key: value for key, value in event.items() if key in FIELDS and _is_plain(value)
    }
    if not _NAME.fullmatch(str(kept.get("event", ""))):
        kept.pop("event", None)
    if len(kept) < len(event):
        kept["dropped"] = len(event) - len(kept)
    kept.setdefault("event", "unnamed")
    return kept


def _is_plain(value: object) -> bool:
    if isinstance(value, tuple | list | frozenset):
        return all(_is_plain(item) and not isinstance(item, tuple | list) for item in value)
    return isinstance(value, _SCALARS) and (not isinstance(value, str) or len(value) <= MAX_CHARS)


def _exception(given: object) -> BaseException | None:
    if isinstance(given, BaseException):
        return given
    if isinstance(given, tuple):
        return given[1] if isinstance(given[1], BaseException) else None
    return sys.exc_info()[1] if given else None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came from, each once."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def _places(error: BaseException) -> Iterator[str]:
    for frame in traceback.extract_tb(error.__traceback__)[-_FRAMES:]:
        yield f"{Path(frame.filename).name}:{frame.lineno} {frame.name}"


def _renderer(*, json_lines: bool) -> Processor:
    if json_lines:
        return structlog.processors.JSONRenderer(default=_as_json)
    return structlog.dev.ConsoleRenderer()


def _as_json(value: Any) -> Any:
    return sorted(value) if isinstance(value, frozenset) else str(value)
