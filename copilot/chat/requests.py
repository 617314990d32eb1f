"""The chat model as second recogniser: it may name more requested actions, and can take none away."""

from collections.abc import Mapping
from dataclasses import replace

from pydantic import BaseModel, ConfigDict, Field

from copilot.chat.client import ChatClient
from copilot.prompts.instructions import instructions
from copilot.understanding.message import SeenAction, Understanding
from policies.catalogue import ASK_QUESTION

USE = "requests"


class Named(BaseModel):
    """What the model answers."""

    model_config = ConfigDict(extra="forbid", strict=True)

    requests: list[str] = Field(max_length=200)


class SecondReader:
    """Adds what a chat model sees to what the embedded recogniser saw.

    It reads the message and nothing else: what stands in articles, names or history can't request
    anything.
    """

    def __init__(self, client: ChatClient, actions: Mapping[str, str]) -> None:
        """`actions` are the ids of the catalogue with their titles."""
        self._client = client
        asked_for = {id_: title for id_, title in actions.items() if id_ != ASK_QUESTION.id}
        self._actions = frozenset(asked_for)
        listed = "\n".join(f"{action}: {title}" for action, title in sorted(asked_for.items()))
        self._told = instructions("requests", canary=client.canary, actions=listed)

    async def add(self, read: Understanding) -> Understanding:
        """The same reading with the model's actions; with a failing model, the same reading."""
        answer = await self._client.answer(USE, self._told, {"message": read.text}, Named)
        named = dict.fromkeys(answer.value.requests) if answer.value else {}
        seen = {action.action for action in read.actions}
        added = tuple(
            SeenAction(action, 1.0, read.text, seen_by="model")
            for action in named
            if action in self._actions and action not in seen
        )
        unknown = sum(action not in self._actions for action in named)
        notes = {
            **answer.signals(USE),
            "model.requests.added": len(added),
            "model.requests.unknown": unknown,
        }
        return replace(read, actions=(*read.actions, *added), notes=notes)
