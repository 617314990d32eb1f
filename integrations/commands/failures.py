"""Known errors become one sentence and an exit code; anything else is a defect and shows itself."""

from collections.abc import Iterator
from contextlib import contextmanager
import sys

import click

USAGE, UNUSABLE, OUTAGE = 2, 3, 4
"""Exit codes: the call was wrong; the message or the data can't be used; a part of the copilot fails."""


@contextmanager
def told() -> Iterator[None]:
    """Print what known errors say, to stderr, and leave with their exit code."""
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
        _leave("Stopped.", 130)
    except Exception as error:
        if type(error).__module__.split(".")[0] in ("integrations", "knowledge", "policies"):
            _leave(str(error), OUTAGE)
        raise


def sentence_of(error: "object") -> str:
    """The first faults of a pydantic error as sentences."""
    from pydantic import ValidationError

    if not isinstance(error, ValidationError):
        return str(error)
    found = []
    for item in error.errors()[:5]:
        where = ".".join(str(part) for part in item["loc"]) or "value"
        found.append(f"{where}: {item['msg'].removeprefix('Value error, ')}")
    return "; ".join(found)


def _leave(message: str, code: int) -> None:
    click.echo(message, err=True)
    sys.exit(code)
