"""A plain view of a text in which evasions by Unicode are undone, with the way back.

Detection looks at the view; what is replaced is the original between the same characters.
"""

import unicodedata
from typing import NamedTuple

_TAGS = range(0xE0020, 0xE007F)
"""Invisible copies of ASCII, of use only to hide text."""

_LOOKALIKES = str.maketrans(
    "авеокмнрстухіјѕԁɡαοροκτυν‐‑‒–—−“”„‟‘’‚‛«»‹›",  # noqa: RUF001 - these are the look-alikes
    "abeokmhpctyxijsdgaopoktuv------\"\"\"\"''''\"\"''",
)


class Folded(NamedTuple):
    """`text[i]` stems from character `origin[i]` of the original."""

    text: str
    origin: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The stretch of the original that a stretch of the view stems from."""
        return self.origin[start], self.origin[end - 1] + 1


def fold(original: str, *, reveal_tags: bool = False) -> Folded:
    """Compatibility forms made plain, accents and invisible characters dropped.

    With `reveal_tags` the invisible tag characters are read as the letters they hide.
    """
    if original.isascii():
        return Folded(original, tuple(range(len(original))))
    letters: list[str] = []
    origin: list[int] = []
    for index, char in enumerate(original):
        plain = _plain(char, reveal_tags=reveal_tags)
        letters.append(plain)
        origin.extend([index] * len(plain))
    return Folded("".join(letters), tuple(origin))


def hides_tags(text: str) -> bool:
    return not text.isascii() and any(ord(char) in _TAGS for char in text)


def _plain(char: str, *, reveal_tags: bool) -> str:
    if char.isascii():
        return char
    if ord(char) in _TAGS:
        return chr(ord(char) - 0xE0000) if reveal_tags else ""
    if unicodedata.category(char) in {"Cf", "Mn", "Me"}:
        return ""
    parts = unicodedata.normalize("NFKD", char).translate(_LOOKALIKES)
    kept = (part for part in parts if unicodedata.category(part) not in {"Cf", "Mn", "Me"})
    return "".join(" " if part.isspace() and part != "\n" else part for part in kept)
