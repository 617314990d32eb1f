"""Kill -9 at random points of turns and handoffs: nothing is lost, and no ticket is made twice."""

import asyncio
import random

import pytest

from integrations.store.journal import SqlJournal
from tests.integrations.store_values import AT
from tests.integrations.test_store_processes import start
from tests.integrations.turns_until_killed import a_desk, take_turn

KILLS = 50


@pytest.mark.soak
async def test_fifty_kills_lose_no_inquiry_and_double_no_ticket(tmp_path):
    url = f"sqlite:///{tmp_path}/store.db"
    chance = random.Random(7)  # noqa: S311  # when to kill is no secret
    begun: set[str] = set()
    unfinished = 0
    for round_number in range(KILLS):
        with start(url, f"r{round_number}", 100_000) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            await asyncio.sleep(chance.uniform(0.001, 0.15))
            process.kill()
        journal = await SqlJournal.open(url)
        desk = a_desk(journal)
        left = await journal.unfinished()
        unfinished += len(left)
        for inquiry in left:
            await take_turn(journal, desk, inquiry)
        threads = await journal.recent_threads("dana.reed", AT, 10**6)
        tickets = await desk.list(limit=10**6)
        numbers = sorted(int(ticket.id.rpartition("-")[2]) for ticket in tickets)
        assert numbers == list(range(1, len(tickets) + 1))
        assert len({ticket.thread_id for ticket in tickets}) == len(tickets) == len(threads)
        assert all(thread.ticket for thread in threads)
        assert {thread.thread_id for thread in threads} >= begun
        begun = {thread.thread_id for thread in threads}
        await journal.close()
    assert len(begun) > KILLS
    assert unfinished > KILLS // 2
