"""Words reduced to what two tellings of the same step share. English; other languages keep their values only."""

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path

from evals.case import Value
from evals.documents import parsed

_DATA = Path(__file__).with_name("wording.yaml")
_WORD = re.compile(r"[^\W\d_][\w'-]{2,}")
_ENDINGS = (
    "ations",
    "ation",
    "ments",
    "ment",
    "ings",
    "ing",
    "ies",
    "ied",
    "ed",
    "es",
    "ly",
    "s",
    "e",
)
_SHORTEST = 3


class _Words(Value):
    empty: str
    same: Mapping[str, str]


def stems(text: str) -> list[str]:
    """The words of a text that carry meaning, reduced; `text` is in small letters."""
    empty = _empty()
    return [_stem(word) for word in _WORD.findall(text) if word not in empty]


@lru_cache(maxsize=32_768)
def _stem(word: str) -> str:
    """A word without its ending, and one word for all of its meaning."""
    same = _same()
    plain = _cut(same.get(word, word))
    return _cut(same.get(plain, plain))


def _cut(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST:
            word = word.removesuffix(ending)
            break
    return word[:-1] if len(word) > _SHORTEST and word[-1] == word[-2] else word


@cache
def _words() -> _Words:
    return _Words.model_validate(parsed(_DATA.read_text("utf-8")))


@cache
def _empty() -> frozenset[str]:
    return frozenset(_words().empty.split())


@cache
def _same() -> Mapping[str, str]:
    return {word: name for name, words in _words().same.items() for word in words.split()}
