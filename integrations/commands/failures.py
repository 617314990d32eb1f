"""Known errors become one sentence and an exit code; a defect is logged by type and place."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import click

USAGE, UNUSABLE, OUTAGE = 2, 3, 4
"""Exit codes: the call was wrong; the message or the data can't be used; a part of the copilot fails."""
DEFECT = 70
"""Exit code of what should not happen."""
STOPPED = 130

_OURS = frozenset({"integrations", "knowledge", "policies", "copilot"})


@contextmanager
def told() -> Iterator[None]:
    """Print what errors say, to stderr, and leave with their exit code. Never a stack trace."""
    from pydantic import ValidationError

    from copilot.errors import CopilotError, OutageError

    try:
        yield
    except click.ClickException:
        raise
    except OutageError as error:
        _leave(str(error), OUTAGE)
    except CopilotError as error:
        _leave(str(error), UNUSABLE)
    except ValidationError as error:
        _leave(sentence_of(error), USAGE)
    except KeyboardInterrupt:
        _leave("Stopped.", STOPPED)
    except BrokenPipeError:
        _leave_quietly()
    except Exception as error:  # noqa: BLE001  # the edge of the process: nobody above could answer
        _leave(*_unforeseen(error))


def configure_logs() -> None:
    """Logs to stderr: JSON lines for programs; for people at a terminal only what went wrong."""
    from integrations import logs
    from integrations.settings import Settings

    level = logging.getLevelNamesMapping()[Settings().log_level.upper()]
    if sys.stderr.isatty():
        level = max(level, logging.WARNING)
    logs.configure(sys.stderr, level=level)


def sentence_of(error: "object") -> str:
    """The first faults of a pydantic error as sentences."""
    from pydantic import ValidationError

    if not isinstance(error, ValidationError):
        return str(error)
    found = []
    for item in error.errors(include_input=False)[:5]:
        # The name of a field that is not ours may be anything, a password too.
        unknown = item["type"] == "extra_forbidden"
        known = item["loc"][:-1] if unknown else item["loc"]
        where = ".".join(str(part) for part in known) or "value"
        found.append(_fault(where, item["type"], item["msg"], item.get("ctx", {})))
    return " ".join(dict.fromkeys(found))


def _fault(where: str, kind: str, message: str, context: dict[str, object]) -> str:
    if kind == "extra_forbidden":
        return f"'{where}' holds a field that is not known. Remove it."
    if kind == "missing":
        return f"'{where}' is missing. Add it."
    if kind == "string_too_long":
        return f"'{where}' is longer than {context['max_length']} characters. Shorten it."
    if kind in {"string_unicode", "string_type"}:
        return f"'{where}' is no text in UTF-8. Correct it."
    if kind.startswith(("datetime", "timezone")):
        return f"'{where}' is no time with a zone. Write it like 2026-11-22T09:30:00+00:00."
    return f"'{where}': {message.removeprefix('Value error, ').rstrip('.')}."


def plain(text: str) -> str:
    """Text for a terminal: what could steer it is shown as a mark instead."""
    return "".join(
        c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text
    )


def _unforeseen(error: Exception) -> tuple[str, int]:
    if type(error).__module__.partition(".")[0] in _OURS:
        return str(error), OUTAGE
    if isinstance(error, OSError):
        where = f" ({error.filename})" if error.filename else ""
        reason = (error.strerror or type(error).__name__).lower()
        return f"A file can't be used: {reason}{where}. Check its rights and the free disk.", OUTAGE
    return defect(error), DEFECT


def defect(error: Exception) -> str:
    """Log where something broke that should not, and say so without the exception's own text."""
    import structlog

    structlog.get_logger("copilot").error("defect", kind=type(error).__name__, exc_info=error)
    return (
        f"This failed with {type(error).__name__}, which should not happen. "
        "Run `copilot doctor`; if it finds nothing, report this with the log line."
    )


def _leave_quietly() -> None:
    """The reader of our output went away; nothing may be written to it at exit either."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(0)


def _leave(message: str, code: int) -> None:
    click.echo(plain(message), err=True)
    sys.exit(code)
