"""A chat model that does what it is told: it quotes the passages nearest to the question, word for word."""

import json
import re

from copilot.testing.scripted import ScriptedModel, Task

_WORD = re.compile(r"[^\W_]{4,}")
_ACTION = re.compile(r"^([a-z][a-z0-9_]*): (.+)$", re.MULTILINE)
_PASSAGES = 3


class HonestModel(ScriptedModel):
    """Same question, same answer."""

    @property
    def _llm_type(self) -> str:
        return "scripted-honest"

    def respond(self, task: Task) -> str:
        return _requests(task) if task.names_requests else _statements(task)


def _requests(task: Task) -> str:
    """Actions all of whose title's words stand in the message."""
    said = _words(str(task.data["message"]))
    listed = task.instructions.rpartition("Actions:")[2]
    named = [action for action, title in _ACTION.findall(listed) if _words(title) <= said]
    return json.dumps({"requests": named})


def _statements(task: Task) -> str:
    asked = _words(" ".join(task.data["question"]))
    ranked = sorted(task.passages, key=lambda each: -len(_words(each[1]) & asked))
    quoted = [
        {"text": line, "passage": number}
        for number, text in ranked[:_PASSAGES]
        for line in text.splitlines()
    ]
    return json.dumps({"statements": quoted[:60]})


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower()))
