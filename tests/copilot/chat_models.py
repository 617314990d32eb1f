"""Chat models for tests: each answers what it was made with, through LangChain's own interface."""

import json
import time
from collections.abc import Callable
from pathlib import Path

from pydantic import PrivateAttr

from copilot.testing.honest import HonestModel
from copilot.testing.scripted import ScriptedModel, Task

Said = str | Exception | float


class Saying(ScriptedModel):
    """Says one thing after the other: a text, an error, or nothing for so many seconds."""

    said: list[object]
    _asked: list[Task] = PrivateAttr(default_factory=list)

    @property
    def asked(self) -> list[Task]:
        return self._asked

    def respond(self, task: Task) -> str:
        self._asked.append(task)
        answer = self.said[min(len(self._asked), len(self.said)) - 1]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, float):
            time.sleep(answer)
            return "{}"
        return str(answer)


def saying(*said: Said) -> Saying:
    return Saying(said=list(said))


def pointing(*statements: tuple[str, int]) -> str:
    return json.dumps({"statements": [{"text": t, "passage": n} for t, n in statements]})


def naming(*actions: str) -> str:
    return json.dumps({"requests": list(actions)})


class Meanwhile(HonestModel):
    """While it writes, something else happens."""

    def respond(self, task: Task) -> str:
        if not task.names_requests:
            STRICTER.happen()
        return super().respond(task)


class _Stricter:
    """A rule that an officer adds at that moment; set where the rules are."""

    rules: Path | None = None

    def happen(self) -> None:
        if self.rules is not None:
            (self.rules / "freeze.cedar").write_text(_FREEZE, "utf-8")


STRICTER = _Stricter()
_FREEZE = """
@id("freeze") @outcome("escalate")
@reason("Everything is decided by people today.")
forbid (principal, action, resource);
"""


def outcomes() -> tuple[list[tuple[str, str]], Callable[[str, str], None]]:
    """What was counted, and what counts it."""
    counted: list[tuple[str, str]] = []
    return counted, lambda use, outcome: counted.append((use, outcome))


def down() -> Saying:
    return saying(ConnectionError("no route"))


def babbling() -> Saying:
    return saying("Sure, I have reset it!")


def alarmed() -> Saying:
    return saying(naming("reset_mfa_other", "no_such_action", "ask_question"))


def redirecting() -> Saying:
    return saying(naming("conditional_access_exclusion"))
