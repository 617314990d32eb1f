"""A store that can't be used says what to do, in a sentence, and works again once it can."""

import importlib.util
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from copilot.errors import DeskUnavailableError, StoreUnavailableError
from integrations.store.database import Database, RacedError
from integrations.store.journal import SqlJournal
from tests.integrations.store_values import AT, a_handoff, a_record, a_reply, an_inquiry
from tests.integrations.turns_until_killed import a_desk

ROOT = Path(__file__).parents[2]

FULL = """
import asyncio, resource, sys
from copilot.errors import StoreUnavailableError
from integrations.store.journal import SqlJournal
from tests.integrations.store_values import an_inquiry

async def main(url):
    journal = await SqlJournal.open(url)
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, most))
    try:
        for number in range(1000):
            await journal.begin(an_inquiry(f"i{number}", text="x" * 9000), text_hash="h")
    except StoreUnavailableError as error:
        print(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    kept = len(await journal.unfinished())
    await journal.begin(an_inquiry("after"), text_hash="h")
    print(kept == number, len(await journal.unfinished()) == kept + 1)
    await journal.close()

asyncio.run(main(sys.argv[1]))
"""


async def test_a_locked_database_is_said_and_works_again_when_free(tmp_path):
    path = tmp_path / "store.db"
    journal = await SqlJournal.open(f"sqlite:///{path}", busy_seconds=0.1)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(
        StoreUnavailableError, match=r"store\.db' is locked by another process\. Stop"
    ):
        await journal.begin(an_inquiry(), text_hash="h")
    with pytest.raises(
        DeskUnavailableError, match=r"The ticket desk is not available\. .* is locked"
    ):
        await a_desk(journal).open(a_handoff(), key="k", thread_id="t", opened_by="d", at=AT)
    assert await journal.unfinished() == []
    other.execute("ROLLBACK")
    other.close()
    await journal.begin(an_inquiry(), text_hash="h")
    await journal.close()


def test_a_full_disk_loses_nothing_that_was_stored(sqlite_url):
    done = subprocess.run(
        [sys.executable, "-c", FULL, sqlite_url],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    said, after = done.stdout.splitlines()
    assert "can't be written: its disk is full" in said
    assert after == "True True"
    assert done.stderr == ""


async def test_a_damaged_file_is_said(tmp_path):
    path = tmp_path / "store.db"
    path.write_bytes(b"not a database, whatever it is called" * 100)
    with pytest.raises(StoreUnavailableError, match=r"is damaged\. Restore the file from a backup"):
        await SqlJournal.open(f"sqlite:///{path}")


async def test_a_missing_folder_is_said(tmp_path):
    with pytest.raises(
        StoreUnavailableError, match=r"can't be opened\. Check that its folder exists"
    ):
        await SqlJournal.open(f"sqlite:///{tmp_path}/missing/store.db")


async def test_a_read_only_file_is_said(sqlite_url, tmp_path):
    await (await SqlJournal.open(sqlite_url)).close()
    journal = await SqlJournal.open(f"sqlite:///file:{tmp_path}/store.db?mode=ro&uri=true")
    assert await journal.unfinished() == []
    with pytest.raises(StoreUnavailableError, match=r"is read-only\. Give this process the right"):
        await journal.begin(an_inquiry(), text_hash="h")
    await journal.close()


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("store.db", "is not a database URL. Use 'sqlite:////path/to/file.db'"),
        ("mysql://root@localhost/x", "can't use 'mysql'. Use sqlite or postgresql."),
    ],
)
async def test_an_address_of_another_kind_is_said(url, sentence):
    with pytest.raises(StoreUnavailableError) as said:
        await SqlJournal.open(url)
    assert sentence in str(said.value)


@pytest.mark.skipif(importlib.util.find_spec("psycopg") is not None, reason="the driver is there")
async def test_a_missing_driver_is_said():
    with pytest.raises(
        StoreUnavailableError, match="Install this program with its extra 'postgres'"
    ):
        await SqlJournal.open("postgresql://localhost/x")


@pytest.mark.postgres
async def test_a_server_that_does_not_answer_is_said_without_the_password(tmp_path):
    pytest.importorskip("psycopg")
    with pytest.raises(StoreUnavailableError) as said:
        await SqlJournal.open(f"postgresql://copilot:secret@/store?host={tmp_path}")
    assert "does not answer. Check that the database server runs" in str(said.value)
    assert "secret" not in str(said.value)


async def test_a_store_of_a_newer_version_is_refused(sqlite_url, tmp_path):
    await (await SqlJournal.open(sqlite_url)).close()
    with sqlite3.connect(tmp_path / "store.db") as file:
        file.execute("UPDATE alembic_version SET version_num = '9999'")
    file.close()
    with pytest.raises(StoreUnavailableError, match="was written by a newer version"):
        await SqlJournal.open(sqlite_url)


async def test_a_table_that_went_missing_is_said(sqlite_url, tmp_path):
    journal = await SqlJournal.open(sqlite_url)
    with sqlite3.connect(tmp_path / "store.db") as file:
        file.execute("DROP TABLE turns")
    file.close()
    with pytest.raises(StoreUnavailableError, match="lacks a table or column"):
        await journal.unfinished()
    await journal.close()


async def test_a_reply_of_another_version_is_said(sqlite_url, tmp_path):
    journal = await SqlJournal.open(sqlite_url)
    await journal.begin(an_inquiry(thread="t"), text_hash="h")
    await journal.finish(a_reply("t"), a_record("t"))
    with sqlite3.connect(tmp_path / "store.db") as file:
        file.execute("""UPDATE turns SET reply = '{"shape": "unknown"}'""")
    file.close()
    with pytest.raises(
        StoreUnavailableError, match=r"The Reply stored for 'i1' can't be read by this"
    ):
        await journal.begin(an_inquiry(), text_hash="h")
    await journal.close()


async def test_a_closed_store_says_so(sqlite_url):
    journal = await SqlJournal.open(sqlite_url)
    await journal.close()
    with pytest.raises(StoreUnavailableError, match=r"is closed\. Open it again"):
        await journal.unfinished()


async def test_a_race_that_never_ends_is_said(sqlite_url):
    database = await Database.open(sqlite_url)

    def lose(_connection):
        raise RacedError

    with pytest.raises(StoreUnavailableError, match="changed by others too fast"):
        await database.write(lose)
    await database.close()


async def test_a_fault_without_a_known_remedy_names_its_kind(database):
    with pytest.raises(StoreUnavailableError, match=r"failed with \w+\. Check the database"):
        await database.read(lambda db: db.exec_driver_sql("SELEKT 1"))


async def test_only_the_owner_of_the_process_can_read_the_file(sqlite_url, tmp_path):
    journal = await SqlJournal.open(sqlite_url)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    await journal.close()
