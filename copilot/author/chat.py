"""A chat model as author: it points at sentences, and the articles speak.

What it answers is never shown. Each of its statements is matched with a sentence of the passage that it
names, and that sentence is shown as it stands; what matches none is cut. Steps are shown whole and in
their order: a step without the one before it can do harm.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from copilot.author import deterministic
from copilot.author.assignment import Assignment, Hearsay, Manner, Part
from copilot.author.deterministic import for_platform
from copilot.author.draft import Draft, Statement
from copilot.author.outline import blocks, items, of_kind, plain, sentences
from copilot.author.pen import Pen
from copilot.author.support import meant
from copilot.chat.client import Answer, ChatClient, payload
from copilot.prompts.instructions import instructions, version
from knowledge.findings import SectionKind

USE: Final = "draft"
_HEADINGS: dict[SectionKind, str] = {"good_to_know": "caveats", "check": "check"}
_NOT_OFFERED = frozenset({"symptoms", "who"})
_ORDER: tuple[SectionKind, ...] = (
    "in_short", "other", "cause", "steps", "good_to_know", "check", "if_not",
)  # fmt: skip


class Pointed(BaseModel):
    """One statement of the model's answer and the number of the passage that it stands on."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: Annotated[str, Field(min_length=1, max_length=2_000)]
    passage: int


class Written(BaseModel):
    """What the model answers."""

    model_config = ConfigDict(extra="forbid", strict=True)

    statements: list[Pointed] = Field(max_length=60)


@dataclass(frozen=True, slots=True)
class Passage:
    """One section that the model may quote, in the units that are shown."""

    part: int
    title: str
    section: str
    kind: SectionKind
    units: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Which units of which passages the model pointed at, and how many of its statements matched none."""

    units: dict[int, set[int]]
    unmatched: int


class ChatAuthor:
    """Asks a chat model which sentences answer, and writes the reply from them.

    Without an answer that can be used, and for a question that the model leaves out, the embedded author
    writes. An answer that says that nothing fits is believed: then a person takes over.
    """

    def __init__(self, client: ChatClient) -> None:
        self._client = client
        self._told = instructions(USE, canary=client.canary)
        self.name = f"chat:{client.name}/{USE}@{version()}"

    async def write(self, assignment: Assignment) -> Draft:
        if assignment.manner.asks_back is not None:
            # About an answer given before there is nothing to choose: the article has it or not.
            return deterministic.write(assignment.parts, assignment.manner)
        offered = tuple(passages(assignment))
        data = _data(assignment, offered)
        answer = await self._client.answer(USE, self._told, data, Written)
        plain = deterministic.write(assignment.parts, assignment.manner)
        draft = self._draft(answer, assignment, offered, plain)
        return replace(draft, prompt=payload(data)).noting(**answer.signals(USE))

    def _draft(
        self,
        answer: Answer[Written],
        assignment: Assignment,
        offered: Sequence[Passage],
        plain: Draft,
    ) -> Draft:
        if answer.value is None:
            return plain
        if not answer.value.statements:
            return Draft(author=self.name)
        chosen = _chosen(answer.value.statements, offered)
        told = {"model.draft.statements": len(answer.value.statements)}
        if not chosen.units:
            return plain.noting(**told, **{"model.draft.unmatched": chosen.unmatched})
        draft = deterministic.compose(
            assignment.parts, assignment.manner, _writer(offered, chosen.units)
        )
        draft = replace(draft, author=self.name, instead=plain)
        return draft.noting(**told, **{"model.draft.unmatched": chosen.unmatched})


def passages(assignment: Assignment) -> Iterator[Passage]:
    """What may be quoted: the chosen articles, with the steps of the asker's platform."""
    for number, (_, source) in enumerate(assignment.parts):
        article = source.article
        steps = blocks(of_kind(article, "steps"))
        fitting = {block.section for block in for_platform(steps, assignment.manner.platform)}
        for section in article.sections:
            left_out = section.kind == "steps" and section.path not in fitting
            if section.kind in _NOT_OFFERED or left_out or not section.text.strip():
                continue
            units = items(section.text)
            if section.kind not in ("steps", "cause", "check"):
                units = tuple(sentence for item in units for sentence in sentences(item))
            yield Passage(number, article.title, section.path, section.kind, units)


def _data(assignment: Assignment, offered: Sequence[Passage]) -> dict[str, object]:
    return {
        "question": [part.question.text for part in assignment.parts],
        "passages": [
            {
                "number": number,
                "article": passage.title,
                "section": passage.section,
                "text": "\n".join(passage.units),
            }
            for number, passage in enumerate(offered, start=1)
        ],
        "untrusted": _untrusted(assignment.hearsay),
    }


def _untrusted(hearsay: Hearsay) -> dict[str, object]:
    return {
        "display_name": hearsay.display_name,
        "earlier_messages": list(hearsay.history),
        "case": hearsay.case,
    }


def _chosen(statements: Sequence[Pointed], offered: Sequence[Passage]) -> _Chosen:
    units: dict[int, set[int]] = {}
    unmatched = 0
    for statement in statements:
        number = statement.passage - 1
        there = offered[number].units if 0 <= number < len(offered) else ()
        texts = [text for item in items(statement.text) for text in (item, *sentences(item))]
        found = {unit for text in texts if (unit := meant(text, there)) is not None}
        unmatched += not found
        if found:
            units.setdefault(number, set()).update(found)
    return _Chosen(units, unmatched)


def _writer(offered: Sequence[Passage], chosen: dict[int, set[int]]) -> deterministic.WritePart:
    """Writes a part from the units chosen for it; a part without any is left to the embedded author."""

    def write(part: Part, manner: Manner, number: int) -> list[Statement]:
        own = [
            (offered[index], sorted(units))
            for index, units in sorted(chosen.items())
            if offered[index].part == number
        ]
        if not own:
            return deterministic.write_part(part, manner, number)
        pen = Pen(part.source.article, manner.phrases, number)
        for kind in _ORDER:
            _write_kind(pen, [(p, u) for p, u in own if p.kind == kind], part, manner)
        pen.source()
        return pen.statements

    return write


def _write_kind(
    pen: Pen, found: Sequence[tuple[Passage, list[int]]], part: Part, manner: Manner
) -> None:
    if not found:
        return
    kind = found[0][0].kind
    if kind == "steps":
        deterministic.steps(pen, part.source.article, manner.platform)
        return
    quotes = [(passage.units[unit], passage.section) for passage, units in found for unit in units]
    if kind == "cause":
        deterministic.causes(pen, quotes)
        return
    if kind in _HEADINGS:
        pen.head(_HEADINGS[kind])
    for text, section in quotes:
        pen.quote(text, section, shown=f"- {plain(text)}" if kind in _HEADINGS else None)
    if kind == "if_not":
        pen.statements.append(Statement(manner.phrases.say("still_here")))
