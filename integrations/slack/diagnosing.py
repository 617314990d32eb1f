"""`copilot doctor slack`: what keeps Slack from working, and what to mend."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import aiohttp
import yaml
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from integrations.slack.client import code_of
from integrations.slack.installing import SCOPES
from integrations.slack.listeners import COMMAND, EVENTS, SHORTCUT

MANIFEST = Path(__file__).parents[2] / "slack" / "manifest.yaml"
Level = Literal["ok", "warn", "fail"]
_MEND = {
    "invalid_auth": "The token is not one of this Slack. Copy the bot token from 'OAuth & Permissions'.",
    "not_authed": "No token was sent. Set COPILOT_SLACK_BOT_TOKEN.",
    "token_revoked": "The token was revoked. Install the app again and copy the new one.",
    "account_inactive": "The app was uninstalled or the workspace is gone. Install it again.",
    "channel_not_found": "No such channel, or a private one without the app. Invite the app there.",
    "not_in_channel": "The app is not in that channel. Invite it with /invite.",
}


class Finding(NamedTuple):
    """What one check found."""

    level: Level
    name: str
    text: str


class Doubts(NamedTuple):
    """What is to be checked, as plain values."""

    transport: str
    base_url: str
    bot_token: str
    app_token: str | None
    triage_channel: str | None
    ingress_url: str | None
    """Where the ingress should answer on this machine, over HTTP."""


async def findings(doubts: Doubts) -> AsyncIterator[Finding]:
    """A line for each check."""
    for finding in manifest_findings():
        yield finding
    timeout = aiohttp.ClientTimeout(total=10)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        client = AsyncWebClient(token=doubts.bot_token, base_url=doubts.base_url, session=session)
        async for finding in _of_workspace(client, doubts):
            yield finding
        if doubts.ingress_url is not None:
            yield await _of_ingress(session, doubts.ingress_url)


def manifest_findings(file: Path = MANIFEST) -> list[Finding]:
    """Whether the manifest names all that the code listens to and needs."""
    manifest: dict[str, Any] = yaml.safe_load(file.read_text("utf-8"))
    told = {
        "events": {
            e.partition(".")[0] for e in manifest["settings"]["event_subscriptions"]["bot_events"]
        },
        "scopes": set(manifest["oauth_config"]["scopes"]["bot"]),
        "commands": {c["command"] for c in manifest["features"]["slash_commands"]},
        "shortcuts": {s["callback_id"] for s in manifest["features"]["shortcuts"]},
    }
    needed = {
        "events": set(EVENTS),
        "scopes": set(SCOPES),
        "commands": {COMMAND},
        "shortcuts": {SHORTCUT},
    }
    wrong = [
        f"{kind}: {', '.join(sorted(told[kind] ^ needed[kind]))}"
        for kind in needed
        if told[kind] != needed[kind]
    ]
    if wrong:
        text = f"slack/manifest.yaml and the code differ in {'; '.join(wrong)}. Make them the same."
        return [Finding("fail", "manifest", text)]
    return [Finding("ok", "manifest", "names every event, scope, command and shortcut in use")]


async def _of_workspace(client: AsyncWebClient, doubts: Doubts) -> AsyncIterator[Finding]:
    try:
        answer = await client.auth_test()
    except (SlackApiError, aiohttp.ClientError, TimeoutError) as error:
        yield Finding("fail", "token", _why(error, doubts.base_url))
        return
    yield Finding("ok", "token", f"of the app {answer['user']} in {answer['team']}")
    yield _scopes(answer.headers.get("X-OAuth-Scopes", "").split(","))
    if doubts.transport == "socket":
        yield await _socket(client, doubts)
    yield await _triage(client, doubts)


def _scopes(granted: Sequence[str]) -> Finding:
    missing = sorted(set(SCOPES) - {scope.strip() for scope in granted})
    if missing:
        text = (
            f"The app lacks {', '.join(missing)}. Add them to its bot scopes and install it again."
        )
        return Finding("fail", "scopes", text)
    return Finding("ok", "scopes", f"all {len(SCOPES)} are granted")


async def _socket(client: AsyncWebClient, doubts: Doubts) -> Finding:
    try:
        await client.apps_connections_open(app_token=str(doubts.app_token))
    except (SlackApiError, aiohttp.ClientError, TimeoutError) as error:
        text = f"{_why(error, doubts.base_url)} The app token needs the scope connections:write."
        return Finding("fail", "socket", text)
    return Finding("ok", "socket", "Slack opens one")


async def _triage(client: AsyncWebClient, doubts: Doubts) -> Finding:
    if doubts.triage_channel is None:
        text = "No channel is set, so tier 2 gets no cards. Set COPILOT_SLACK_TRIAGE_CHANNEL."
        return Finding("warn", "triage", text)
    try:
        answer = await client.conversations_info(channel=doubts.triage_channel)
    except (SlackApiError, aiohttp.ClientError, TimeoutError) as error:
        return Finding("fail", "triage", _why(error, doubts.base_url))
    return Finding("ok", "triage", f"cards go to #{answer['channel'].get('name')}")


async def _of_ingress(session: aiohttp.ClientSession, url: str) -> Finding:
    try:
        async with session.get(f"{url}/readyz") as response:
            told = await response.json()
    except (aiohttp.ClientError, TimeoutError, ValueError):
        text = f"Nothing answers at {url}. Start it with `copilot serve`."
        return Finding("warn", "ingress", text)
    return Finding("ok", "ingress", f"answers; oldest waiting message {told['waiting_seconds']} s")


def _why(error: BaseException, url: str) -> str:
    if not isinstance(error, SlackApiError):
        return f"Slack can't be reached at {url} ({type(error).__name__}). Check the network and the address."
    code = code_of(error)
    return f"{_MEND.get(code, 'Slack refused.')} ({code})"
