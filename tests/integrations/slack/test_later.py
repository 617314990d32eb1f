"""What comes minutes and days after an answer."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from integrations.sandbox.slack.simulator import HELP, account
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
async def soon(
    prepared_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stage]:
    """A product in which days are short."""
    home = copy_of(prepared_home, tmp_path_factory.mktemp("slack") / "home")
    options = replace(OPTIONS, check_in=SOON, follow_ups=(SOON, 2 * SOON))
    async with staged(home, options=options) as stage:
        yield stage


def shown(message: Message) -> str:
    return str(message.blocks)


async def test_somebody_in_a_hurry_gets_less_text_and_is_asked_soon(soon: Stage) -> None:
    calm = await soon.told(OMAR, "how do i add the findme printer")
    said = await soon.sim.say(
        DANA,
        "",
        "URGENT!!! how do i add the findme printer, board meeting in 5 minutes!!! help NOW",
    )
    hurried = await soon.answered(DANA, said.channel, thread=said.ts)
    if "has it" not in shown(hurried):
        assert len(shown(hurried)) < len(shown(calm))
        asked = await soon.answered(DANA, said.channel, thread=said.ts, count=2)
        assert "Is it working now?" in shown(asked)


async def test_days_later_one_tap_says_whether_it_is_still_fine(soon: Stage) -> None:
    answer = await soon.told(OMAR, "how do i add the findme printer")
    await soon.sim.click(OMAR, answer, "fixed")
    asked = await soon.answered(OMAR, answer.channel, thread=answer.thread_ts, count=3)
    assert "still fine" in shown(asked)
    await soon.sim.click(OMAR, asked, "still_fine")
    await until(lambda: "Thank you" in shown(asked))


async def test_what_broke_again_is_taken_up_and_who_opts_out_is_left_alone(soon: Stage) -> None:
    member = account("emily.carter")
    answer = await soon.told(member, "how do i add the findme printer")
    await soon.sim.click(member, answer, "fixed")
    asked = await soon.answered(member, answer.channel, thread=answer.thread_ts, count=3)
    await soon.sim.click(member, asked, "no_follow_up")
    await until(lambda: "won't ask again" in shown(asked))
    await soon.idle()
    again = await soon.told(member, VPN)
    await soon.sim.click(member, again, "fixed")
    await soon.answered(member, again.channel, thread=again.thread_ts, count=2)
    await soon.idle()
    told = soon.sim.answers(member, again.channel, again.thread_ts)
    assert not any("still fine" in shown(m) for m in told)


async def test_a_private_answer_can_be_shared_with_the_channel(soon: Stage) -> None:
    bot = soon.sim.space.bot
    said = await soon.sim.say(
        DANA, HELP, f"<@{bot}> my laptop LAP-LDS-0412 is not compliant, what now?"
    )
    answer = await soon.answered(DANA, HELP, thread=said.ts)
    if answer.only_for is not None and "'share'" in shown(answer):
        await soon.sim.click(DANA, answer, "share")
        shared = await soon.answered(OMAR, HELP, thread=said.ts)
        assert shared.only_for is None
