"""The published reading of a reply's text into a disposition, for systems that do not declare one.

The rules stand in `reading.yaml`. What is read is marked as read: `Response.declared` is false.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple

from evals.case import Disposition, Value
from evals.documents import parsed

PUBLISHED = Path(__file__).with_suffix(".yaml")
_FEWEST_STEPS = 2
_SHORT = 2
"""Sentences of a reply that consists of a request to answer."""
_NUMBERED = re.compile(r"^\s*(?:\*\*)?(?:step )?\d{1,2}\s*[.):]\s+\S", re.IGNORECASE)
_INLINE = re.compile(r"(?:^|[.:;!?]\s)\s*\d{1,2}[.)]\s+(?=[A-Z\"'`*])")
_BULLET = re.compile(r"^\s*[-*•\u2013]\s+")
_QUOTED = re.compile(r'"[^"\n]*"|“[^”\n]*”|„[^“”\n]*[“”]|«[^»\n]*»|`[^`\n]*`')
_LINK = re.compile(r"https?://\S+")
_SENTENCE = re.compile(r"(?<=[.!?…;])\s+|\n+")
_SOURCE = re.compile(r"^\s*(?:source|quelle|bron|fuente|see also|\[\d+\])\b", re.IGNORECASE)


class Reading(NamedTuple):
    """A disposition with the rule that read it. `None`: there is nothing to read."""

    disposition: Disposition | None
    rule: str
    why: str
    quote: str | None = None
    """The sentence that it rests on."""


class Rule(Value):
    """One rule of the file; exactly one of `any`, `steps` and `asks` says when it holds."""

    id: str
    disposition: Disposition
    why: str
    any: tuple[str, ...] = ()
    steps: bool = False
    asks: bool = False


class _Rules(Value):
    """`reading.yaml`."""

    condition: re.Pattern[str]
    invited: re.Pattern[str]
    happened: re.Pattern[str]
    courtesy: re.Pattern[str]
    answering: re.Pattern[str]
    bidden: re.Pattern[str]
    needless: re.Pattern[str]
    withheld: re.Pattern[str]
    rules: tuple[Rule, ...]

    @cached_property
    def patterns(self) -> Mapping[str, re.Pattern[str]]:
        """What is looked for, by rule."""
        return {rule.id: re.compile("|".join(rule.any)) for rule in self.rules if rule.any}


@dataclass(frozen=True, slots=True)
class _Text:
    """A reply, cut into what the rules look at."""

    statements: tuple[str, ...]
    """Its sentences, but for the steps of a list and the options of a question."""
    steps: int
    asked: str | None
    """The question that it ends with, if that is not courtesy."""


def read(text: str) -> Reading:
    """The disposition that a reply's words amount to."""
    if not text.strip():
        return Reading(None, "silence", "The reply is empty.")
    rules = _rules()
    cut = _cut(text, rules)
    for rule in rules.rules:
        found, quote = _holds(rule, cut, rules)
        if found:
            return Reading(rule.disposition, rule.id, rule.why, quote)
    return Reading(
        "answer", "otherwise", "It does none of the other three.", text.strip().splitlines()[0]
    )


def _holds(rule: Rule, text: _Text, rules: _Rules) -> tuple[bool, str | None]:
    if rule.steps:
        return text.steps >= _FEWEST_STEPS, None
    if rule.asks:
        return text.asked is not None, text.asked
    pattern = rules.patterns[rule.id]
    for sentence in text.statements:
        bare = _bare(sentence)
        match = pattern.search(bare)
        if not match or _only_promised(bare, match, rules):
            continue
        if rule.disposition != "escalate" or not _takes_back(bare, match, rules):
            return True, sentence
    return False, None


def _takes_back(bare: str, match: re.Match[str], rules: _Rules) -> bool:
    """Whether a sentence asks for leave to hand over, or says that nobody will."""
    refused = rules.needless.match(bare) or rules.withheld.search(match[0])
    return bool(refused) or _is_question(bare)


def _only_promised(bare: str, match: re.Match[str], rules: _Rules) -> bool:
    """Whether a sentence speaks of a case that may come and not of what is done."""
    happened = rules.happened.search(match[0])
    ruled = bare[: match.end()] if happened else bare
    return bool(rules.condition.search(ruled) or rules.invited.search(bare))


@lru_cache(maxsize=1)
def _rules() -> _Rules:
    return _Rules.model_validate(parsed(PUBLISHED.read_text("utf-8")))


def _cut(text: str, rules: _Rules) -> _Text:
    lines = [line for line in text.replace("\u2019", "'").splitlines() if line.strip()]
    options = frozenset(_options(lines, rules))
    said = [line for number, line in enumerate(lines) if number not in options]
    sentences = tuple(sentence for line in said for sentence in _split(line))
    steps = sum(bool(_NUMBERED.match(line)) for line in said)
    inline = sum(len(_INLINE.findall(line)) for line in said if not _NUMBERED.match(line))
    statements = tuple(
        sentence for line in said if not _NUMBERED.match(line) for sentence in _split(line)
    )
    return _Text(statements, max(steps, inline), _asked(sentences, rules))


def _split(line: str) -> Iterator[str]:
    yield from (part.strip() for part in _SENTENCE.split(line) if part.strip())


def _options(lines: list[str], rules: _Rules) -> Iterator[int]:
    """Numbers of the lines that list what a question offers."""
    offered = False
    for number, line in enumerate(lines):
        if _BULLET.match(line) or _NUMBERED.match(line):
            if offered:
                yield number
        else:
            offered = _asked(tuple(_split(line)), rules) is not None


def _asked(sentences: tuple[str, ...], rules: _Rules) -> str | None:
    """The question that the text ends with; its options, its source and a "tell me" may stand behind it."""
    told = [sentence for sentence in sentences if not _SOURCE.match(sentence)]
    if len(told) > 1 and not _is_question(told[-1]) and rules.answering.search(_bare(told[-1])):
        told.pop()
    last = told[-1] if told else ""
    if len(told) <= _SHORT and rules.bidden.match(_bare(last)):
        return last
    return last if _is_question(last) and not rules.courtesy.search(_bare(last)) else None


def _is_question(sentence: str) -> bool:
    return _bare(sentence).rstrip(" *_)").endswith("?")


def _bare(sentence: str) -> str:
    """Without what it quotes and links, in small letters."""
    return _QUOTED.sub('""', _LINK.sub("", sentence)).lower()
