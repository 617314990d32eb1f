"""What Slack sends, as the work that it means. Pure: a body in, a piece of work or nothing out.

Every piece carries the key that makes a redelivery harmless and the lane whose work is done in order.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Body = Mapping[str, Any]

ADDRESSED = frozenset({"message", "edit", "command", "shortcut", "tap", "submission"})
"""Kinds of which somebody waits to hear."""
_TOLD_SUBTYPES = ("", "file_share", "thread_broadcast")
"""Of the many subtypes those that are a person's own words."""
_MOST_FILES = 10
_MOST_CHARS = 40_000
"""The longest text that Slack itself lets pass."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """Something that Slack sent, as it is stored before Slack is told that it arrived."""

    kind: str
    key: str
    lane: str
    payload: dict[str, Any]


def of_event(body: Body) -> Arrival | None:
    """The work of an event, `None` for one that asks for nothing."""
    event = body.get("event") or {}
    made = _OF_EVENT.get(str(event.get("type")))
    if made is None or not body.get("event_id"):
        return None
    payload = made(event)
    if payload is None:
        return None
    kind, lane = str(payload.pop("kind")), str(payload.pop("lane"))
    team = str(body.get("team_id") or "")
    return Arrival(kind, f"event-{body['event_id']}", f"{team}:{lane}", {**payload, "team": team})


def of_command(body: Body, seal: str) -> Arrival:
    """`/it …`. `seal` tells this request from every other."""
    channel, user = str(body["channel_id"]), str(body["user_id"])
    payload = {
        "team": str(body.get("team_id") or ""),
        "user": user,
        "channel": channel,
        "text": _whole(body.get("text")).strip(),
        "ts": seal,
    }
    return Arrival("command", f"command-{seal}", f"{payload['team']}:command:{user}", payload)


def of_shortcut(body: Body, seal: str) -> Arrival:
    """The shortcut on a message, "Get IT help with this message"."""
    message, user = body.get("message") or {}, str(body["user"]["id"])
    payload = {
        "team": _team(body),
        "user": user,
        "channel": str(body["channel"]["id"]),
        "ts": str(message.get("ts") or body.get("message_ts") or ""),
        "thread_ts": str(message.get("thread_ts") or message.get("ts") or ""),
        "text": _whole(message.get("text")),
    }
    return Arrival("shortcut", f"shortcut-{seal}", f"{payload['team']}:shortcut:{user}", payload)


def of_tap(body: Body, seal: str) -> Arrival | None:
    """A button or a menu of one of our messages, or of App Home."""
    actions = body.get("actions") or [{}]
    action, holder = actions[0], body.get("container") or {}
    name, _, lane = str(action.get("block_id") or "").partition("|")
    team, user, said = _team(body), str(body["user"]["id"]), str(action.get("action_id") or "")
    if not said or said.startswith("link_"):
        return None
    payload = {
        "team": team,
        "user": user,
        "channel": str(holder.get("channel_id") or (body.get("channel") or {}).get("id") or ""),
        "message_ts": str(holder.get("message_ts") or ""),
        "is_ephemeral": bool(holder.get("is_ephemeral")),
        "action": said,
        "value": chosen_value(action),
        # Whose conversation it is about: "channel:root", or "ticket:id".
        "about": lane,
        "response_url": str(body.get("response_url") or ""),
    }
    return Arrival("tap", f"tap-{seal}", f"{team}:{lane or name or user}", payload)


def of_submission(body: Body, seal: str) -> Arrival:
    """A modal that was sent."""
    view, user = body["view"], str(body["user"]["id"])
    about = str(view.get("private_metadata") or "")
    payload = {
        "team": _team(body),
        "user": user,
        "modal": str(view.get("callback_id") or ""),
        "about": about,
        "values": entered(view),
    }
    return Arrival(
        "submission",
        f"view-{seal}",
        f"{payload['team']}:ticket:{about.rpartition('|')[2]}",
        payload,
    )


def chosen_value(action: Body) -> str:
    """What a button or a menu carries."""
    option = action.get("selected_option") or {}
    return str(option.get("value") or action.get("value") or "")


def entered(view: Body) -> dict[str, str]:
    """What was typed or chosen in a modal, by action."""
    blocks = (view.get("state") or {}).get("values") or {}
    found: dict[str, str] = {}
    for block in blocks.values():
        for name, state in block.items():
            found[str(name)] = _whole(chosen_value(state))
    return found


def seal_of(headers: Mapping[str, Sequence[str]], body: Body) -> str:
    """What tells a command or an interaction from every other.

    They carry no event id. Over HTTP the signature does (it covers time and body), over the socket
    the trigger, which Slack makes for every one of them.
    """
    signed = [*headers.get("x-slack-signature", ()), *headers.get("x-slack-request-timestamp", ())]
    shown = "\n".join(signed) or str(body.get("trigger_id") or body.get("action_ts") or body)
    return hashlib.sha256(shown.encode("utf-8", "replace")).hexdigest()[:32]


def _message(event: Body) -> dict[str, Any] | None:
    subtype = str(event.get("subtype") or "")
    if subtype == "message_changed":
        return _changed(event)
    if subtype == "message_deleted":
        return _deleted(event)
    if event.get("bot_id") or not event.get("user") or subtype not in _TOLD_SUBTYPES:
        return None
    direct = event.get("channel_type") == "im"
    if not direct and not event.get("thread_ts"):
        return None  # Said in a channel to others; a mention comes as an event of its own.
    return _said(event, "direct" if direct else "thread")


def _mention(event: Body) -> dict[str, Any] | None:
    if event.get("bot_id") or not event.get("user") or event.get("edited"):
        return None
    return _said(event, "mention")


def _said(event: Body, where: str) -> dict[str, Any]:
    channel, ts = str(event["channel"]), str(event["ts"])
    root = str(event.get("thread_ts") or ts)
    return {
        "kind": "message",
        "lane": f"{channel}:{root}",
        "where": where,
        "user": str(event["user"]),
        "channel": channel,
        "ts": ts,
        "root": root,
        "text": _whole(event.get("text")),
        "files": [
            {
                "name": _whole(file.get("name") or "file")[:200],
                "link": str(file.get("permalink") or ""),
            }
            for file in (event.get("files") or [])[:_MOST_FILES]
        ],
        # Another company's member of a shared channel.
        "from_team": str(event.get("user_team") or event.get("source_team") or ""),
    }


def _changed(event: Body) -> dict[str, Any] | None:
    message, before = event.get("message") or {}, event.get("previous_message") or {}
    if message.get("bot_id") or not message.get("user"):
        return None
    if message.get("text") == before.get("text"):
        return None  # A preview was added, or a reply counted.
    direct = event.get("channel_type") == "im"
    said = _said({**message, "channel": event["channel"]}, "direct" if direct else "thread")
    edited = message.get("edited") or {}
    return {**said, "kind": "edit", "edited": str(edited.get("ts") or event.get("ts") or "")}


def _deleted(event: Body) -> dict[str, Any] | None:
    before = event.get("previous_message") or {}
    if before.get("bot_id") or not before.get("user"):
        return None
    said = _said({**before, "channel": event["channel"]}, "direct")
    return {**said, "kind": "deletion", "text": "", "files": []}


def _opened(event: Body) -> dict[str, Any]:
    user, tab = str(event.get("user") or ""), str(event.get("tab") or "home")
    return {
        "kind": "opened",
        "lane": f"home:{user}",
        "user": user,
        "channel": str(event.get("channel") or ""),
        "tab": tab,
    }


def _stopped(event: Body) -> dict[str, Any]:
    channel, root = str(event.get("channel") or ""), str(event.get("thread_ts") or "")
    return {
        "kind": "stopped",
        # Not the conversation's own lane: it must not wait for what it stops.
        "lane": f"stop:{channel}:{root}",
        "user": str(event.get("user") or ""),
        "channel": channel,
        "root": root,
        "ts": str(event.get("event_ts") or ""),
    }


def _whole(text: object) -> str:
    """A text that can be stored: half a sign, as some programs send, becomes a question mark."""
    return str(text or "")[:_MOST_CHARS].encode("utf-8", "replace").decode("utf-8")


def _team(body: Body) -> str:
    return str((body.get("team") or {}).get("id") or (body.get("user") or {}).get("team_id") or "")


_OF_EVENT = {
    "message": _message,
    "app_mention": _mention,
    "app_home_opened": _opened,
    "agent_session_stopped": _stopped,
}
