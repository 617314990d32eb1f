"""How a message refers back to what was said: signs on its surface, weighed by the conversation."""

from copilot.understanding.message import Signs
from copilot.understanding.patterns import any_match, patterns

_SHORT = 4
_REFERS_WORDS = 12
"""A longer message says by itself what it is about."""


def signs(text: str, form: str) -> Signs:
    """What stands in the text; whether it is meant is decided with what came before."""
    found = patterns()
    few = len(text.split()) <= _REFERS_WORDS
    number = _step(text) if few else None
    explains = any_match(found.explain, text)
    asks = form == "how_long" or "?" in text or any_match(found.asks, text)
    short = len(text.split()) <= _SHORT and "?" in text
    return Signs(
        step=number if explains or short or any_match(found.place, text) else None,
        place=few and any_match(found.place, text),
        meaning=few and explains,
        asks=asks,
        works_now=any_match(found.works_now, text) and not found.unchanged.search(text),
        pleads=found.pleads.search(text) is not None,
        unchanged=found.unchanged.search(text) is not None,
    )


def _step(text: str) -> int | None:
    """The number of the step that the text names, in figures or as an ordinal."""
    match = patterns().step_number.search(text)
    if match:
        return int(match.group(1) or match.group(2))
    if not patterns().step_words.search(text):
        return None
    named = (name for name, pattern in patterns().ordinals.items() if pattern.search(text))
    return next((int(name) for name in named), None)
