"""Say something in Slack exactly once, whatever breaks on the way."""

from collections.abc import Mapping, Sequence
from typing import Any

from integrations.slack.client import Slack, SlackRefusedError
from integrations.slack.ledger import Ledger, Place
from integrations.slack.message import Message

_EVENT = "it_copilot_message"
_LOOK_BACK = 200
_UNCHANGEABLE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})


class Poster:
    """Messages under keys: the same key is said once."""

    def __init__(self, slack: Slack, ledger: Ledger) -> None:
        self._slack = slack
        self._ledger = ledger

    async def say(self, key: str, place: Place, message: Message) -> str:
        """Post a message; returns its `ts`. May raise `SlackUnavailableError`: then call again."""
        known = await self._ledger.post(key)
        if known is not None and known.ts is not None:
            return known.ts
        # Tried before, and nobody knows whether Slack took it: look, before saying it twice.
        ts = await self._found(key, place) if known is not None else None
        if ts is None:
            await self._ledger.trying(key, place)
            answer = await self._slack.call(
                place.team,
                "chat.postMessage",
                channel=place.channel,
                thread_ts=place.root,
                metadata=_metadata(key),
                unfurl_links=False,
                unfurl_media=False,
                **_content(message),
            )
            ts = str(answer["ts"])
        await self._ledger.posted(key, place.channel, ts)
        return ts

    async def open_stream(self, key: str, place: Place, title: str) -> str | None:
        """Begin a message that shows steps until its text is there; `None` where it can't be had.

        Its fate is not looked into: without it the text comes as a message of its own.
        """
        known = await self._ledger.post(key)
        if known is not None:
            return known.ts
        await self._ledger.trying(key, place)
        answer = await self._slack.call(
            place.team,
            "chat.startStream",
            channel=place.channel,
            thread_ts=place.root,
            task_display_mode="timeline",
            chunks=[_task(1, title, "in_progress")],
        )
        ts = str(answer["ts"])
        await self._ledger.posted(key, place.channel, ts)
        return ts

    async def stream_step(self, place: Place, ts: str, number: int, last: str, title: str) -> None:
        """Show that a step is done and the next one begins."""
        chunks = [_task(number - 1, last, "complete"), _task(number, title, "in_progress")]
        await self._slack.call(
            place.team, "chat.appendStream", channel=place.channel, ts=ts, chunks=chunks
        )

    async def end_stream(self, stream: str, key: str, place: Place, message: Message) -> bool:
        """The message as the end of what was streamed; says whether there was a stream to end."""
        opened = await self._ledger.post(stream)
        if opened is None or opened.ts is None or await self._ledger.post(key) is not None:
            return False
        try:
            await self._slack.call(
                place.team,
                "chat.stopStream",
                channel=place.channel,
                ts=opened.ts,
                blocks=list(message.blocks),
                metadata=_metadata(key),
            )
        except SlackRefusedError as error:
            # Slack closes a stream after some minutes, and loses what it held.
            if error.code != "message_not_in_streaming_state":
                raise
            if not await self.rewrite(place, opened.ts, message):
                return False
        await self._ledger.trying(key, place)
        await self._ledger.posted(key, place.channel, opened.ts)
        return True

    async def whisper(self, key: str, place: Place, member: str, message: Message) -> None:
        """Show a message to one person in a channel.

        Slack keeps no record of these, so one whose fate is unknown is shown again.
        """
        known = await self._ledger.post(key)
        if known is not None and known.ts is not None:
            return
        await self._ledger.trying(key, place)
        answer = await self._slack.call(
            place.team,
            "chat.postEphemeral",
            channel=place.channel,
            user=member,
            thread_ts=place.root,
            **_content(message),
        )
        await self._ledger.posted(key, place.channel, str(answer.get("message_ts") or "0"))

    async def rewrite(self, place: Place, ts: str, message: Message) -> bool:
        """Replace a message; says whether it could be."""
        try:
            await self._slack.call(
                place.team, "chat.update", channel=place.channel, ts=ts, **_content(message)
            )
        except SlackRefusedError as error:
            if error.code in _UNCHANGEABLE:
                return False
            raise
        return True

    async def withdraw(self, key: str, team: str) -> None:
        """Delete what was said under the key, if anything."""
        known = await self._ledger.post(key)
        if known is None or known.ts is None:
            return
        try:
            await self._slack.call(team, "chat.delete", channel=known.channel, ts=known.ts)
        except SlackRefusedError as error:
            if error.code not in _UNCHANGEABLE:
                raise
        await self._ledger.gone(key)

    async def direct(self, team: str, member: str) -> Place:
        """The conversation between a person and the copilot."""
        answer = await self._slack.call(team, "conversations.open", users=member)
        return Place(team, str(answer["channel"]["id"]))

    async def _found(self, key: str, place: Place) -> str | None:
        method = "conversations.replies" if place.root else "conversations.history"
        try:
            answer = await self._slack.call(
                place.team,
                method,
                channel=place.channel,
                ts=place.root,
                include_all_metadata=True,
                limit=_LOOK_BACK,
            )
        except SlackRefusedError:
            return None
        return _with_key(answer.get("messages") or [], key)


def _with_key(messages: Sequence[Mapping[str, Any]], key: str) -> str | None:
    for message in messages:
        told = (message.get("metadata") or {}).get("event_payload") or {}
        if told.get("key") == key:
            return str(message["ts"])
    return None


def _metadata(key: str) -> dict[str, object]:
    return {"event_type": _EVENT, "event_payload": {"key": key}}


def _task(number: int, title: str, status: str) -> dict[str, str]:
    return {"type": "task_update", "id": str(number), "title": title, "status": status}


def _content(message: Message) -> dict[str, object]:
    return {"text": message.text, "blocks": list(message.blocks)}
