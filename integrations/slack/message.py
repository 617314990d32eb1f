"""A message of Slack as a value: blocks, and the plain words that notifications and readers use."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from integrations.shown.text import Block as Passage
from integrations.shown.text import Span, blocks

Block = dict[str, Any]

MAX_PART_CHARS = 2_900
"""Slack refuses sections of more than 3,000 characters; escaped signs count as they are written."""
_MAX_TEXT_CHARS = 3_900
_MAX_BUTTON_CHARS = 75
_STYLES = {"numbers": "ordered", "bullets": "bullet"}


@dataclass(frozen=True, slots=True)
class Message:
    """What is posted. `text` is what a screen reader or a notification says."""

    text: str
    blocks: tuple[Block, ...]

    def with_blocks(self, *more: Block) -> "Message":
        return Message(self.text, (*self.blocks, *more))


def plain(text: str, *more: Block) -> Message:
    """Words as they stand, and what follows them."""
    return Message(escaped(text)[:_MAX_TEXT_CHARS], (*rich(text), *more))


def escaped(text: str) -> str:
    """Nothing in the text is markup: no mention, no link, no channel."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def rich(text: str) -> tuple[Block, ...]:
    """Paragraphs and lists as rich text, in which no sign is markup. Each block fits Slack."""
    return tuple(
        {
            "type": "rich_text",
            "elements": [element for part in group for element in _elements(part)],
        }
        for group in _groups(text)
    )


def parts(text: str) -> list[str]:
    """A long text in well-formed pieces: between lines, or between words of a line that is too long."""
    found: list[str] = []
    for line in _short_lines(text):
        if found and len(found[-1]) + 1 + len(line) <= MAX_PART_CHARS:
            found[-1] += f"\n{line}"
        else:
            found.append(line)
    return found or [""]


def section(markup: str) -> Block:
    """A line of our own; what is put into it must be escaped."""
    return {"type": "section", "text": _markup(markup)}


def context(*markup: str) -> Block:
    """Small print."""
    shown = [_markup(part) for part in markup[:10]]
    return {"type": "context", "elements": shown}


def actions(lane: str, *elements: Block) -> Block:
    """Buttons. The block carries the lane in which a tap is worked on."""
    return {"type": "actions", "block_id": f"actions|{lane}", "elements": list(elements)}


def button(name: str, label: str, value: str, *, style: str | None = None) -> Block:
    found: Block = {
        "type": "button",
        "action_id": name,
        "text": {"type": "plain_text", "text": label[:_MAX_BUTTON_CHARS], "emoji": True},
        "value": value,
    }
    return found | ({"style": style} if style else {})


def menu(name: str, label: str, options: Sequence[tuple[str, str]]) -> Block:
    """A menu of (value, label)."""
    return {
        "type": "static_select",
        "action_id": name,
        "placeholder": {"type": "plain_text", "text": label[:150]},
        "options": [
            {"text": {"type": "plain_text", "text": shown[:75]}, "value": value}
            for value, shown in options
        ],
    }


def _markup(text: str) -> Block:
    """Slack makes no links and no mentions of what was not meant as one."""
    return {"type": "mrkdwn", "text": text[:MAX_PART_CHARS], "verbatim": True}


def _groups(text: str) -> Iterator[list[Passage]]:
    for part in parts(text):
        if found := blocks(part):
            yield found


def _elements(passage: Passage) -> list[Block]:
    if passage.kind == "paragraph":
        return [_line(passage.items[0], end="" if passage.leads_in else "\n")]
    listed: Block = {
        "type": "rich_text_list",
        "style": _STYLES[passage.kind],
        "elements": [_line(item) for item in passage.items],
    }
    if passage.kind == "numbers" and passage.start > 1:
        listed["offset"] = passage.start - 1
    return [listed]


def _line(spans: Sequence[Span], end: str = "") -> Block:
    shown = [
        {"type": "link", "url": span.text} if span.is_link else {"type": "text", "text": span.text}
        for span in spans
    ]
    if end:
        shown.append({"type": "text", "text": end})
    return {"type": "rich_text_section", "elements": shown}


def _short_lines(text: str) -> Iterator[str]:
    for line in text.splitlines():
        left = line
        while len(left) > MAX_PART_CHARS:
            cut = left.rfind(" ", 1, MAX_PART_CHARS)
            cut = cut if cut > 0 else MAX_PART_CHARS
            yield left[:cut]
            left = left[cut:].lstrip()
        yield left
