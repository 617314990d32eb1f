"""The simulated Slack by itself, asked with Slack's own clients."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from integrations.sandbox.slack.checking import MAX_BLOCKS
from integrations.sandbox.slack.faults import Limits
from integrations.sandbox.slack.simulator import (
    GENERAL,
    HELP,
    SCOPES,
    TRIAGE,
    Setup,
    Simulator,
    account,
    running,
)
from tests.slack_stage import until

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]
DANA, OMAR = account("dana.reed"), account("omar.haddad")
DIVIDER: dict[str, Any] = {"type": "divider"}
TITLE = {"type": "plain_text", "text": "Escalate"}
MODAL: dict[str, Any] = {"type": "modal", "title": TITLE, "blocks": [DIVIDER]}


class Clock:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def asked(
    setup: Setup | None = None, clock: Clock | None = None
) -> AsyncIterator[tuple[Simulator, AsyncWebClient]]:
    setup = setup or Setup()
    async with running(setup, clock=clock or Clock()) as sim:
        yield sim, AsyncWebClient(setup.bot_token, base_url=sim.api_url)


async def refused(call: Any) -> Any:
    """Slack's answer to a call that it refuses."""
    with pytest.raises(SlackApiError) as caught:
        await call
    return caught.value.response


# ---- tokens, scopes, limits


async def test_a_missing_scope_is_named_with_those_that_are_there() -> None:
    async with asked(Setup(scopes=frozenset({"chat:write", "users:read"}))) as (_, client):
        no = await refused(client.users_lookupByEmail(email="dana.reed@larkfield.example"))
        assert (no["error"], no["needed"]) == ("missing_scope", "users:read.email")
        assert no["provided"] == "chat:write,users:read"


@pytest.mark.parametrize(
    ("channel", "needed"), [(GENERAL, "channels:history"), (TRIAGE, "groups:history")]
)
async def test_history_needs_the_scope_of_its_kind_of_channel(channel: str, needed: str) -> None:
    async with asked(Setup(scopes=SCOPES - {needed})) as (sim, client):
        assert (await refused(client.conversations_history(channel=channel)))["needed"] == needed
        assert (await client.conversations_history(channel=sim.direct(DANA)))["ok"]


async def test_an_address_is_told_only_with_its_scope() -> None:
    async with asked(Setup(scopes=SCOPES - {"users:read.email"})) as (_, client):
        assert "email" not in (await client.users_info(user=DANA))["user"]["profile"]
    async with asked() as (_, client):
        assert (await client.users_info(user=DANA))["user"]["profile"]["email"]


async def test_a_revoked_token_is_refused_everywhere() -> None:
    async with asked() as (sim, client):
        assert (await client.auth_test())["user_id"] == sim.space.bot
        sim.server.revoked = True
        assert (await refused(client.auth_test()))["error"] == "token_revoked"
        no = await refused(client.chat_postMessage(channel=HELP, text="x"))
        assert no["error"] == "token_revoked"


async def test_a_call_too_many_is_told_how_long_to_wait() -> None:
    clock = Clock()
    limits = Limits({"chat.postMessage": 1})
    async with asked(Setup(limits=limits), clock) as (_, client):
        await client.chat_postMessage(channel=HELP, text="one")
        no = await refused(client.chat_postMessage(channel=HELP, text="two"))
        assert (no.status_code, no["error"], no.headers["Retry-After"]) == (
            429,
            "ratelimited",
            "60",
        )
        await client.chat_postMessage(channel=GENERAL, text="another channel counts by itself")
        clock.now += 60
        await client.chat_postMessage(channel=HELP, text="two")


@pytest.mark.parametrize("method", ["users.info", "conversations.replies", "conversations.history"])
async def test_a_json_body_of_a_method_that_reads_is_overlooked(method: str) -> None:
    async with asked() as (_, client):
        said = await client.chat_postMessage(channel=HELP, text="root")
        given = {"channel": HELP, "ts": said["ts"], "user": DANA}
        assert (await client.api_call(method, data=given))["ok"]
        assert (await client.api_call(method, http_verb="GET", params=given))["ok"]
        no = await refused(client.api_call(method, json=given))
        assert no["error"] in ("user_not_found", "channel_not_found")


# ---- messages


async def test_an_ephemeral_message_is_seen_by_one_and_kept_by_nobody() -> None:
    async with asked() as (sim, client):
        await client.chat_postEphemeral(channel=HELP, user=DANA, text="psst")
        assert [m.text for m in sim.seen(DANA, HELP)] == ["psst"]
        assert sim.seen(OMAR, HELP) == []
        assert (await client.conversations_history(channel=HELP))["messages"] == []
        no = await refused(client.chat_postEphemeral(channel=HELP, user="U0NOBODY", text="psst"))
        assert no["error"] == "user_not_in_channel"


async def test_a_message_is_found_again_by_its_metadata() -> None:
    metadata = {"event_type": "said", "event_payload": {"key": "k1"}}
    async with asked() as (_, client):
        said = await client.chat_postMessage(channel=HELP, text="x", metadata=metadata)
        plain = (await client.conversations_history(channel=HELP))["messages"][0]
        shown = await client.conversations_history(channel=HELP, include_all_metadata=True)
        assert "metadata" not in plain
        assert shown["messages"][0]["metadata"] == metadata
        assert shown["messages"][0]["ts"] == said["ts"]


async def test_the_root_of_a_thread_counts_its_replies() -> None:
    async with asked() as (_, client):
        root = await client.chat_postMessage(channel=HELP, text="root")
        reply = await client.chat_postMessage(channel=HELP, text="r", thread_ts=root["ts"])
        (shown,) = (await client.conversations_history(channel=HELP))["messages"]
        assert (shown["reply_count"], shown["latest_reply"]) == (1, reply["ts"])
        await client.chat_delete(channel=HELP, ts=reply["ts"])
        (shown,) = (await client.conversations_history(channel=HELP))["messages"]
        assert "reply_count" not in shown


@pytest.mark.parametrize(
    ("blocks", "told"),
    [
        ([DIVIDER] * (MAX_BLOCKS + 1), "no more than 50 items allowed"),
        ([{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}], "less than 3001"),
        ([{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}], "less than 151"),
        ([{"type": "carousel"}], "unsupported type: carousel"),
        ([{"type": "divider", "block_id": "a"}] * 2, "block_id a is not unique"),
        ([{"type": "actions", "elements": []}], "must provide at least one element"),
    ],
)
async def test_blocks_beyond_the_limits_are_refused(blocks: list[Any], told: str) -> None:
    async with asked() as (sim, client):
        no = await refused(client.chat_postMessage(channel=HELP, text="x", blocks=blocks))
        assert no["error"] == "invalid_blocks"
        assert told in " ".join(no["response_metadata"]["messages"])
        assert sim.seen(DANA, HELP) == []
        allowed = await client.chat_postMessage(channel=HELP, text="x", blocks=[DIVIDER] * 50)
        assert allowed["ok"]


# ---- views


async def test_a_trigger_opens_one_modal_and_only_for_a_moment() -> None:
    clock = Clock()
    async with asked(clock=clock) as (sim, client):
        trigger, slow = sim.space.trigger(DANA), sim.space.trigger(DANA)
        await client.views_open(trigger_id=trigger, view=MODAL)
        again = await refused(client.views_open(trigger_id=trigger, view=MODAL))
        clock.now += 3.1
        late = await refused(client.views_open(trigger_id=slow, view=MODAL))
        forged = await refused(client.views_open(trigger_id="1.2.x", view=MODAL))
        assert [no["error"] for no in (again, late, forged)] == [
            "exchanged_trigger_id", "expired_trigger_id", "invalid_trigger_id",
        ]  # fmt: skip


async def test_a_view_that_changed_meanwhile_is_not_overwritten() -> None:
    async with asked() as (sim, client):
        opened = await client.views_open(trigger_id=sim.space.trigger(DANA), view=MODAL)
        name, seal = opened["view"]["id"], opened["view"]["hash"]
        changed = await client.views_update(view_id=name, hash=seal, view=MODAL)
        assert changed["view"]["hash"] != seal
        no = await refused(client.views_update(view_id=name, hash=seal, view=MODAL))
        assert no["error"] == "hash_conflict"
        assert (await client.views_update(view_id=name, view=MODAL))["ok"], "without a hash it is"


async def test_a_home_keeps_its_id_and_gets_a_new_hash() -> None:
    home = {"type": "home", "blocks": [DIVIDER]}
    async with asked() as (_, client):
        first = (await client.views_publish(user_id=DANA, view=home))["view"]
        second = (await client.views_publish(user_id=DANA, view=home, hash=first["hash"]))["view"]
        assert (second["id"], second["hash"] != first["hash"]) == (first["id"], True)
        no = await refused(client.views_publish(user_id=DANA, view=home, hash=first["hash"]))
        assert no["error"] == "hash_conflict"


# ---- response addresses


async def responded(address: str, *bodies: Mapping[str, object]) -> list[int]:
    async with aiohttp.ClientSession() as session:
        statuses = []
        for body in bodies:
            async with session.post(address, json=body) as response:
                statuses.append(response.status)
        return statuses


async def test_a_response_address_is_good_for_five_uses() -> None:
    async with asked() as (sim, _):
        address = sim.server.response_address(HELP, DANA, None)
        said = [{"text": str(number)} for number in range(6)]
        assert await responded(address, *said) == [200] * 5 + [404]
        assert [m.text for m in sim.seen(DANA, HELP)] == ["0", "1", "2", "3", "4"]
        assert sim.seen(OMAR, HELP) == [], "for one person unless it says otherwise"


async def test_a_response_address_is_good_for_half_an_hour() -> None:
    clock = Clock()
    async with asked(clock=clock) as (sim, _):
        address = sim.server.response_address(HELP, DANA, None)
        clock.now += 1801
        assert await responded(address, {"text": "late"}) == [404]
        assert sim.seen(DANA, HELP) == []


async def test_a_response_replaces_or_deletes_what_it_answers() -> None:
    async with asked() as (sim, client):
        await client.chat_postMessage(channel=HELP, text="choose")
        (message,) = sim.seen(DANA, HELP)
        address = sim.server.response_address(HELP, DANA, message)
        await responded(address, {"text": "chosen", "replace_original": True})
        assert [m.text for m in sim.seen(OMAR, HELP)] == ["chosen"]
        await responded(address, {"delete_original": True})
        await responded(address, {"text": "all", "response_type": "in_channel"})
        assert [m.text for m in sim.seen(OMAR, HELP)] == ["all"]


# ---- Socket Mode


class Listener:
    """An app behind Slack's own socket client; it overlooks as many requests as it is told to."""

    def __init__(self, overlooks: int = 0) -> None:
        self.kinds: list[str] = []
        self.requests: list[SocketModeRequest] = []
        self._overlooks = overlooks

    async def on_message(
        self, _client: AsyncBaseSocketModeClient, message: dict[str, Any], _raw: str | None
    ) -> None:
        self.kinds.append(str(message.get("type")))

    async def on_request(
        self, client: AsyncBaseSocketModeClient, request: SocketModeRequest
    ) -> None:
        self.requests.append(request)
        if len(self.requests) > self._overlooks:
            payload = {"text": "taken"} if request.accepts_response_payload else None
            await client.send_socket_mode_response(
                SocketModeResponse(envelope_id=request.envelope_id, payload=payload)
            )


@asynccontextmanager
async def listening(
    listener: Listener, setup: Setup | None = None
) -> AsyncIterator[tuple[Simulator, AsyncWebClient]]:
    setup = setup or Setup()
    async with asked(setup) as (sim, client):
        app = SocketModeClient(setup.app_token, web_client=client, ping_interval=0.2)
        app.message_listeners.append(listener.on_message)
        app.socket_mode_request_listeners.append(listener.on_request)
        await app.connect()  # type: ignore[no-untyped-call]  # the library's
        try:
            await until(lambda: "hello" in listener.kinds)
            yield sim, client
        finally:
            await app.close()  # type: ignore[no-untyped-call]  # the library's


async def test_a_socket_says_hello_and_carries_an_event_until_it_is_acknowledged() -> None:
    listener = Listener()
    async with listening(listener) as (sim, _):
        await sim.say(DANA, "", "my vpn is down")
        await sim.settled()
        (request,) = listener.requests
        assert (request.type, request.payload["event"]["text"]) == ("events_api", "my vpn is down")
        assert [(d.kind, d.attempt, d.status) for d in sim.wire.log] == [("event", 0, 200)]


async def test_what_a_command_is_acknowledged_with_is_shown_to_its_sender() -> None:
    listener = Listener()
    async with listening(listener) as (sim, _):
        await sim.command(DANA, HELP, "help")
        assert listener.requests[0].type == "slash_commands"
        assert [m.text for m in sim.seen(DANA, HELP)] == ["taken"]
        assert sim.seen(OMAR, HELP) == []


async def test_a_socket_that_slack_refreshes_is_opened_again() -> None:
    listener = Listener()
    async with listening(listener) as (sim, _):
        await sim.server.disconnect()
        await until(lambda: listener.kinds.count("hello") == 2)
        await sim.say(DANA, "", "still there?")
        await sim.settled()
        assert [r.payload["event"]["text"] for r in listener.requests] == ["still there?"]


async def test_an_event_that_is_not_acknowledged_comes_again_as_itself() -> None:
    listener = Listener(overlooks=1)
    async with listening(listener, Setup(retry_waits=(0.0,))) as (sim, _):
        await sim.say(DANA, "", "hello?")
        await sim.settled()
        first, second = listener.requests
        assert (first.retry_attempt, second.retry_attempt) == (0, 1)
        assert first.payload["event_id"] == second.payload["event_id"]
        assert [d.status for d in sim.wire.log] == [None, 200]


async def test_only_the_app_token_opens_a_socket() -> None:
    async with asked() as (_, client):
        no = await refused(client.apps_connections_open(app_token="xapp-other"))
        assert no["error"] == "invalid_auth"
