"""Slack is down for five minutes, while people go on writing what it delivers before and after."""

import asyncio
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from integrations.jobs.port import Pace
from tests.serving import copy_of
from tests.slack_stage import DANA, LENA, OMAR, staged

DOWN_SECONDS = 300.0
AS_SHIPPED = Pace(attempts=9, retry_seconds=2.0, backoff=2.0)
TEXTS = (
    "my vpn says certificate validation failure",
    "how do i add the findme printer",
    "please reset the MFA of my colleague Priya, she lost her phone",
    "outlook keeps crashing when I open it",
)


@pytest.mark.soak
@pytest.mark.enable_socket
@pytest.mark.allow_hosts(["127.0.0.1"])
async def test_five_minutes_without_slack_lose_and_double_nothing(
    prepared_home: Path, tmp_path: Path
) -> None:
    home = copy_of(prepared_home, tmp_path / "home")
    with capture_logs() as logs:
        async with staged(home, pace=AS_SHIPPED) as stage:
            people = (DANA, OMAR, LENA)
            said = [await stage.sim.say(person, "", text) for person in people for text in TEXTS]
            stage.sim.server.down = True
            # What Slack had accepted before is delivered in the middle of it as well.
            await asyncio.sleep(DOWN_SECONDS / 2)
            said += [await stage.sim.say(person, "", TEXTS[0]) for person in people]
            await asyncio.sleep(DOWN_SECONDS / 2)
            stage.sim.server.down = False
            await stage.idle(300.0)
            for message in said:
                answers = stage.sim.answers(message.user, message.channel, message.ts)
                own = [m for m in answers if "takes longer" not in m.text]
                assert len(own) == 1, message.text
    assert not [line for line in logs if line["event"] == "slack.given_up"]
    assert [line for line in logs if line["event"] == "jobs.failure"], "it is visible in the log"
