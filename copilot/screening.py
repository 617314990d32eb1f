"""The last look at what is shown, outside every author: nothing of the prompt, nobody else's data, no claim of a deed.

What is proven to stand in the cited passage, word for word, can hold nothing foreign and is only searched for
claims. Everything else that an author puts into a draft as a quote has to pass all of it.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from importlib import resources
from typing import NamedTuple

import yaml
from pydantic import BaseModel, ConfigDict

from copilot.author.draft import Draft, Statement
from copilot.author.outline import plain
from copilot.author.support import tokens
from copilot.errors import LeakError
from copilot.grounding import PassageText
from copilot.people import Person
from copilot.prompts.phrases import frames

_NUMBER = re.compile(r"(?:- |\d+\. )?")
_LONGEST_NAME = 6


class Guarded(NamedTuple):
    """Texts that no reply may repeat, and the version under which they are kept."""

    version: str
    texts: Sequence[str]


class Shapes(BaseModel):
    """Compiled from `screening.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    claims: re.Pattern[str]
    commands: re.Pattern[str]


class Screen:
    """What every draft and every reply passes before somebody reads it."""

    def __init__(
        self,
        *,
        canary: str,
        guarded: Callable[[], Guarded],
        people: Callable[[], Sequence[Person]],
        leak_words: int,
    ) -> None:
        """`leak_words` in a row shared with a guarded text make a line a leak."""
        self._canary = canary
        self._guarded = guarded
        self._everybody = people
        self._named: tuple[Sequence[Person], Mapping[str, str]] | None = None
        self._leak_words = leak_words
        self._runs: tuple[str, frozenset[str]] | None = None

    def check(self, draft: Draft, passage: PassageText, asker: Person) -> Draft:
        """The draft without the lines that may not be shown; why they went is in its signals."""
        marked = self._holds_canary(draft.text)
        faults = [self._fault(s, passage, asker, marked=marked) for s in draft.statements]
        if not any(faults):
            return draft
        kept = tuple(s for s, fault in zip(draft.statements, faults, strict=True) if fault is None)
        counts = {f"screen.{fault}": faults.count(fault) for fault in faults if fault}
        return draft.with_statements(kept).noting(**counts)

    def seal(self, text: str) -> None:
        """Raise `LeakError` when a reply holds the mark of the prompt: then nothing of it is sent."""
        if self._holds_canary(text):
            raise LeakError(
                "A reply held the mark of the prompt, so it was not sent. Look at what the chat model "
                "wrote in this turn's record, and at how it came into the reply."
            )

    def _fault(
        self, statement: Statement, passage: PassageText, asker: Person, *, marked: bool
    ) -> str | None:
        if marked and self._holds_canary(statement.text):
            return "canary"
        if statement.kind != "quote":
            return None
        cited = statement.citation
        source = passage(cited.article_id, cited.section) if cited else None
        if cited is not None and source is not None and _stands(statement, source):
            return "claim" if any(claim in cited.quote for claim in _claims(source)) else None
        return next(self._foreign(statement.text, source or "", asker), None)

    def _foreign(self, text: str, source: str, asker: Person) -> Iterator[str]:
        """What is wrong with a line that its passage does not hold word for word."""
        if shapes().claims.search(text):
            yield "claim"
        if shapes().commands.search(text):
            yield "command"
        found = tokens(text)
        there = tokens(source)
        if self._others(found, asker) - self._others(there, asker):
            yield "person"
        if not _runs(found, self._leak_words).isdisjoint(self._leaks()):
            yield "overlap"

    @property
    def _people(self) -> Mapping[str, str]:
        everybody = self._everybody()
        if self._named is None or self._named[0] is not everybody:
            self._named = everybody, _named(everybody)
        return self._named[1]

    def _others(self, found: Sequence[str], asker: Person) -> set[str]:
        named = (
            self._people.get(" ".join(found[start : start + length]))
            for length in range(1, _LONGEST_NAME + 1)
            for start in range(len(found) - length + 1)
        )
        return {person for person in named if person is not None and person != asker.id}

    def _leaks(self) -> frozenset[str]:
        guarded = self._guarded()
        if self._runs is None or self._runs[0] != guarded.version:
            runs = (_runs(tokens(text), self._leak_words) for text in guarded.texts)
            self._runs = guarded.version, frozenset().union(*runs)
        return self._runs[1]

    def _holds_canary(self, text: str) -> bool:
        return self._canary in text or self._canary in "".join(text.split())


@lru_cache(maxsize=1)
def shapes() -> Shapes:
    raw = yaml.safe_load(resources.files("copilot").joinpath("screening.yaml").read_text("utf-8"))
    claims = "|".join(f"(?:{pattern})" for pattern in raw["claims"].values())
    options = re.IGNORECASE | re.VERBOSE | re.MULTILINE
    return Shapes(claims=re.compile(claims, options), commands=re.compile(raw["commands"], options))


def _stands(statement: Statement, source: str) -> bool:
    """Whether the line is its quote, framed by nothing but a number or a phrase, and the quote the passage's."""
    if statement.citation is None or not statement.text.endswith(statement.citation.quote):
        return False
    frame = statement.text.removesuffix(statement.citation.quote)
    if not _NUMBER.fullmatch(frame) and frame not in frames():
        return False
    return " ".join(statement.citation.quote.replace("`", "").split()) in _flat_source(source)


@lru_cache(maxsize=64)
def _flat_source(source: str) -> str:
    return _flat(source)


@lru_cache(maxsize=64)
def _claims(source: str) -> tuple[str, ...]:
    """Claims of deeds in a passage itself: somebody planted them."""
    return tuple(found.group() for found in shapes().claims.finditer(_flat_source(source)))


def _flat(text: str) -> str:
    return " ".join(plain(text).replace("`", "").split())


def _named(people: Iterable[Person]) -> Mapping[str, str]:
    """Everything that identifies a person, as words, with the id of the person."""
    return {
        " ".join(tokens(known)): person.id
        for person in people
        for known in (person.id, person.name, person.email, person.phone)
        if known
    }


def _runs(words: Sequence[str], length: int) -> frozenset[str]:
    return frozenset(
        " ".join(words[start : start + length]) for start in range(len(words) - length + 1)
    )
