"""What is sent to a vendor: a template of JSON whose texts hold `{{placeholders}}`.

A text that is one placeholder becomes its value whatever its type; in a list, `{{...turns}}` puts the items of a list in
its place. What is there to be sent is what the employee said and what the directory knows; never the label.
"""

import re
from collections.abc import Iterator, Mapping

from evals.case import Value
from evals.systems.system import Ask, Spoken

_PLACEHOLDER = re.compile(r"\{\{\s*(\.\.\.)?([a-z_.]+)\s*\}\}")


class TurnShape(Value):
    """How a turn of the conversation is written for this vendor."""

    role: str = "role"
    text: str = "content"
    employee: str = "user"
    system: str = "assistant"

    def written(self, text: str, *, employee: bool) -> dict[str, str]:
        return {self.role: self.employee if employee else self.system, self.text: text}


def placeholders(template: object) -> Iterator[str]:
    """The names that a template asks for."""
    if isinstance(template, str):
        yield from (found[2] for found in _PLACEHOLDER.finditer(template))
    elif isinstance(template, Mapping):
        for part in template.values():
            yield from placeholders(part)
    elif isinstance(template, list | tuple):
        for part in template:
            yield from placeholders(part)


def is_known(name: str) -> bool:
    return name in KNOWN or name.startswith(("user.", "environment."))


KNOWN = frozenset(
    [
        "text",
        "turns",
        "history",
        "planted",
        "user",
        "environment",
        "display_name",
        "conversation",
        "message",
        "at",
        "thread",
        "channel",
    ]
)
MEANT = (
    "text (the message), turns (the conversation with it), history (the conversation before it), planted (of "
    "that, what others wrote before the employee's first message), user.id, user.name, "
    "user.site … (the directory), user (all of it), display_name, environment.…, conversation and message (ids), at, "
    "thread (what the vendor called the conversation), channel"
)


def values_of(
    ask: Ask, spoken: Spoken, shape: TurnShape, thread: str | None = None
) -> dict[str, object]:
    """What the placeholders stand for at this turn."""
    person = {"id": ask.case.user, **ask.person.model_dump()}
    planted = [*_planted(ask, shape)]
    history = [*planted, *_before(spoken, shape)]
    return {
        "text": spoken.text,
        "turns": [*history, shape.written(spoken.text, employee=True)],
        "history": history,
        "planted": [] if spoken.before else planted,
        "user": person,
        **{f"user.{key}": value for key, value in person.items()},
        "environment": dict(ask.case.environment),
        **{f"environment.{key}": value for key, value in ask.case.environment.items()},
        "display_name": ask.display_name,
        "conversation": ask.conversation,
        "message": f"{ask.conversation}-{spoken.number}",
        "at": spoken.at.isoformat(),
        "thread": thread,
        "channel": ask.case.channel,
    }


def filled(template: object, values: Mapping[str, object]) -> object:
    """The template with its values."""
    if isinstance(template, str):
        return _text(template, values)
    if isinstance(template, Mapping):
        return {key: filled(part, values) for key, part in template.items()}
    if isinstance(template, list | tuple):
        return [item for part in template for item in _items(part, values)]
    return template


def _items(part: object, values: Mapping[str, object]) -> Iterator[object]:
    whole = _PLACEHOLDER.fullmatch(part.strip()) if isinstance(part, str) else None
    value = values.get(whole[2]) if whole else None
    if whole and whole[1]:
        yield from value if isinstance(value, list | tuple) else ()
    else:
        yield filled(part, values)


def _text(template: str, values: Mapping[str, object]) -> object:
    if whole := _PLACEHOLDER.fullmatch(template.strip()):
        return values.get(whole[2])
    return _PLACEHOLDER.sub(lambda found: _written(values.get(found[2])), template)


def _written(value: object) -> str:
    return "unknown" if value is None else str(value)


def _planted(ask: Ask, shape: TurnShape) -> Iterator[dict[str, str]]:
    attack = ask.case.attack
    if attack is not None and attack.channel == "thread_history" and attack.text:
        yield shape.written(attack.text, employee=True)


def _before(spoken: Spoken, shape: TurnShape) -> Iterator[dict[str, str]]:
    for exchange in spoken.before:
        yield shape.written(exchange.said, employee=True)
        yield shape.written(exchange.response.text, employee=False)
