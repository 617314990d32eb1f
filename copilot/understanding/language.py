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
_FEW_WORDS = 3
_WORD = re.compile(r"[^\W\d_]{3,}")
_LATIN_TO = "\u024f"
UNKNOWN = "und"
"""Words of no language that could be told."""


def choose(
    text: str,
    probabilities: Mapping[str, float],
    vocabulary: AbstractSet[str],
    fallback: str,
    *,
    others: AbstractSet[str] = frozenset(),
) -> str:
    """ISO 639-1 code. Too short to tell is taken for `fallback`, the writer's language.

    `others` are languages to tell apart beside those of the probabilities; `UNKNOWN` is what is of none.
    """
    letters = [letter for letter in text if letter.isalpha()]
    foreign = sum(letter > _LATIN_TO for letter in letters)
    among = frozenset({*probabilities, *others})
    if 2 * foreign > len(letters):
        return _ranked(text, among)[0]
    words = _WORD.findall(text.lower())
    known = sum(word in vocabulary for word in words)
    best = max(probabilities, key=lambda language: probabilities[language], default=fallback)
    if len(words) >= _FEW_WORDS and known < _KNOWN_SHARE * len(words):
        language, probability = _ranked(text, among)
        if probability > _SURE:
            return language
        return best if known or len(words) == _FEW_WORDS else UNKNOWN
    return (
        best if probabilities.get(best, 0.0) >= _SURE else _between(probabilities, fallback, best)
    )


def _between(probabilities: Mapping[str, float], fallback: str, best: str) -> str:
    return (
        fallback if probabilities.get(fallback, 0.0) > 0.25 * probabilities.get(best, 1.0) else best
    )


def _ranked(text: str, among: frozenset[str]) -> tuple[str, float]:
    language, probability = _identifier(among).rank(text.lower())[0]
    return str(language), float(probability)


@lru_cache(maxsize=1)
def _identifier(among: frozenset[str]):  # type: ignore[no-untyped-def]  # the library ships no types
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(sorted(among))
    return identifier
