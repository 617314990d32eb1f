"""What is shown while an answer takes long: the real steps, and nothing of the answer."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from integrations.sandbox.slack.simulator import HELP
from integrations.sandbox.slack.workspace import Message
from tests.serving import copy_of
from tests.slack_stage import DANA, OMAR, OPTIONS, Stage, staged, until

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.enable_socket,
    pytest.mark.allow_hosts(["127.0.0.1"]),
]
VPN = "my vpn says certificate validation failure"
SOON = timedelta(milliseconds=300)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def slow(
    prepared_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stage]:
    """A product whose chat model takes its time."""
    home = copy_of(prepared_home, tmp_path_factory.mktemp("slack") / "home")
    options = replace(OPTIONS, status_after=0.1, status_every=0.05, stream_after=0.3)
    async with staged(home, options=options, chat_model="tests.slack_stage:SlowModel") as stage:
        yield stage


def shown(message: Message) -> str:
    return str(message.blocks)


async def test_while_it_takes_long_the_real_steps_are_shown_and_nothing_of_the_answer(
    slow: Stage,
) -> None:
    said = await slow.sim.say(DANA, "", VPN)
    streamed = await slow.answered(DANA, said.channel, thread=said.ts)
    stream = streamed.stream
    assert stream is not None
    assert not streamed.text
    assert not streamed.blocks, "nothing of the answer before it is checked"
    await until(lambda: len(stream.tasks) > 1)
    await until(lambda: bool(streamed.blocks))
    await slow.idle()
    assert not stream.is_open
    assert "rich_text" in shown(streamed)
    assert len(slow.sim.answers(DANA, said.channel, said.ts)) == 1
    titles = " ".join(stream.tasks.values())
    assert "Reading your message" in titles
    statuses = [c for c in slow.sim.server.calls if c.method == "assistant.threads.setStatus"]
    assert statuses[0].arguments["status"].startswith("is ")


async def test_a_stream_that_slack_closed_gets_its_text_all_the_same(slow: Stage) -> None:
    slow.sim.space.stream_seconds = 0.1
    said = await slow.sim.say(OMAR, "", VPN)
    await until(lambda: any(m.blocks for m in slow.sim.answers(OMAR, said.channel, said.ts)))
    await slow.idle()
    slow.sim.space.stream_seconds = 300.0
    (answer,) = slow.sim.answers(OMAR, said.channel, said.ts)
    assert "rich_text" in shown(answer)
    closed = [c for c in slow.sim.server.calls if c.outcome == "message_not_in_streaming_state"]
    assert closed


async def test_a_stream_is_not_used_where_others_read_along(slow: Stage) -> None:
    said = await slow.sim.say(DANA, HELP, f"<@{slow.sim.space.bot}> {VPN}")
    answer = await slow.answered(DANA, HELP, thread=said.ts)
    assert answer.stream is None
    assert answer.blocks
