"""Our simulated Slack beside an independent emulator: the same calls of the real client, the same answers.

What differs is listed with its reason. A difference that is new fails, and so does a listed one that is gone.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from integrations.sandbox.slack.simulator import HELP, Setup, account, running
from tests.slack_emulator import ALL, EMAIL, NARROW, ROOM, SCOPES, emulating, missing

pytestmark = [
    pytest.mark.enable_socket,
    pytest.mark.allow_hosts(["127.0.0.1"]),
    pytest.mark.skipif(missing() is not None, reason=missing() or ""),
]
DANA, NOBODY, NOWHERE, NEVER = account("dana.reed"), "U0NOBODY", "C0NOWHERE", "1700000000.000001"
BLOCKS = [{"type": "section", "text": {"type": "mrkdwn", "text": "*Fixed*"}}]
TITLE = {"type": "plain_text", "text": "Escalate"}
MODAL = {"type": "modal", "callback_id": "c", "title": TITLE, "blocks": BLOCKS}
METADATA = {"event_type": "said", "event_payload": {"key": "k1"}}
READS = {
    "conversations.history", "conversations.info", "conversations.replies", "users.info",
    "users.lookupByEmail",
}  # fmt: skip


class Seen(NamedTuple):
    """An answer without what is each workspace's own."""

    ok: bool
    error: str
    keys: frozenset[str]
    """Of the answer, and with a dot of the objects in it."""
    texts: tuple[str, ...]
    """What its messages say."""


@dataclass
class Side:
    """One of the two, and what was seen of it."""

    client: AsyncWebClient
    user: str
    email: str
    room: str
    trigger: Callable[[], Awaitable[str]]
    seen: dict[str, Seen] = field(default_factory=dict)

    async def ask(self, step: str, method: str, **given: object) -> Mapping[str, Any]:
        """Call as the product does: reads as a form, the rest as JSON."""
        try:
            if method in READS:
                answer = await self.client.api_call(method, data=dict(given))
            else:
                answer = await self.client.api_call(method, json=dict(given))
        except SlackApiError as error:
            answer = error.response
        told = answer.data if isinstance(answer.data, dict) else {}
        self.seen[step] = _seen(told)
        return told


def _seen(told: Mapping[str, Any]) -> Seen:
    messages = [*told.get("messages", ()), told.get("message")]
    return Seen(
        bool(told.get("ok")), str(told.get("error") or ""), frozenset(_keys(told)),
        tuple(str(message.get("text")) for message in messages if isinstance(message, dict)),
    )  # fmt: skip


def _keys(told: Mapping[str, Any], prefix: str = "") -> set[str]:
    found: set[str] = set()
    for name, value in told.items():
        found.add(prefix + name)
        if name in OBJECTS and isinstance(value, dict):
            found |= _keys(value, f"{prefix}{name}.")
        if name == "messages":
            found |= {key for each in value for key in _keys(each, "messages.")}
    return found


OBJECTS = ("message", "channel", "user", "profile", "view")
"""What is looked into; `blocks` and `metadata` are the caller's own."""


async def drive(side: Side) -> None:
    """The same conversation with both."""
    await _talk(side)
    await _look(side)
    await _show(side)


async def _talk(side: Side) -> None:
    ask, room = side.ask, side.room
    root = await ask("post", "chat.postMessage", channel=room, text="root", metadata=METADATA)
    ts = root["ts"]
    reply = await ask("post in thread", "chat.postMessage", channel=room, text="r", thread_ts=ts)
    await ask("post blocks", "chat.postMessage", channel=room, text="b", blocks=BLOCKS)
    await ask("post to a person", "chat.postMessage", channel=side.user, text="direct")
    await ask("post nowhere", "chat.postMessage", channel=NOWHERE, text="x")
    await ask("post nothing", "chat.postMessage", channel=room)
    await ask("whisper", "chat.postEphemeral", channel=room, user=side.user, text="psst")
    await ask("update", "chat.update", channel=room, ts=ts, text="root, edited")
    await ask("update unknown", "chat.update", channel=room, ts=NEVER, text="x")
    await ask("update to nothing", "chat.update", channel=room, ts=ts)
    await ask("react", "reactions.add", channel=room, timestamp=ts, name="eyes")
    await ask("react again", "reactions.add", channel=room, timestamp=ts, name="eyes")
    await ask("react to nothing", "reactions.add", channel=room, timestamp=NEVER, name="eyes")
    await ask("react with nothing", "reactions.add", channel=room, timestamp=ts)
    await ask("replies", "conversations.replies", channel=room, ts=ts)
    await ask("history", "conversations.history", channel=room)
    await ask("first page", "conversations.history", channel=room, limit="1")
    await ask("delete", "chat.delete", channel=room, ts=reply["ts"])
    await ask("delete again", "chat.delete", channel=room, ts=reply["ts"])
    await ask("replies without the deleted", "conversations.replies", channel=room, ts=ts)


async def _look(side: Side) -> None:
    ask = side.ask
    await ask("replies unknown", "conversations.replies", channel=side.room, ts=NEVER)
    await ask("history nowhere", "conversations.history", channel=NOWHERE)
    await ask("channel", "conversations.info", channel=side.room)
    await ask("channel unknown", "conversations.info", channel=NOWHERE)
    direct = await ask("open", "conversations.open", users=side.user)
    await ask("direct channel", "conversations.info", channel=direct["channel"]["id"])
    await ask("open unknown", "conversations.open", users=NOBODY)
    await ask("open nobody", "conversations.open")
    await ask("user", "users.info", user=side.user)
    await ask("user unknown", "users.info", user=NOBODY)
    await ask("address", "users.lookupByEmail", email=side.email)
    await ask("address unknown", "users.lookupByEmail", email="no@where.example")
    await ask("self", "auth.test")
    await ask("bad token", "auth.test", token="xoxb-wrong")
    await ask("unknown method", "chat.shout", channel=side.room)


async def _show(side: Side) -> None:
    ask, trigger = side.ask, await side.trigger()
    view = await ask("open view", "views.open", trigger_id=trigger, view=MODAL)
    await ask("open view again", "views.open", trigger_id=trigger, view=MODAL)
    await ask("open view, forged", "views.open", trigger_id="1.2.x", view=MODAL)
    known = {"view_id": view["view"]["id"], "view": MODAL}
    await ask("update view", "views.update", hash=view["view"]["hash"], **known)
    await ask("update view, late", "views.update", hash=view["view"]["hash"], **known)
    await ask("update view unknown", "views.update", view_id="V0NEVER", view=MODAL)
    home = {"type": "home", "blocks": BLOCKS}
    await ask("publish", "views.publish", user_id=side.user, view=home)
    await ask("publish, late", "views.publish", user_id=side.user, view=home, hash="old")
    await ask("publish for nobody", "views.publish", user_id=NOBODY, view=home)


async def drive_narrow(side: Side) -> None:
    """With a token that may only read users."""
    await side.ask("narrow: post", "chat.postMessage", channel=side.room, text="x")
    await side.ask("narrow: history", "conversations.history", channel=side.room)
    await side.ask("narrow: channel", "conversations.info", channel=side.room)
    await side.ask("narrow: user", "users.info", user=side.user)
    await side.ask("narrow: address", "users.lookupByEmail", email=side.email)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ours() -> AsyncIterator[dict[str, Seen]]:
    yield await _of_simulator(ALL, SCOPES, drive) | await _of_simulator(
        NARROW, ("users:read",), drive_narrow
    )


async def _of_simulator(
    token: str, scopes: tuple[str, ...], driven: Callable[[Side], Awaitable[None]]
) -> dict[str, Seen]:
    async with running(Setup(bot_token=token, scopes=frozenset(scopes))) as sim:

        async def trigger() -> str:
            return sim.space.trigger(DANA)

        client = AsyncWebClient(token, base_url=sim.api_url)
        side = Side(client, DANA, sim.space.users[DANA].email, HELP, trigger)
        await driven(side)
        return side.seen


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def theirs(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, Seen]]:
    async with emulating(tmp_path_factory.mktemp("emulator")) as address:
        side = await _of_emulator(address, ALL)
        await drive(side)
        narrow = replace(side, client=AsyncWebClient(NARROW, base_url=address), seen={})
        await drive_narrow(narrow)
        yield side.seen | narrow.seen


async def _of_emulator(address: str, token: str) -> Side:
    client = AsyncWebClient(token, base_url=address)
    rooms = (await client.api_call("conversations.list"))["channels"]
    user = (await client.api_call("users.lookupByEmail", data={"email": EMAIL}))["user"]["id"]

    async def trigger() -> str:
        made = await client.api_call("views.generateTriggerId", json={"user_id": user})
        return str(made["trigger_id"])

    room = next(room["id"] for room in rooms if room["name"] == ROOM)
    return Side(client, user, EMAIL, room, trigger)


def differences(ours: Mapping[str, Seen], theirs: Mapping[str, Seen]) -> dict[str, set[str]]:
    """Every difference, with the steps that show it."""
    found: dict[str, set[str]] = {}
    for step, our in ours.items():
        for told in _between(our, theirs[step]):
            found.setdefault(told, set()).add(step)
    return found


def _between(our: Seen, their: Seen) -> set[str]:
    if (our.ok, our.error) != (their.ok, their.error):
        return {f"ours: {our.error or 'ok'}, theirs: {their.error or ('ok' if their.ok else '-')}"}
    told = {f"only ours: {key}" for key in our.keys - their.keys}
    told |= {f"only theirs: {key}" for key in their.keys - our.keys}
    return told | ({f"texts: {our.texts} {their.texts}"} if our.texts != their.texts else set())


class Known(NamedTuple):
    """A difference that may be, why, and where it is to be seen."""

    why: str
    told: set[str]
    steps: set[str]


def _only(whose: str, keys: str, within: str = "") -> set[str]:
    return {f"only {whose}: {within}{key}" for key in keys.split()}


WRITTEN = {"post", "post blocks", "post in thread", "post to a person", "update"}
LISTED = {"first page", "history", "replies", "replies without the deleted"}
USERS = {"address", "narrow: user", "user"}
CHANNELS = {"channel", "direct channel"}
OF_APP = "app_id bot_id team"
KNOWN = (
    Known("The emulator takes an unknown token for its administrator.",
          {"ours: invalid_auth, theirs: ok"}, {"bad token"}),
    Known("The emulator has no thread_not_found: an unknown thread is empty.",
          {"ours: thread_not_found, theirs: ok"}, {"replies unknown"}),
    Known("The emulator answers an unknown method with a page of HTTP 404.",
          {"ours: unknown_method, theirs: -"}, {"unknown method"}),
    Known("Slack marks what an app wrote; the emulator does so on request only.",
          _only("ours", OF_APP, "message."), WRITTEN),
    Known("Slack marks what an app wrote; the emulator does so on request only.",
          _only("ours", OF_APP, "messages."), LISTED),
    Known("Slack tells these of a thread's root; the emulator has the count and the users only.",
          _only("ours", "latest_reply reply_users_count", "messages."), {"history", "replies"}),
    Known("Slack's root of a thread names itself as the thread; the emulator's does not.",
          _only("ours", "thread_ts", "messages."), {"history"}),
    Known("The emulator counts a reply for ever, Slack until it is deleted.",
          _only("theirs", "reply_count reply_users", "messages."), {"replies without the deleted"}),
    Known("The emulator keeps the count in the message; ours is counted when a thread is listed.",
          _only("theirs", "reply_count reply_users", "message."), {"update"}),
    Known("Ours shows metadata only to who asks with include_all_metadata, as Slack documents it.",
          _only("theirs", "metadata", "messages."), LISTED - {"first page"}),
    Known("The copilot never reads the metadata of what it just wrote.",
          _only("theirs", "metadata", "message."), {"post", "update"}),
    Known("Slack leaves the cursor out, or empty, where nothing follows.",
          _only("theirs", "response_metadata"), {"history"}),
    Known("Slack documents the one; the emulator tells the other.",
          _only("ours", "is_enterprise_install") | _only("theirs", "app_id"), {"self"}),
    Known("Who is a guest decides whom the copilot serves; the emulator knows no guests.",
          _only("ours", "is_restricted is_ultra_restricted tz", "user."), USERS),
    Known("The copilot reads nothing of it.",
          _only("theirs", "is_admin", "user.")
          | _only("theirs", "display_name_normalized huddle_state huddle_state_expiration_ts image_192"
                  " image_48 phone real_name_normalized skype status_emoji status_emoji_display_info"
                  " status_expiration status_text title", "user.profile."), USERS),
    Known("The copilot reads nothing of it.",
          _only("theirs", "created creator is_open last_read num_members purpose topic", "channel."),
          CHANNELS),
    Known("Slack's direct conversations have no name; the emulator's do.",
          _only("theirs", "name name_normalized", "channel."), {"direct channel"}),
)  # fmt: skip

READ = {
    "post": {"ts"},
    "whisper": {"message_ts"},
    "open": {"channel.id"},
    "self": {"user_id"},
    "replies": {"messages.ts", "messages.text", "messages.user", "messages.bot_id"},
    "history": {"messages.ts", "messages.text", "messages.user", "messages.bot_id"},
    "user": {"user.is_bot", "user.is_restricted", "user.is_ultra_restricted", "user.team_id",
             "user.profile.email"},
}  # fmt: skip
"""What the copilot reads of an answer."""


def test_only_known_differences(ours: dict[str, Seen], theirs: dict[str, Seen]) -> None:
    found = differences(ours, theirs)
    known: dict[str, set[str]] = {}
    for entry in KNOWN:
        for told in entry.told:
            known.setdefault(told, set()).update(entry.steps)
    assert found == known, "left what is seen, right what KNOWN lists"


def test_every_known_difference_has_its_reason() -> None:
    assert all(entry.why.endswith(".") and entry.told and entry.steps for entry in KNOWN)


@pytest.mark.parametrize("step", READ)
def test_what_the_copilot_reads_is_there(ours: dict[str, Seen], step: str) -> None:
    assert READ[step] <= ours[step].keys
