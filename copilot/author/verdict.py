"""Yes or no, where an article's own sentences say so. In doubt there is no verdict, only the quote."""

import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from copilot.understanding.patterns import patterns

Answer = Literal["says_yes", "says_no"]
Near = tuple[str, str, float]

_CLOSE = 0.5
"""Cosine from which a sentence is taken to speak about what is asked."""
_BESIDE = 0.13
"""Sentences this much further from the question than the best still have a say."""
_AS_CLOSE = 0.06
"""A contradiction this close to the best answer leaves the question open."""
_WORD = re.compile(r"[^\W\d_]{3,}")
_QUOTED = 2


class Verdict(NamedTuple):
    """The answer with the sentences that give it: (sentence, section)."""

    answer: Answer
    said: tuple[tuple[str, str], ...]


def verdict(question: str, nearest: Sequence[Near]) -> Verdict | None:
    """What the sentences nearest to a yes/no question answer, if they speak clearly and with one voice."""
    kind = _kind(question)
    if kind is None or patterns().negated.search(question):
        return None
    answers = list(_answers(kind, question, nearest))
    if not answers:
        return None
    (answer, lead), *others = answers
    if any(other != answer and near[2] >= lead[2] - _AS_CLOSE for other, near in others):
        return None
    beside = [near for other, near in others if other == answer and near[1] == lead[1]]
    return Verdict(answer, tuple((near[0], near[1]) for near in (lead, *beside))[:_QUOTED])


def _answers(kind: str, question: str, nearest: Sequence[Near]) -> Iterator[tuple[Answer, Near]]:
    """What each sentence close to the question answers, the nearest first."""
    for near in nearest:
        if near[2] < max(_CLOSE, nearest[0][2] - _BESIDE):
            return
        found = _states(kind, near[0])
        if found is not None and _speaks_of(kind, question, near[0]):
            yield found, near


def _kind(question: str) -> str | None:
    found = (kind for kind, pattern in patterns().verdicts.items() if pattern.search(question))
    return next(found, None)


def _states(kind: str, sentence: str) -> Answer | None:
    """A refusal weighs more than a permission in the same sentence, and freedom more than a need."""
    if patterns().states_no[kind].search(sentence):
        return "says_no"
    return "says_yes" if patterns().states_yes[kind].search(sentence) else None


def _speaks_of(kind: str, question: str, sentence: str) -> bool:
    """Whether the sentence names what is asked about; whether something works, it must name wholly."""
    said = _words(sentence)
    idle = (patterns().verdicts["does"], patterns().states_yes["does"])
    asked = " ".join(
        word for word in _WORD.findall(question) if not any(p.fullmatch(word) for p in idle)
    )
    return _words(asked) <= said if kind == "does" else bool(_words(asked) & said)


def _words(text: str) -> set[str]:
    return {word.lower().removesuffix("s") for word in _WORD.findall(text)}
