"""Whether a text says what another one states: every hard token, and nine words of ten."""

import re
from collections.abc import Sequence
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+(?:[-.:/@][^\W_]+)*", re.UNICODE)
_HARD = re.compile(r"\d|https?://|www\.|@|\.exe\b|[A-Z]{2,}-|/|\\")
_LIST_MARK = re.compile(r"^(?:[-*+•] |\d+[.)] )")
_MIN_SUPPORT = 0.9
_MIN_SHARE = 0.5
"""Share of a sentence's words that a text must have to mean this sentence and no other."""


def covers(source: str, text: str) -> bool:
    """Whether `source` supports `text`: all numbers, links, codes and names, and most words."""
    there = _known(source)
    found = tokens(text)
    if not found:
        return True
    missing = [token for token in found if token not in there]
    if any(_is_hard(token) for token in missing):
        return False
    return len(found) - len(missing) >= _MIN_SUPPORT * len(found)


def meant(text: str, units: Sequence[str]) -> int | None:
    """Which of the units a text quotes, however loosely; none where it says anything else."""
    own = frozenset(tokens(text))
    shares = [
        (len(own & _known(unit)) / len(_known(unit)), -number)
        for number, unit in enumerate(units)
        if own and _known(unit) and covers(unit, text)
    ]
    best, number = max(shares, default=(0.0, 0))
    return -number if best >= _MIN_SHARE else None


@lru_cache(maxsize=256)
def _known(source: str) -> frozenset[str]:
    """Tokens of a passage; a reply quotes the same few passages many times."""
    return frozenset(tokens(source))


def tokens(text: str) -> list[str]:
    return [token.lower() for token in _WORD.findall(_LIST_MARK.sub("", text))]


def _is_hard(token: str) -> bool:
    return bool(_HARD.search(token))
