"""Bring a database's schema to this version. At the head it costs one query and no import."""

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.exc import DatabaseError

from copilot.errors import StoreUnavailableError

HEAD = "0006"
"""The newest revision in `migrations/versions`; a test holds them together."""

_LOCK = 7_265_231_004
"""Any number that nobody else locks by in the same PostgreSQL database."""

Transact = Callable[[Callable[[Connection], object], str], object]


def migrate(transact: Transact) -> None:
    """Apply what is missing, once, however many processes start together."""
    if _revision(transact) != HEAD:
        transact(_upgrade, "BEGIN IMMEDIATE")


def _revision(transact: Transact) -> object:
    query = text("SELECT version_num FROM alembic_version")
    try:
        return transact(lambda connection: connection.execute(query).scalar(), "BEGIN")
    except DatabaseError as error:
        if "alembic_version" in str(error.orig):
            return None
        raise


def _upgrade(connection: Connection) -> None:
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory
    from alembic.script.revision import ResolutionError
    from alembic.util.exc import CommandError

    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)
    environment = EnvironmentContext(config, script)
    environment.configure(
        connection=connection,
        fn=lambda revision, _context: script._upgrade_revs(HEAD, revision),  # noqa: SLF001  # alembic's own env.py idiom
    )
    try:
        environment.run_migrations()
    except (CommandError, ResolutionError) as error:
        raise StoreUnavailableError(
            "The record store was written by a newer version of this program. Install that version, "
            "or point to another store."
        ) from error
