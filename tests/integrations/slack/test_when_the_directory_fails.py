"""Slack over a real LDAP directory: who is known is served on, who is not is told and a human hears of it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from integrations.aging import Ages
from integrations.connecting import Connections
from integrations.directory.cached import CachedDirectory
from integrations.directory.ldap_directory import LdapDirectory
from integrations.directory.ldap_mapping import load_mapping
from integrations.directory.ldap_pool import LdapServer
from integrations.sandbox.slack.simulator import TRIAGE
from tests.ldap_server import GROUPS, PASSWORD, PEOPLE, READER, slapd
from tests.slack_stage import DANA, OMAR, staged, until

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]
NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
VPN = "my vpn says certificate validation failure"
HUMAN = "can a person please call me, I would rather talk to a human"


async def test_the_directory_goes_away_in_the_middle_of_a_conversation(
    home: Path, tmp_path: Path
) -> None:
    with slapd(tmp_path / "slapd") as server:
        place = LdapServer(server.url, READER, PASSWORD, PEOPLE, GROUPS)
        told: list[str] = []
        source = LdapDirectory(place, load_mapping("openldap"), tell=told.append)
        directory = CachedDirectory(source, Ages(), lambda: NOW, tell=told.append)
        async with staged(home, connections=Connections(directory, directory)) as stage:
            assert "certificate" in (await stage.told(DANA, VPN)).text.casefold()
            server.stop()
            assert await stage.told(DANA, HUMAN), "Dana is known and is served on"
            await stage.sim.say(OMAR, "", VPN)
            direct = stage.sim.direct(OMAR)
            await until(
                lambda: any("not working" in m.text for m in stage.sim.answers(OMAR, direct)), 60
            )
            await stage.idle()
            seen = stage.sim.space.channels[TRIAGE].messages
            assert any(f"<@{OMAR}>" in m.text for m in seen)
            assert not any("can't find you" in m.text for m in stage.sim.answers(OMAR, direct))
