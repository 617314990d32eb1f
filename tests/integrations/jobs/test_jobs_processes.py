"""Several workers on one queue, and workers that are killed."""

import signal
import time
from itertools import pairwise

from integrations.jobs.inbox import DbosInbox
from tests.integrations.jobs.killing import a_job, end, kill_twice, until, until_done, worker
from tests.integrations.jobs.working import Effects


async def test_sixty_jobs_survive_two_kills_with_each_effect_once(store_url, tmp_path):
    await kill_twice(store_url, tmp_path / "effects.db", 60)


async def test_two_workers_share_and_keep_each_lane_in_order(store_url, tmp_path):
    effects = Effects(tmp_path / "effects.db", "test")
    inbox = await DbosInbox.open(store_url)
    processes = [worker(store_url, tmp_path / "effects.db", name) for name in ("one", "two")]
    for job, lane in map(a_job, range(60)):
        await inbox.put(job, lane=lane)
    await until_done(inbox, 60)
    assert [end(process) for process in processes] == [0, 0]
    assert len(effects.rows("select key from calls")) == 120
    assert {name for (name,) in effects.rows("select distinct worker from spans")} == {"one", "two"}
    for (lane,) in effects.rows("select distinct lane from spans"):
        spans = effects.connection.execute(
            "select job, begun, ended from spans where lane = ? order by begun", (lane,)
        ).fetchall()
        assert [job for job, *_ in spans] == sorted(job for job, *_ in spans)
        # Both processes read the machine's one monotonic clock.
        assert all(before[2] <= after[1] for before, after in pairwise(spans))
    await inbox.close()


async def test_the_living_take_over_from_the_dead_after_their_silence(store_url, tmp_path):
    effects = Effects(tmp_path / "effects.db", "test")
    inbox = await DbosInbox.open(store_url)
    for job, lane in (a_job(number, seconds=3.0) for number in range(4)):
        await inbox.put(job, lane=lane)
    dead = worker(store_url, tmp_path / "effects.db", "dead", 4.0)
    await until(lambda: len(effects.rows("select key from calls")) == 4)
    end(dead, signal.SIGKILL)
    killed = time.monotonic()
    living = [worker(store_url, tmp_path / "effects.db", name, 4.0) for name in ("one", "two")]
    await until_done(inbox, 4)
    assert [end(process) for process in living] == [0, 0]
    ((first,),) = effects.connection.execute("select min(at) from calls where worker <> 'dead'")
    assert first >= killed + 4.0 * 0.7  # its last beat may be a quarter of that time old
    # The first step of each died in the middle and was called again, once.
    assert len(effects.rows("select key from calls")) == 12
    assert len(effects.rows("select key from effects")) == 8
    await inbox.close()
