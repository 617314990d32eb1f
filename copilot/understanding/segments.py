"""Cut a message into the parts that are read one by one."""

import re
from collections.abc import Iterator

MAX_SEGMENTS = 5
_MIN_WORDS = 3
_CUT = re.compile(
    r"(?<=[.!?\uff1f])\s+|\n+|;\s+"
    r"|\s+(?=(?:and|also|plus|und|außerdem|en ook|ook|et aussi|y también|además)\b[\s,]+(?:can|could|how|what|is|do|does|please|i|my|kann|wie|kan|hoe|comment|puis|puedo|cómo)\b)",
    re.IGNORECASE,
)


_CLAUSE = re.compile(r"[,.;:!?]\s+|\s[-\u2013]\s|\n+")
_CLAUSE_WORDS = range(2, 10)


_ITEM = re.compile(r"(?:^|(?<=\s))(\d{1,2})[.)]\s+(?=\S)")


def enumerated(text: str) -> tuple[str, ...]:
    """The items of a message that numbers its questions ("1) … 2) …"); none where it does not."""
    marks = list(_ITEM.finditer(text))
    if [int(mark.group(1)) for mark in marks] != list(range(1, len(marks) + 1)) or len(marks) < 2:  # noqa: PLR2004
        return ()
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    items = [text[mark.end() : end].strip() for mark, end in zip(marks, ends, strict=True)]
    return tuple(item for item in items if item)[:MAX_SEGMENTS]


def clauses(text: str) -> tuple[str, ...]:
    """The short clauses of a message that has several: where a plea stands beside its problem."""
    pieces = [piece.strip() for piece in _CLAUSE.split(text)]
    if len(pieces) < 2:  # noqa: PLR2004
        return ()
    return tuple(piece for piece in pieces if len(piece.split()) in _CLAUSE_WORDS)[:MAX_SEGMENTS]


def segments(text: str) -> tuple[str, ...]:
    """Sentences and coordinated requests of a message, in order; short scraps join their neighbour."""
    parts: list[str] = []
    for piece in (part.strip() for part in _CUT.split(text)):
        if not piece:
            continue
        if parts and (len(piece.split()) < _MIN_WORDS or len(parts[-1].split()) < _MIN_WORDS):
            parts[-1] = f"{parts[-1]} {piece}"
        else:
            parts.append(piece)
    if len(parts) <= MAX_SEGMENTS:
        return tuple(parts)
    return (*parts[: MAX_SEGMENTS - 1], " ".join(parts[MAX_SEGMENTS - 1 :]))


def spelled_out(text: str) -> tuple[str, ...]:
    """What stands after the last colon of a message, where that is a sentence ("do it again: …")."""
    before, _, after = text.rpartition(": ")
    told = after.strip()
    return (told,) if before.strip() and len(told.split()) > _MIN_WORDS else ()


def sides(text: str) -> Iterator[tuple[str, str]]:
    """Both sides of every place where one sentence of a message ends, where either has two sentences."""
    pieces = segments(text)
    if len(pieces) < 3:  # noqa: PLR2004  # two sentences are read one by one
        return
    end = 0
    for piece in pieces[:-1]:
        start = text.find(piece, end)
        if start < 0:
            return
        end = start + len(piece)
        yield text[:end], text[end:].lstrip()
