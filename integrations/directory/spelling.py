"""Whether two texts are one to a directory, whose rules for comparing are laxer than ours."""

import unicodedata

_OVERLOOKED = ("Cc", "Cf", "Mn")
"""Controls, invisible signs and accents."""


def is_spelling(said: str, asked: str) -> bool:
    """Whether a server may have found `said` for `asked`. Ids are still compared letter for letter."""
    return _folded(said) == _folded(asked)


def _folded(text: str) -> str:
    plain = (
        char
        for char in unicodedata.normalize("NFKD", text)
        if unicodedata.category(char) not in _OVERLOOKED
    )
    return " ".join("".join(plain).casefold().split())
