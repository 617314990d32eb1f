"""Read an article's section as the lists that a person would follow."""

import re
from dataclasses import dataclass

from knowledge.article import Article, Section

_ITEM = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+(.*)$")
_BOLD = re.compile(r"\*\*(.+?)\*\*")
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9\"'(])")


@dataclass(frozen=True, slots=True)
class Block:
    """One list or paragraph of a section, with the platform it is for."""

    section: str
    heading: str
    platform: str | None
    items: tuple[str, ...]


def blocks(sections: tuple[Section, ...]) -> tuple[Block, ...]:
    return tuple(
        Block(section.path, section.heading, section.platform, items(section.text))
        for section in sections
        if section.text.strip()
    )


def items(text: str) -> tuple[str, ...]:
    """List items with their continuation lines, or the paragraphs where there is no list."""
    found: list[str] = []
    listed = any(_ITEM.match(line) for line in text.splitlines())
    for line in text.splitlines():
        match = _ITEM.match(line)
        if match:
            found.append(match.group(1).strip())
        elif not line.strip():
            if not listed and found and found[-1]:
                found.append("")
        elif found and found[-1]:
            found[-1] = f"{found[-1]} {line.strip()}"
        else:
            found = [item for item in found if item] + [line.strip()]
    return tuple(item for item in found if item)


def sentences(text: str) -> tuple[str, ...]:
    return tuple(s.strip() for s in _SENTENCE.split(" ".join(text.split())) if s.strip())


def plain(text: str) -> str:
    """Without emphasis marks: what a chat window shows best everywhere."""
    return _BOLD.sub(r"\1", text)


def of_kind(article: Article, kind: str) -> tuple[Section, ...]:
    return tuple(section for section in article.sections if section.kind == kind)
