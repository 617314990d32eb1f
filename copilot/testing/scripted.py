"""What the scripted chat models share: they read the two messages that a chat model is sent, and answer text."""

import json
from abc import abstractmethod
from typing import Any, NamedTuple

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult


class Task(NamedTuple):
    """What a model was sent."""

    instructions: str
    data: dict[str, Any]

    @property
    def names_requests(self) -> bool:
        """Whether it is to name requested actions; otherwise it is to write."""
        return "message" in self.data

    @property
    def passages(self) -> list[tuple[int, str]]:
        return [(each["number"], each["text"]) for each in self.data.get("passages", [])]


class ScriptedModel(BaseChatModel):
    """A chat model that needs no weights, no key and no network. A subclass says what it answers."""

    @abstractmethod
    def respond(self, task: Task) -> str: ...

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        answer = AIMessage(self.respond(_task(messages)))
        return ChatResult(generations=[ChatGeneration(message=answer)])

    async def _agenerate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        return self._generate(messages)


def _task(messages: list[BaseMessage]) -> Task:
    instructions = next((str(m.text) for m in messages if m.type == "system"), "")
    said = next((str(m.text) for m in messages if m.type == "human"), "{}")
    return Task(instructions, json.loads(said))
