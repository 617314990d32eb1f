"""Ask a chat model for a structured answer, within limits. Whatever comes back is a value, never an error."""

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from pydantic import BaseModel, ValidationError

Outcome = Literal["ok", "malformed", "timeout", "error", "canary"]
Tally = Callable[[str, str], None]
"""Counts what came of asking: (what for, outcome)."""
Shape = TypeVar("Shape", bound=BaseModel)

_FENCED = re.compile(r"\A\s*```(?:json)?\s*\n(.*)\n\s*```\s*\Z", re.DOTALL)
_CHARS_PER_TOKEN = 8
"""More than any tokenizer packs into a token on average: what is longer ignored the limit."""
_AGAIN = "That was not the JSON object asked for. Answer with that object and nothing else."


@dataclass(frozen=True, slots=True)
class ChatLimits:
    """How long and how often a chat model is asked."""

    seconds: float = 6.0
    """For one task of a turn, retries included."""
    retries: int = 1
    """How often it is asked again after an answer that can't be read."""
    max_tokens: int = 1_200
    """Of one answer."""


@dataclass(frozen=True, slots=True)
class Answer(Generic[Shape]):
    """What a task came to. `value` is there when `outcome` is ok."""

    outcome: Outcome
    value: Shape | None = None
    tries: int = 0
    tokens_in: int = 0
    tokens_out: int = 0

    def signals(self, use: str) -> dict[str, float | int | str]:
        """What is recorded of it."""
        found: dict[str, float | int | str] = {
            f"model.{use}": self.outcome,
            f"model.{use}.tries": self.tries,
        }
        if self.tokens_in or self.tokens_out:
            found |= {
                f"model.{use}.tokens_in": self.tokens_in,
                f"model.{use}.tokens_out": self.tokens_out,
            }
        return found


class ChatClient:
    """A chat model with its limits and the mark that its answers must not hold."""

    def __init__(
        self, model: BaseChatModel, name: str, limits: ChatLimits, canary: str, tally: Tally
    ) -> None:
        self.name = name
        self.canary = canary
        self._model = model
        self._limits = limits
        self._tally = tally
        named = type(model).model_fields
        known = {*named, *(field.alias for field in named.values() if field.alias)}
        # Not every provider has the parameter; for the others the length of the answer is the limit.
        self._options: dict[str, Any] = (
            {"max_tokens": limits.max_tokens} if "max_tokens" in known else {}
        )

    async def answer(
        self, use: str, instructions: str, data: Mapping[str, object], shape: type[Shape]
    ) -> Answer[Shape]:
        """Ask once, and again where the answer can't be read. Counted under `use`."""
        asked: list[BaseMessage] = [
            SystemMessage(instructions),
            HumanMessage(payload(data)),
        ]
        tries = _Tries()
        try:
            async with asyncio.timeout(self._limits.seconds):
                found = await self._until_read(asked, shape, tries)
        except TimeoutError:
            found = Answer("timeout", tries=tries.made)
        except Exception:  # noqa: BLE001  # a provider raises whatever it likes; the embedded part goes on
            found = Answer("error", tries=tries.made)
        self._tally(use, found.outcome)
        return found

    async def _until_read(
        self, asked: list[BaseMessage], shape: type[Shape], tries: "_Tries"
    ) -> Answer[Shape]:
        while True:
            message = await self._model.ainvoke(asked, **self._options)
            tries.count(message)
            text = str(message.text)
            if self._holds_canary(text):
                return tries.answer("canary", None)
            value = self._read(text, shape)
            if value is not None:
                return tries.answer("ok", value)
            if tries.made > self._limits.retries:
                return tries.answer("malformed", None)
            asked = [*asked, HumanMessage(_AGAIN)]

    def _holds_canary(self, text: str) -> bool:
        return self.canary in re.sub(r"[^0-9a-z]", "", text.lower())

    def _read(self, text: str, shape: type[Shape]) -> Shape | None:
        if len(text) > self._limits.max_tokens * _CHARS_PER_TOKEN:
            return None
        fenced = _FENCED.match(text)
        try:
            return shape.model_validate_json(fenced.group(1) if fenced else text)
        except ValidationError:
            return None


def payload(data: Mapping[str, object]) -> str:
    """Data as one JSON document: no text in it can end its own string and pass for instructions."""
    return json.dumps(data, ensure_ascii=False, indent=1)


class _Tries:
    """Counts the tries of one task and what they cost."""

    def __init__(self) -> None:
        self.made = 0
        self._tokens_in = 0
        self._tokens_out = 0

    def count(self, message: AIMessage) -> None:
        self.made += 1
        usage = message.usage_metadata
        if usage:
            self._tokens_in += usage["input_tokens"]
            self._tokens_out += usage["output_tokens"]

    def answer(self, outcome: Outcome, value: Shape | None) -> Answer[Shape]:
        return Answer(outcome, value, self.made, self._tokens_in, self._tokens_out)
