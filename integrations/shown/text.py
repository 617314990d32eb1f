"""A reply's plain text as blocks that a template can show. No markup in the text means anything."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

_NUMBERED = re.compile(r"(\d{1,3})[.)] +(.+)")
_BULLET = re.compile(r"[-•*] +(.+)")
_LINK = re.compile(r"https://[^\s<>\"'`{}|\\^]+")
_TRAILING = ".,;:!?…"
_BRACKETS = (("(", ")"), ("[", "]"))


@dataclass(frozen=True, slots=True)
class Span:
    """Words, or an address to link to."""

    text: str
    is_link: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph with one item, or a list."""

    kind: Literal["paragraph", "numbers", "bullets"]
    items: tuple[tuple[Span, ...], ...]
    start: int = 1
    """Number of the first item."""
    leads_in: bool = False
    """Whether the paragraph announces the list that follows it."""


def blocks(text: str) -> list[Block]:
    """Lines as paragraphs; neighbouring numbered or bulleted lines as one list."""
    found: list[Block] = []
    for line in text.splitlines():
        if not line.strip():
            continue
        block = _block(line.strip())
        last = found[-1] if found else None
        if last is not None and _continues(last, block):
            found[-1] = replace(last, items=(*last.items, *block.items))
        elif last is not None and _announces(last, block):
            found[-1:] = [replace(last, leads_in=True), block]
        else:
            found.append(block)
    return found


def spans(line: str) -> Iterator[Span]:
    """Words and https addresses, in order. Closing punctuation is not part of an address."""
    end = 0
    for match in _LINK.finditer(line):
        address = _trimmed(match[0])
        if match.start() > end:
            yield Span(line[end : match.start()])
        yield Span(address, is_link=True)
        end = match.start() + len(address)
    if end < len(line):
        yield Span(line[end:])


def _block(line: str) -> Block:
    if numbered := _NUMBERED.fullmatch(line):
        return Block("numbers", (tuple(spans(numbered[2])),), int(numbered[1]))
    if bullet := _BULLET.fullmatch(line):
        return Block("bullets", (tuple(spans(bullet[1])),))
    return Block("paragraph", (tuple(spans(line)),))


def _continues(last: Block, block: Block) -> bool:
    if block.kind != last.kind or block.kind == "paragraph":
        return False
    return block.kind == "bullets" or block.start == last.start + len(last.items)


def _announces(last: Block, block: Block) -> bool:
    words = last.items[0][-1].text
    return last.kind == "paragraph" and block.kind != "paragraph" and words.endswith(":")


def _trimmed(address: str) -> str:
    while True:
        shorter = address.rstrip(_TRAILING)
        for opening, closing in _BRACKETS:
            if shorter.endswith(closing) and shorter.count(opening) < shorter.count(closing):
                shorter = shorter[:-1]
        if shorter == address:
            return address
        address = shorter
