"""The migrations make exactly the tables that the statements use, however many open at once."""

import asyncio
import sqlite3
import subprocess
import sys
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from integrations.slack.tables import slack_threads
from integrations.store import migrate
from integrations.store.journal import SqlJournal
from integrations.store.tables import metadata
from integrations.tickets.tables import tickets

ROOT = Path(__file__).parents[2]


def test_the_head_is_the_newest_revision():
    config = Config()
    config.set_main_option("path_separator", "os")
    config.set_main_option("script_location", str(Path(migrate.__file__).with_name("migrations")))
    assert ScriptDirectory.from_config(config).get_heads() == [migrate.HEAD]


async def test_the_migrated_schema_is_the_one_in_the_code(database):
    differences = await database.read(
        lambda db: compare_metadata(MigrationContext.configure(db), metadata)
    )
    assert differences == []
    assert tickets.metadata is metadata
    assert slack_threads.metadata is metadata


async def test_opening_twice_at_once_migrates_once(store_url):
    journals = await asyncio.gather(*(SqlJournal.open(store_url) for _ in range(4)))
    assert [await journal.unfinished() for journal in journals] == [[]] * 4
    await asyncio.gather(*(journal.close() for journal in journals))


def test_opening_an_up_to_date_store_imports_no_alembic(sqlite_url):
    program = (
        "import asyncio, sys; from integrations.store.journal import SqlJournal as J\n"
        f"asyncio.run(asyncio.wait_for(J.open({sqlite_url!r}), 60))\n"
        "print('alembic' in sys.modules)"
    )
    run = [
        subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
        )
        for _ in range(2)
    ]
    assert [done.stdout.strip() for done in run] == ["True", "False"]


async def test_sqlite_is_set_up_to_survive_a_kill_and_to_share(sqlite_url, tmp_path):
    journal = await SqlJournal.open(sqlite_url)

    def pragmas(db):
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        return [db.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]

    assert await journal.database.read(pragmas) == ["wal", 1, 1, 5000]
    await journal.close()
    assert sqlite3.connect(tmp_path / "store.db").execute("PRAGMA integrity_check").fetchone() == (
        "ok",
    )
