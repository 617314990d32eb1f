"""Our correlation ids as every vendor stores and finds them. Pure.

What vendors search by takes some characters for operators (`^`, `,`, quotes, spaces) and some for others (upper and
lower case). An id of small letters, digits, `.` and `-` stays as it is; what is left is written as `_` and its bytes.
"""

import re

_WRITTEN = re.compile(r"_([0-9a-f]{2})")
_KEPT = re.compile(r"[a-z0-9.-]")


def plain(correlation_id: str) -> str:
    whole = correlation_id.encode("utf-8", "replace").decode("utf-8")
    return "".join(_as_plain(character) for character in whole)


def original(plain_id: str) -> str:
    """What `plain` was made of."""
    parts = _WRITTEN.split(plain_id)
    # Every second part is the number of a byte; the others are text as it was.
    written = (
        bytes([int(part, 16)]) if position % 2 else part.encode()
        for position, part in enumerate(parts)
    )
    return b"".join(written).decode("utf-8", "replace")


def _as_plain(character: str) -> str:
    if _KEPT.fullmatch(character) or _is_other_letter(character):
        return character
    return "".join(f"_{byte:02x}" for byte in character.encode())


def _is_other_letter(character: str) -> bool:
    return not character.isascii() and character.isprintable() and character == character.lower()
