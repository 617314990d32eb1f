"""An agent works on the web or in the ticket system; the employee reads it in Slack."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from integrations.sandbox.slack.workspace import Message
from tests.serving import copy_of
from tests.slack_stage import DANA, PATIENCE, Stage, staged, until

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.enable_socket,
    pytest.mark.allow_hosts(["127.0.0.1"]),
]
AT = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(
    prepared_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stage]:
    home = copy_of(prepared_home, tmp_path_factory.mktemp("slack") / "home")
    async with staged(home) as opened:
        yield opened


async def test_what_an_agent_does_elsewhere_is_told_in_the_thread(stage: Stage) -> None:
    answer = await stage.told(DANA, "Please let a person look at my printer.")
    (line,) = await stage.app.desk.list()
    desk, by = stage.app.desk, "lena.vos"

    def said() -> list[Message]:
        return stage.sim.answers(DANA, answer.channel, answer.thread_ts)

    def holds(words: str) -> bool:
        return sum(words in str(message.blocks) + message.text for message in said()) == 1

    await desk.claim(line.id, by, key="web:claim:1", at=AT)
    await until(lambda: holds("Lena Vos has your case"))
    await desk.note(line.id, "Which floor?", key="rt:9", by=by, at=AT, kind="asked")
    await until(lambda: holds("Which floor?"))
    count = len(said())
    await stage.sim.say(DANA, answer.channel, "Floor two", thread=answer.thread_ts)

    async with asyncio.timeout(PATIENCE):
        while "Floor two" not in (await desk.texts([line.id]))[line.id]:
            await asyncio.sleep(0.05)
    await desk.set_status(
        line.id, "resolved", key="web:resolve:1", by=by, at=AT, note="New toner is in."
    )
    await until(lambda: holds("New toner is in."))
    # Between the agent's question and the resolution the copilot said nothing.
    assert len(said()) == count + 1
