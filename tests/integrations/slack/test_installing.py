"""Workspaces that install the app themselves."""

import re
from html import unescape
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import aiohttp
import pytest

from integrations.sandbox.slack.workspace import Message
from tests.serving import copy_of
from tests.slack_stage import DANA, staged

pytestmark = [
    pytest.mark.enable_socket,
    pytest.mark.allow_hosts(["127.0.0.1"]),
]
VPN = "my vpn says certificate validation failure"


def shown(message: Message) -> str:
    return str(message.blocks)


# Slack's own library uses what aiohttp will drop one day.
@pytest.mark.filterwarnings("ignore:BasicAuth is deprecated")
async def test_a_workspace_installs_the_app_and_is_answered_with_its_own_token(
    prepared_home: Path, tmp_path: Path
) -> None:
    home = copy_of(prepared_home, tmp_path / "home")
    async with staged(home, installed_by_others=True) as stage, aiohttp.ClientSession() as session:
        async with session.get(f"{stage.url}/slack/install") as response:
            page = await response.text()
            cookie = SimpleCookie(response.headers["Set-Cookie"])
        link = re.search(r'href="([^"]*oauth/v2/authorize[^"]*)"', page)
        assert link is not None, page
        address = unescape(link[1])
        state = parse_qs(urlparse(address).query)["state"][0]
        assert "users:read.email" in address
        (name, morsel), *_ = cookie.items()
        back, sent = f"{stage.url}/slack/oauth_redirect", {"Cookie": f"{name}={morsel.value}"}
        stage.sim.space.codes.add("code-1")
        asked = {"code": "code-1", "state": state}
        async with session.get(back, params=asked, headers=sent) as response:
            assert response.status == 200, await response.text()
        async with session.get(back, params=asked, headers=sent) as response:
            assert response.status == 401, "the same state is good once"
        answer = await stage.told(DANA, VPN)
        assert "rich_text" in shown(answer)
