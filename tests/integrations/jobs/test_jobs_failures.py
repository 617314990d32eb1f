"""A queue that can't be used says so in a sentence and soon; nothing is lost or half put."""

import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from integrations.jobs.inbox import DbosInbox
from integrations.jobs.port import Job, JobState, JobsUnavailableError

ROOT = Path(__file__).parents[3]
JOB = Job("a", "k", {})


async def test_a_locked_queue_is_said_soon_and_works_again_when_free(tmp_path):
    path = tmp_path / "jobs.db"
    inbox = await DbosInbox.open(f"sqlite:///{path}", busy_seconds=0.1)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    begun = time.monotonic()
    with pytest.raises(
        JobsUnavailableError,
        match=r"The job queue is not available\. .*jobs\.db' is locked by another process\. Stop",
    ):
        await inbox.put(JOB, lane="l")
    assert time.monotonic() - begun < 2
    other.execute("ROLLBACK")
    other.close()
    assert await inbox.put(JOB, lane="l")
    await inbox.close()


async def test_a_read_only_queue_is_said(tmp_path):
    path = tmp_path / "jobs.db"
    await (await DbosInbox.open(f"sqlite:///{path}")).close()
    inbox = await DbosInbox.open(f"sqlite:///file:{path}?mode=ro&uri=true")
    with pytest.raises(JobsUnavailableError, match=r"is read-only\. Give this process the right"):
        await inbox.put(JOB, lane="l")
    await inbox.close()


async def test_a_missing_folder_is_said(tmp_path):
    with pytest.raises(JobsUnavailableError, match=r"can't be opened\. Check that its folder"):
        await DbosInbox.open(f"sqlite:///{tmp_path}/missing/jobs.db")


async def test_a_damaged_file_is_said(tmp_path):
    (tmp_path / "jobs.db").write_bytes(b"not a database at all" * 200)
    with pytest.raises(JobsUnavailableError, match="is damaged"):
        await DbosInbox.open(f"sqlite:///{tmp_path}/jobs.db")


async def test_an_address_of_another_kind_is_said():
    with pytest.raises(JobsUnavailableError, match=r"can't use 'mysql'\. Use sqlite or postgresql"):
        await DbosInbox.open("mysql://root@localhost/x")


async def test_a_closed_inbox_is_said(sqlite_url):
    inbox = await DbosInbox.open(sqlite_url)
    await inbox.close()
    with pytest.raises(JobsUnavailableError, match="is closed"):
        await inbox.put(JOB, lane="l")


@pytest.mark.postgres
async def test_a_server_that_is_away_is_said(postgres_server):
    url = postgres_server.replace("host=", "host=/nowhere").format(database="x")
    with pytest.raises(JobsUnavailableError, match=r"not available\. "):
        await DbosInbox.open(url)


async def test_the_file_is_private_and_in_wal_mode(tmp_path):
    path = tmp_path / "jobs.db"
    inbox = await DbosInbox.open(f"sqlite:///{path}")
    await inbox.put(JOB, lane="l")
    assert path.stat().st_mode & 0o777 == 0o600
    assert sqlite3.connect(path).execute("pragma journal_mode").fetchone() == ("wal",)
    assert (await inbox.census()).counts[JobState.WAITING] == 1
    await inbox.close()


def test_the_doors_process_imports_little_and_starts_no_thread_of_the_library(sqlite_url):
    program = """
import asyncio, sys, threading
from integrations.jobs.inbox import DbosInbox
from integrations.jobs.port import Job
assert "dbos" not in sys.modules

async def main():
    inbox = await DbosInbox.open(sys.argv[1])
    await inbox.put(Job("a", "k", {}), lane="l")
    print(sorted({t.name.partition("_")[0].partition("-")[0] for t in threading.enumerate()}))

asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", program, sqlite_url],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "['MainThread', 'asyncio', 'store']"
    assert done.stderr == ""
