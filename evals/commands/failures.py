"""Known errors become sentences on standard error and an exit code; never a stack trace for what people got wrong."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

USAGE, UNUSABLE, STOPPED = 2, 3, 130
"""Exit codes: the call or a file of it is wrong; a system or the results can't be used; stopped by the person."""


@contextmanager
def told() -> Iterator[None]:
    """Say what is wrong, and what to do, and leave."""
    from evals.errors import BenchmarkError, RunError

    try:
        yield
    except RunError as error:
        _leave(str(error), UNUSABLE)
    except BenchmarkError as error:
        _leave(str(error), USAGE)
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        reason = (error.strerror or type(error).__name__).lower()
        _leave(f"A file can't be used: {reason}{where}. Check its rights and the disk.", UNUSABLE)


def _leave(message: str, code: int) -> None:
    click.echo(message, err=True)
    sys.exit(code)
