"""The author without a model: it chooses passages and quotes them, and says nothing of its own about IT."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from copilot.author.assignment import Assignment, Manner, Part, Source
from copilot.author.details import explain, states_duration, times
from copilot.author.draft import Draft, Statement
from copilot.author.outline import Block, blocks, items, of_kind, plain, sentences
from copilot.author.pen import Pen
from copilot.author.verdict import verdict
from copilot.conversation import ActionType
from copilot.understanding.message import Question
from knowledge.article import Article

_PLATFORM_NAMES = {
    "windows": "Windows",
    "macos": "macOS",
    "ios": "iPhone",
    "android": "Android",
    "web": "the web",
}
_YES_OR_NO = re.compile(r"(?:yes|no)\b[,:]", re.IGNORECASE)
_DIGIT = re.compile(r"\d")
_CAVEATS = 2
_CAVEAT_COSINE = 0.30
_MAX_CAUSES = 4


class DeterministicAuthor:
    """The default author."""

    async def write(self, assignment: Assignment) -> Draft:
        return write(assignment.parts, assignment.manner)


WritePart = Callable[[Part, Manner, int], list[Statement]]
"""Answers one question, the how many-th of the message, from its source."""


def write(parts: Sequence[Part], manner: Manner) -> Draft:
    """A reply that answers the questions one by one from their sources."""
    return compose(parts, manner, write_part)


def compose(parts: Sequence[Part], manner: Manner, answer: WritePart) -> Draft:
    """What stands around the answers: a line that meets the mood, headings, doubt where there is some."""
    statements = list(_opening(parts[0].question, manner))
    several = len(parts) > 1
    for number, part in enumerate(parts):
        if several:
            heading = manner.phrases.say("part", question=_shortened(part.question.text))
            statements.append(Statement(heading, part=number, needs_next=True))
        statements += answer(part, manner, number)
    if manner.tentative:
        statements.append(Statement(manner.phrases.say("tentative")))
    first = parts[0].source.article
    topic = f"{first.category}.{first.subcategory}" if first.category else None
    return Draft(tuple(statements), _action_type(statements, manner.forms), topic=topic)


def _opening(question: Question, manner: Manner) -> list[Statement]:
    """A line that meets the mood. A question for a fact is answered at once instead."""
    lines: list[str] = []
    if question.form == "problem" and manner.tone in ("frustrated", "anxious"):
        lines.append(manner.phrases.say(manner.tone))
    elif question.form == "problem" and manner.urgency == "high":
        lines.append(manner.phrases.say("urgent"))
    if manner.again:
        lines.append(manner.phrases.say("next_article"))
    if manner.language != "en":
        lines.append(manner.phrases.say("english_below"))
    return [Statement(line) for line in lines]


def write_part(part: Part, manner: Manner, number: int) -> list[Statement]:
    question, source = part
    pen = Pen(source.article, manner.phrases, number)
    if manner.asks_back is not None:
        shown = for_platform(blocks(of_kind(source.article, "steps")), manner.platform)
        explain(pen, source.article, shown, question, manner.asks_back, source.nearest)
        pen.source()
        return pen.statements
    _first(pen, question, source)
    if question.form == "problem":
        told = [(item, s.path) for s in of_kind(source.article, "cause") for item in items(s.text)]
        causes(pen, told[:_MAX_CAUSES])
    if question.form != "how_long":
        steps(pen, source.article, manner.platform)
    _caveats(pen, source)
    if question.form == "problem":
        _check(pen, source.article)
        _if_not(pen, source.article)
    if not pen.quoted:
        _passages(pen, source)
    pen.source()
    return pen.statements


def _first(pen: Pen, question: Question, source: Source) -> None:
    """The sentence that answers: yes or no, a duration, or the one nearest to the question."""
    ruled = verdict(question.text, source.nearest) if question.form == "yes_no" else None
    if ruled:
        (sentence, section), *more = ruled.said
        said = pen.phrases.language == "en" and _YES_OR_NO.match(plain(sentence))
        told = plain(sentence) if said else pen.phrases.say(ruled.answer, sentence=plain(sentence))
        pen.quote(sentence, section, shown=told)
        for beside, its_section in more:
            pen.quote(beside, its_section)
        return
    direct = _direct(question, source)
    if direct:
        pen.quote(direct.sentence, direct.section)
    elif question.form == "how_long":
        times(pen, source.article, source.nearest)


@dataclass(frozen=True, slots=True)
class _Direct:
    sentence: str
    section: str


def _direct(question: Question, source: Source) -> _Direct | None:
    """The sentence that answers first: for a question the nearest one, for a problem the summary's first."""
    if question.form == "problem":
        opening = [
            (sentence, section.path)
            for section in of_kind(source.article, "in_short")
            for sentence in sentences(section.text)
        ]
        return _Direct(*opening[0]) if opening else None
    choice = source.nearest
    if question.form == "how_long":
        timed = question.asks_time
        told = [near for near in choice if (states_duration if timed else _DIGIT.search)(near[0])]
        choice = told or ([] if timed else choice)
    return _Direct(choice[0][0], choice[0][1]) if choice else None


def causes(pen: Pen, found: Sequence[tuple[str, str]]) -> None:
    """The likely cause, or the usual ones to choose from: (text, section)."""
    if len(found) == 1:
        text, path = found[0]
        pen.quote(text, path, shown=pen.phrases.say("cause_one", cause=plain(text)))
    elif found:
        pen.head("cause_many", count=len(found))
        for text, path in found:
            pen.quote(text, path, shown=f"- {plain(text)}")


def steps(pen: Pen, article: Article, platform: str | None) -> None:
    chosen = for_platform(blocks(of_kind(article, "steps")), platform)
    for block in chosen:
        if block.platform in _PLATFORM_NAMES and block.platform:
            pen.head("steps_on", platform=_PLATFORM_NAMES[block.platform])
        elif block.heading and len(chosen) > 1:
            pen.statements.append(Statement(f"{block.heading}:", needs_next=True))
        else:
            pen.head("steps")
        for number, item in enumerate(block.items, start=1):
            pen.quote(item, block.section, shown=f"{number}. {plain(item)}")


def for_platform(found: Sequence[Block], platform: str | None) -> list[Block]:
    """The blocks for the asker's platform, with those for everybody; all where none fits."""
    fitting = [block for block in found if block.platform in (None, platform)]
    if any(block.platform for block in fitting) or not any(block.platform for block in found):
        return fitting
    return (
        list(found)
        if platform is None or not fitting
        else fitting + [block for block in found if block.platform == "web"] or list(found)
    )


def _caveats(pen: Pen, source: Source) -> None:
    rules = [
        near
        for near in source.nearest
        if near[1].lower() == "good to know" and plain(near[0]) not in pen.quotes
    ]
    close = [near for near in rules if near[2] >= _CAVEAT_COSINE][:_CAVEATS] or rules[:1]
    if close:
        pen.head("caveats")
    for sentence, section, _ in close:
        pen.quote(sentence, section, shown=f"- {plain(sentence)}")


def _check(pen: Pen, article: Article) -> None:
    first = [(item, s.path) for s in of_kind(article, "check") for item in items(s.text)][:1]
    if first:
        pen.head("check")
        pen.quote(first[0][0], first[0][1], shown=f"- {plain(first[0][0])}")


def _if_not(pen: Pen, article: Article) -> None:
    for section in of_kind(article, "if_not")[:1]:
        for sentence in sentences(section.text)[:2]:
            pen.quote(sentence, section.path)
        pen.statements.append(Statement(pen.phrases.say("still_here")))


def _passages(pen: Pen, source: Source) -> None:
    """An article without the house's sections: its first sections, as they stand."""
    for section in source.article.sections[:2]:
        for sentence in sentences(section.text)[:5]:
            pen.quote(sentence, section.path)


def _action_type(statements: Sequence[Statement], forms: frozenset[str]) -> ActionType:
    quotes = [s.text for s in statements if s.kind == "quote"]
    if not quotes:
        return "none"
    steps = [text for text in quotes if re.match(r"^\d+\. ", text)]
    words = {word.strip(".,:;()") for step in steps for word in step.split()}
    if words & forms:
        return "form"
    return "instructions" if steps else "citation"


def _shortened(text: str, limit: int = 90) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else f"{flat[: limit - 1].rstrip()}…"
