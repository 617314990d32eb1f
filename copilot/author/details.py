"""What an article says beyond the answer given: a step in full, where it happens, how long it takes."""

import re
from collections.abc import Iterator, Sequence

from copilot.author.outline import Block, items, of_kind, plain, sentences
from copilot.author.pen import Pen
from copilot.understanding.message import Question, Understanding
from knowledge.article import Article

Nearest = Sequence[tuple[str, str, float]]

_DURATION = re.compile(
    r"\b(?:\d+(?:[.,]\d+)?|an?|one|two|three|four|five|ten|thirty|several|a few)[ -](?:\w+ )?"
    r"(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?)\b|\bovernight\b|\bat once\b|\bimmediately\b",
    re.IGNORECASE,
)
_PLACE = re.compile(r"https?://|\S > \S")
_WORD = re.compile(r"[^\W\d_]{4,}")
_NEAR, _MORE = 0.3, 3
_SHARED_WORDS = 2
_FURTHER = ("cause", "good_to_know", "check", "in_short", "if_not", "symptoms")


def explain(
    pen: Pen,
    article: Article,
    shown: Sequence[Block],
    question: Question,
    asked: Understanding,
    near: Nearest,
) -> None:
    """Write what the article has on a question about its answer; nothing where it has nothing."""
    if asked.signs.step is not None:
        _step(pen, article, shown, asked.signs.step)
    elif question.form == "how_long":
        times(pen, article, near, heading=True)
    elif asked.signs.place and (places := _places(shown, asked.text)):
        pen.head("places")
        for number, item, section in places[:_MORE]:
            pen.quote(item, section, shown=f"{number}. {plain(item)}")
    else:
        _nearest(pen, near)


def times(pen: Pen, article: Article, near: Nearest, *, heading: bool = False) -> None:
    """Every duration that belongs to the question; where there is none, that is said and none is made up."""
    close = [(text, section) for text, section, cosine in near if cosine >= _NEAR]
    timed = [said for said in close if _DURATION.search(said[0])]
    in_steps = [
        (item, section.path)
        for section in article.sections
        if section.kind in ("steps", "check")
        for item in items(section.text)
        if _DURATION.search(item)
    ]
    found = list(dict.fromkeys([*timed, *in_steps]))[:_MORE]
    if not found:
        pen.line("no_time")
        _opening(pen, article)
    elif heading:
        pen.head("times")
    for text, section in found:
        pen.quote(text, section)


def _opening(pen: Pen, article: Article) -> None:
    """The article in one sentence: what the time depends on, where none is stated."""
    for section in of_kind(article, "in_short")[:1]:
        for sentence in sentences(section.text)[:1]:
            pen.quote(sentence, section.path)


def states_duration(text: str) -> bool:
    return _DURATION.search(text) is not None


def _step(pen: Pen, article: Article, shown: Sequence[Block], number: int) -> None:
    """The step as it was shown, between its neighbours, with what else the article says about it."""
    lists = [block for block in shown if len(block.items) >= number > 0]
    if not lists:
        longest = max((len(block.items) for block in shown), default=0)
        if longest:
            pen.head("no_such_step", number=number, count=longest)
        for block in shown:
            _numbered(pen, block, 1, len(block.items))
        return
    for block in lists:
        pen.head("step_again", number=number, heading=block.heading)
        _numbered(pen, block, number, number)
        further = list(_further(article, block.items[number - 1]))[:_MORE]
        if further:
            pen.head("step_more")
        for text, section in further:
            pen.quote(text, section, shown=f"- {plain(text)}")
        around = [n for n in (number - 1, number + 1) if 0 < n <= len(block.items)]
        pen.head("step_around")
        for n in around:
            _numbered(pen, block, n, n)


def _numbered(pen: Pen, block: Block, first: int, last: int) -> None:
    for number in range(first, last + 1):
        item = block.items[number - 1]
        pen.quote(item, block.section, shown=f"{number}. {plain(item)}")


def _further(article: Article, step: str) -> Iterator[tuple[str, str]]:
    """Sentences outside the steps that share words with a step, the closest first."""
    words = _words(step)
    said = [
        (sentence, section.path)
        for section in article.sections
        if section.kind in _FURTHER
        for item in items(section.text)
        for sentence in sentences(item)
    ]
    shared = {text: len(words & _words(text)) for text, _ in said}
    enough = min(_SHARED_WORDS, len(words))
    yield from sorted(
        (one for one in said if shared[one[0]] >= enough > 0), key=lambda one: -shared[one[0]]
    )


def _words(text: str) -> set[str]:
    return {word.lower().removesuffix("s") for word in _WORD.findall(text)}


def _places(shown: Sequence[Block], asked: str) -> list[tuple[int, str, str]]:
    """The steps that name what is asked for; where none does, those that say where they happen."""
    steps = [
        (number, item, block.section)
        for block in shown
        for number, item in enumerate(block.items, start=1)
    ]
    words = _words(asked)
    return [step for step in steps if words & _words(step[1])] or [
        step for step in steps if _PLACE.search(step[1])
    ]


def _nearest(pen: Pen, near: Nearest, most: int = 2) -> None:
    for text, section, cosine in near[:most]:
        if cosine >= _NEAR:
            pen.quote(text, section)
