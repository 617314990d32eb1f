"""Which language a message is written in.

The classifier trained on the utterances knows how people write to IT in the languages that the embedded
default can read; a general identifier is asked (and loaded) only for texts made of unknown words.
"""

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from functools import lru_cache

_SURE = 0.8
_KNOWN_SHARE = 0.34
_FEW_WORDS = 4
_WORD = re.compile(r"[^\W\d_]{3,}")


def choose(
    text: str, probabilities: Mapping[str, float], vocabulary: AbstractSet[str], fallback: str
) -> str:
    """ISO 639-1 code. Too short to tell is taken for `fallback`, the writer's language."""
    words = _WORD.findall(text.lower())
    known = sum(word in vocabulary for word in words)
    best = max(probabilities, key=lambda language: probabilities[language], default=fallback)
    if len(words) >= _FEW_WORDS and known < _KNOWN_SHARE * len(words):
        return _identified(text) or best
    if not words and not text.isascii():
        return _identified(text) or fallback
    return (
        best if probabilities.get(best, 0.0) >= _SURE else _between(probabilities, fallback, best)
    )


def _between(probabilities: Mapping[str, float], fallback: str, best: str) -> str:
    return (
        fallback if probabilities.get(fallback, 0.0) > 0.25 * probabilities.get(best, 1.0) else best
    )


def _identified(text: str) -> str | None:
    language, probability = _identifier().rank(text.lower())[0]
    return str(language) if probability > _SURE else None


@lru_cache(maxsize=1)
def _identifier():  # type: ignore[no-untyped-def]  # the library ships no types
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
