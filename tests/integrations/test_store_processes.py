"""Several processes on one database, and processes that are killed."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from copilot.record import Unfinished
from integrations.store.journal import SqlJournal
from tests.integrations.store_values import an_inquiry
from tests.integrations.turns_until_killed import a_desk, take_turn

ROOT = Path(__file__).parents[2]


def start(url: str, prefix: str, turns: int, stop_at: str = "") -> subprocess.Popen[str]:
    program = [sys.executable, "-m", "tests.integrations.turns_until_killed"]
    return subprocess.Popen(
        [*program, url, prefix, str(turns), stop_at],
        cwd=ROOT,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


def kill_at(url: str, point: str) -> None:
    with start(url, "killed", 1, point) as process:
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(2)] == ["ready\n", f"{point}\n"]
        process.send_signal(signal.SIGKILL)


async def test_two_processes_share_tickets_and_a_sequence(store_url):
    processes = [start(store_url, prefix, 40) for prefix in ("a", "shared", "shared")]
    assert [process.wait(120) for process in processes] == [0, 0, 0]
    for process in processes:
        process.communicate()
    journal = await SqlJournal.open(store_url)
    tickets = await a_desk(journal).list()
    assert sorted(ticket.id for ticket in tickets) == [f"T-2026-{n:06d}" for n in range(1, 81)]
    assert await journal.unfinished() == []
    await journal.close()


@pytest.mark.parametrize("point", ["begun", "planned", "opened"])
async def test_a_killed_turn_is_finished_with_one_ticket(sqlite_url, point):
    kill_at(sqlite_url, point)
    journal = await SqlJournal.open(sqlite_url)
    desk = a_desk(journal)
    (left,) = await journal.unfinished()
    assert isinstance(await journal.begin(an_inquiry("killed-0"), text_hash="h"), Unfinished)
    await take_turn(journal, desk, left)
    await take_turn(journal, desk, left)
    assert [ticket.id for ticket in await desk.list()] == ["T-2026-000001"]
    assert await journal.unfinished() == []
    await journal.close()
