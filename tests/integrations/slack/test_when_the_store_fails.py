"""No record can be written: the employee and a human are told all the same."""

from pathlib import Path

import pytest

from integrations.sandbox.slack.simulator import TRIAGE, account
from tests.serving import copy_of
from tests.slack_stage import staged, until

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]


async def test_when_the_store_fails_the_employee_and_a_human_are_told(
    prepared_home: Path, tmp_path: Path
) -> None:
    member = account("priya.nair")
    async with staged(copy_of(prepared_home, tmp_path / "home")) as stage:
        await stage.app.journal.database.close()
        await stage.sim.say(member, "", "my vpn says certificate validation failure")
        direct = stage.sim.direct(member)
        await until(lambda: any("not working" in m.text for m in stage.sim.answers(member, direct)))
        cards = stage.sim.space.channels[TRIAGE].messages
        await until(lambda: any(f"<@{member}>" in m.text for m in cards))
