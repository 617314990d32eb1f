"""DBOS, set up so that it stays quiet and local: it logs no text, calls nobody, writes no file.

It has no port of its own, exports nothing and asks no cloud as long as its configuration names
none; what it does by default and is switched off here is its console log.
"""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import make_url

if TYPE_CHECKING:
    from dbos import DBOSConfig

APPLICATION = "it-support-copilot"
QUEUE = "jobs"
WORK = "job"
VERSION = "1"
"""Pinned: by default DBOS hashes the code, and a new release would leave older jobs lying.

What a job did is kept by key and not by position, so releases may differ in their steps.
"""


class QuietLog(logging.Handler):
    """Passes on where the library complained, never what it said: that quotes statements and jobs."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._log = structlog.get_logger("jobs")

    def emit(self, record: logging.LogRecord) -> None:
        place = f"{Path(record.pathname).name}:{record.lineno} {record.funcName}"
        error = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None
        self._log.warning("jobs.library", at=place, error=error)


def hush() -> None:
    """Let the library's loggers speak through `QuietLog` alone; call before it is first used."""
    logger = logging.getLogger("dbos")
    # It adds a console output to a logger without handlers, and only to such a one.
    logger.handlers = [QuietLog()]
    logger.propagate = False
    logger.setLevel(logging.WARNING)


def configuration(url: str, executor_id: str) -> "DBOSConfig":
    """What a worker launches the library with."""
    from dbos import DBOSPortableJSONSerializer

    return {
        "name": APPLICATION,
        "system_database_url": address(url),
        "application_version": VERSION,
        "executor_id": executor_id,
        # Pickled jobs would be code for whoever can write to the database.
        "serializer": DBOSPortableJSONSerializer(),
        "log_level": "WARNING",
        "console_log_level": "CRITICAL",
        "enable_otlp": False,
        # We use neither its messages nor its schedules: their threads shall sleep. To stop waits
        # for the listener to wake up, so that one not for long.
        "use_listen_notify": False,
        "notification_listener_polling_interval_sec": 0.5,
        "scheduler_polling_interval_sec": 3600.0,
    }


def prepare(url: str) -> None:
    """Create the library's tables or bring them up to date."""
    from dbos import DBOS

    hush()
    DBOS.migrate(address(url))


def address(url: str) -> str:
    """The URL as the library wants it, which chooses drivers itself."""
    parsed = make_url(url)
    plain = parsed.set(drivername=parsed.get_backend_name())
    return plain.render_as_string(hide_password=False)
