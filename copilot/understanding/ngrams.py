"""Hashed word and character n-grams: what typos and other languages leave recognisable."""

import re
from functools import lru_cache
from itertools import pairwise
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

BUCKETS = 1 << 14
_WORD = re.compile(r"\w+", re.UNICODE)


@lru_cache(maxsize=32)
def buckets(text: str) -> NDArray[np.int64]:
    """Distinct hash buckets of a text's words, word pairs and 3- to 5-character pieces.

    Every classifier asks for the same few texts of a message, so the last ones are kept.
    """
    words = _WORD.findall(text.lower())[:400]
    pieces = {bucket for word in words for bucket in _pieces(word)}
    pieces.update(_bucket(f"{a}_{b}") for a, b in pairwise(words))
    found = np.fromiter(sorted(pieces), dtype=np.int64, count=len(pieces))
    found.flags.writeable = False
    return found


@lru_cache(maxsize=20_000)
def _pieces(word: str) -> tuple[int, ...]:
    padded = f"<{word}>"
    grams = {padded[i : i + n] for n in (3, 4, 5) for i in range(len(padded) - n + 1)}
    return tuple({_bucket(gram) for gram in grams} | {_bucket(f"w:{word}")})


def _bucket(piece: str) -> int:
    return crc32(piece.encode()) % BUCKETS
