"""The methods of the Web API. Each takes the workspace and the arguments and answers as Slack would."""

from collections.abc import Callable, Mapping
from typing import Any

from integrations.sandbox.slack.checking import faults, view_faults
from integrations.sandbox.slack.workspace import Channel, Message, Stream, Trigger, View, Workspace

Arguments = Mapping[str, Any]
Answer = dict[str, Any]
_MAX_TEXT, _MAX_STREAMED = 40_000, 12_000
_PAGE = 100
_MAX_PROMPTS = 4


class RefusedError(Exception):
    """Slack's no: its code, and what stands beside it."""

    def __init__(self, code: str, **more: object) -> None:
        super().__init__(code)
        self.answer: Answer = {"ok": False, "error": code, **more}


def auth_test(space: Workspace, _given: Arguments) -> Answer:
    bot = space.users[space.bot]
    return {
        "url": "https://workspace.slack.example/", "team": "Simulated", "user": bot.name, "team_id": space.team,
        "user_id": bot.id, "bot_id": space.bot_id, "is_enterprise_install": False,
    }  # fmt: skip


def post_message(space: Workspace, given: Arguments) -> Answer:
    channel = _channel(space, given, opens=True)
    message = _made(space, channel, given)
    space.post(message)
    return {"channel": channel.id, "ts": message.ts, "message": message.shown()}


def post_ephemeral(space: Workspace, given: Arguments) -> Answer:
    channel, user = _channel(space, given), str(given.get("user") or "")
    if user not in channel.members:
        raise RefusedError("user_not_in_channel")
    message = _made(space, channel, given)
    message.only_for = user
    space.post(message)
    return {"message_ts": message.ts}


def update(space: Workspace, given: Arguments) -> Answer:
    channel, message = _own_message(space, given, "cant_update_message")
    text, blocks = _content(given)
    message.text, message.blocks, message.edited = text, blocks, space.stamp()
    if given.get("metadata"):
        message.metadata = dict(given["metadata"])
    return {"channel": channel.id, "ts": message.ts, "text": text, "message": message.shown()}


def delete(space: Workspace, given: Arguments) -> Answer:
    channel, message = _own_message(space, given, "cant_delete_message")
    channel.messages.remove(message)
    return {"channel": channel.id, "ts": message.ts}


def start_stream(space: Workspace, given: Arguments) -> Answer:
    channel = _channel(space, given)
    thread = str(given.get("thread_ts") or "")
    if channel.find(thread) is None:
        raise RefusedError("invalid_thread_ts")
    if channel.kind != "im" and not given.get("recipient_user_id"):
        raise RefusedError("missing_recipient_user_id")
    message = Message(
        space.stamp(), channel.id, space.bot, "", [], thread, space.bot_id,
        stream=Stream(space.clock()),
    )  # fmt: skip
    _stream_on(message, given)
    space.post(message)
    return {"channel": channel.id, "ts": message.ts}


def append_stream(space: Workspace, given: Arguments) -> Answer:
    channel, message, _ = _streaming(space, given)
    _stream_on(message, given)
    return {"channel": channel.id, "ts": message.ts}


def stop_stream(space: Workspace, given: Arguments) -> Answer:
    channel, message, stream = _streaming(space, given)
    if found := faults(given.get("blocks") or []):
        raise RefusedError("invalid_blocks", response_metadata={"messages": found})
    _stream_on(message, given)
    stream.is_open = False
    message.blocks = list(given.get("blocks") or [])
    if isinstance(given.get("metadata"), Mapping):
        message.metadata = dict(given["metadata"])
    return {"channel": channel.id, "ts": message.ts, "message": message.shown()}


def permalink(space: Workspace, given: Arguments) -> Answer:
    channel = _channel(space, given)
    if channel.find(str(given.get("message_ts"))) is None:
        raise RefusedError("message_not_found")
    place = f"{channel.id}/p{str(given['message_ts']).replace('.', '')}"
    return {"channel": channel.id, "permalink": f"https://workspace.slack.example/archives/{place}"}


def open_conversation(space: Workspace, given: Arguments) -> Answer:
    user = str(given.get("users") or "")
    if not user:
        raise RefusedError("users_list_not_supplied")
    if user not in space.users:
        raise RefusedError("user_not_found")
    known = len(space.channels)
    opened: Answer = {"channel": {"id": space.direct(user).id}}
    is_new = len(space.channels) > known
    return opened if is_new else {"no_op": True, "already_open": True, **opened}


def history(space: Workspace, given: Arguments) -> Answer:
    channel = _channel(space, given)
    found = [m for m in channel.messages if m.only_for is None and m.thread_ts in (None, m.ts)]
    return _page(channel, list(reversed(found)), given)


def replies(space: Workspace, given: Arguments) -> Answer:
    channel, root = _channel(space, given), str(given.get("ts") or "")
    found = [m for m in channel.messages if m.only_for is None and root in (m.ts, m.thread_ts)]
    if not found:
        raise RefusedError("thread_not_found")
    return _page(channel, found, given)


def conversation(space: Workspace, given: Arguments) -> Answer:
    channel = _channel(space, given)
    told = {
        "id": channel.id, "is_im": channel.kind == "im", "is_channel": channel.kind == "channel",
        "is_group": channel.kind == "group", "is_private": channel.kind != "channel", "is_mpim": False,
        "is_archived": False, "is_member": space.bot in channel.members,
    }  # fmt: skip
    if channel.kind != "im":
        return {"channel": {**told, "name": channel.name, "name_normalized": channel.name}}
    return {"channel": {**told, "user": next(iter(channel.members - {space.bot}))}}


def user_info(space: Workspace, given: Arguments) -> Answer:
    user = space.users.get(str(given.get("user") or ""))
    if user is None:
        raise RefusedError("user_not_found")
    told = {
        "id": user.id, "team_id": user.team or space.team, "name": user.name.lower().replace(" ", "."),
        "real_name": user.name, "deleted": user.deleted, "is_bot": user.is_bot, "tz": user.timezone,
        "is_restricted": user.is_restricted, "is_ultra_restricted": user.is_ultra_restricted,
        "profile": {"real_name": user.name, "display_name": user.name, "email": user.email},
    }  # fmt: skip
    return {"user": told | ({"is_stranger": True} if user.is_stranger else {})}


def by_email(space: Workspace, given: Arguments) -> Answer:
    sought = str(given.get("email") or "").casefold()
    for user in space.users.values():
        if user.email and user.email.casefold() == sought:
            return user_info(space, {"user": user.id})
    raise RefusedError("users_not_found")


def open_view(space: Workspace, given: Arguments) -> Answer:
    trigger = space.redeem(str(given.get("trigger_id") or ""))
    if not isinstance(trigger, Trigger):
        raise RefusedError(trigger)
    view = _view(given)
    name = space.name("V")
    space.views[name] = View(name, trigger.user, view, space.name("hash."))
    return {"view": space.shown_view(space.views[name])}


def update_view(space: Workspace, given: Arguments) -> Answer:
    known = space.views.get(str(given.get("view_id") or ""))
    if known is None:
        raise RefusedError("not_found")
    _same_hash(given, known.hash)
    known.view, known.hash = _view(given), space.name("hash.")
    return {"view": space.shown_view(known)}


def publish(space: Workspace, given: Arguments) -> Answer:
    user = str(given.get("user_id") or "")
    if user not in space.users:
        raise RefusedError("user_not_found")
    known = space.homes.get(user)
    if known is not None:
        _same_hash(given, str(known["hash"]))
    name = space.name("V") if known is None else str(known["id"])
    space.homes[user] = space.shown_view(View(name, user, _view(given), space.name("hash.")))
    return {"view": space.homes[user]}


def set_status(space: Workspace, given: Arguments) -> Answer:
    channel = _channel(space, given, name="channel_id")
    space.statuses[channel.id, str(given.get("thread_ts") or "")] = str(given.get("status") or "")
    return {}


def set_prompts(space: Workspace, given: Arguments) -> Answer:
    channel, prompts = _channel(space, given, name="channel_id"), given.get("prompts") or []
    if not 1 <= len(prompts) <= _MAX_PROMPTS or not all(
        p.get("title") and p.get("message") for p in prompts
    ):
        raise RefusedError("invalid_arguments")
    space.prompts[channel.id] = prompts
    return {}


def set_session(space: Workspace, given: Arguments) -> Answer:
    channel, status = _channel(space, given, name="channel_id"), given.get("status")
    if status not in ("processing", "active", "suspended", "closed"):
        raise RefusedError("invalid_arguments")
    known = space.sessions.setdefault((channel.id, str(given.get("thread_ts") or "")), {})
    known["status"] = str(status)
    if given.get("title"):
        known["title"] = str(given["title"])
    return {}


def react(space: Workspace, given: Arguments) -> Answer:
    channel = _channel(space, given)
    message = channel.find(str(given.get("timestamp") or ""))
    if message is None:
        raise RefusedError("message_not_found")
    if not given.get("name"):
        raise RefusedError("invalid_name")
    users = message.reactions.setdefault(str(given["name"]), [])
    if space.bot in users:
        raise RefusedError("already_reacted")
    users.append(space.bot)
    return {}


def installed(space: Workspace, given: Arguments) -> Answer:
    """The end of an installation: a code for the bot's token, once."""
    if str(given.get("code") or "") not in space.codes:
        raise RefusedError("invalid_code")
    space.codes.remove(str(given["code"]))
    return {
        "app_id": space.app, "token_type": "bot", "access_token": space.bot_token,
        "scope": str(given.get("scope") or "chat:write"), "bot_user_id": space.bot,
        "team": {"id": space.team, "name": "Simulated"}, "enterprise": None,
        "authed_user": {"id": "U0ADMIN"}, "is_enterprise_install": False,
    }  # fmt: skip


def nothing(_space: Workspace, _given: Arguments) -> Answer:
    return {}


Method = Callable[[Workspace, Arguments], Answer]
METHODS: Mapping[str, tuple[Method, str | None]] = {
    "api.test": (nothing, None),
    "auth.test": (auth_test, None),
    "oauth.v2.access": (installed, None),
    "chat.postMessage": (post_message, "chat:write"),
    "chat.postEphemeral": (post_ephemeral, "chat:write"),
    "chat.update": (update, "chat:write"),
    "chat.delete": (delete, "chat:write"),
    "chat.startStream": (start_stream, "chat:write"),
    "chat.appendStream": (append_stream, "chat:write"),
    "chat.stopStream": (stop_stream, "chat:write"),
    "chat.getPermalink": (permalink, None),
    "conversations.open": (open_conversation, "im:write"),
    "conversations.history": (history, "{kind}:history"),
    "conversations.replies": (replies, "{kind}:history"),
    "conversations.info": (conversation, "{kind}:read"),
    "users.info": (user_info, "users:read"),
    "users.lookupByEmail": (by_email, "users:read.email"),
    "views.open": (open_view, None),
    "views.update": (update_view, None),
    "views.publish": (publish, None),
    "assistant.threads.setStatus": (set_status, "assistant:write"),
    "assistant.threads.setSuggestedPrompts": (set_prompts, "assistant:write"),
    "agents.sessions.setStatus": (set_session, "assistant:write"),
    "reactions.add": (react, "reactions:write"),
}
"""Every method with the scope it needs; `{kind}` is the kind of its channel."""
FORM_ONLY = frozenset({
    "chat.getPermalink", "conversations.history", "conversations.info", "conversations.replies",
    "users.info", "users.lookupByEmail",
})  # fmt: skip
"""The methods that read their arguments from a form or the address, and overlook a JSON body."""
_KINDS = {"im": "im", "channel": "channels", "group": "groups"}


def needed_scope(space: Workspace, method: str, given: Arguments) -> str | None:
    """The scope that a call needs; none where its channel is not known, which is refused anyway."""
    scope = METHODS[method][1]
    if scope is None or "{" not in scope:
        return scope
    channel = space.channels.get(str(given.get("channel") or ""))
    return scope.format(kind=_KINDS[channel.kind]) if channel else None


def _streaming(space: Workspace, given: Arguments) -> tuple[Channel, Message, Stream]:
    channel, message = _own_message(space, given, "message_not_owned_by_app")
    stream = message.stream
    if stream is not None and space.clock() - stream.opened > space.stream_seconds:
        stream.is_open = False
    if stream is None or not stream.is_open:
        raise RefusedError("message_not_in_streaming_state")
    return channel, message, stream


def _stream_on(message: Message, given: Arguments) -> None:
    text = str(given.get("markdown_text") or "")
    if len(text) > _MAX_STREAMED:
        raise RefusedError("msg_too_long")
    message.text += text
    for chunk in given.get("chunks") or []:
        if chunk.get("type") == "task_update" and message.stream is not None:
            message.stream.tasks[str(chunk["id"])] = f"{chunk['title']} ({chunk['status']})"


def _made(space: Workspace, channel: Channel, given: Arguments) -> Message:
    text, blocks = _content(given)
    thread = str(given.get("thread_ts") or "") or None
    if thread is not None and channel.find(thread) is None:
        thread = None  # Slack starts a new message where the thread is gone.
    metadata = given.get("metadata")
    return Message(
        space.stamp(), channel.id, space.bot, text, blocks, thread, space.bot_id,
        dict(metadata) if isinstance(metadata, Mapping) else None,
    )  # fmt: skip


def _content(given: Arguments) -> tuple[str, list[dict[str, Any]]]:
    text, blocks = str(given.get("text") or ""), given.get("blocks") or []
    if not text and not blocks:
        raise RefusedError("no_text")
    if found := faults(blocks):
        raise RefusedError("invalid_blocks", response_metadata={"messages": found})
    return text[:_MAX_TEXT], list(blocks)


def _view(given: Arguments) -> dict[str, Any]:
    view = given.get("view")
    if found := view_faults(view):
        raise RefusedError("invalid_arguments", response_metadata={"messages": found})
    return dict(view or {})


def _same_hash(given: Arguments, current: str) -> None:
    if given.get("hash") not in (None, "", current):
        raise RefusedError("hash_conflict")


def _channel(
    space: Workspace, given: Arguments, *, name: str = "channel", opens: bool = False
) -> Channel:
    sought = str(given.get(name) or "")
    if opens and sought in space.users:
        return space.direct(sought)  # A message to a person's id goes to their conversation.
    channel = space.channels.get(sought)
    if channel is None:
        raise RefusedError("channel_not_found")
    if space.bot not in channel.members:
        raise RefusedError("not_in_channel")
    return channel


def _own_message(space: Workspace, given: Arguments, refusal: str) -> tuple[Channel, Message]:
    channel = _channel(space, given)
    message = channel.find(str(given.get("ts") or ""))
    if message is None or message.only_for is not None:
        raise RefusedError("message_not_found")
    if message.user != space.bot:
        raise RefusedError(refusal)
    return channel, message


def _page(channel: Channel, messages: list[Message], given: Arguments) -> Answer:
    with_metadata = str(given.get("include_all_metadata") or "").lower() in ("true", "1")
    limit, start = int(given.get("limit") or _PAGE), int(given.get("cursor") or 0)
    shown = messages[start : start + limit]
    more = start + limit < len(messages)
    answer: Answer = {
        "messages": [m.shown(with_metadata=with_metadata) | _thread(channel, m) for m in shown],
        "has_more": more,
    }
    return answer | ({"response_metadata": {"next_cursor": str(start + limit)}} if more else {})


def _thread(channel: Channel, root: Message) -> dict[str, Any]:
    """What a message says of the thread below it."""
    below = [
        m for m in channel.messages
        if m.thread_ts == root.ts and m is not root and m.only_for is None
    ]  # fmt: skip
    if not below:
        return {}
    users = list(dict.fromkeys(m.user for m in below))
    return {
        "thread_ts": root.ts, "reply_count": len(below), "reply_users": users,
        "reply_users_count": len(users), "latest_reply": below[-1].ts,
    }  # fmt: skip
