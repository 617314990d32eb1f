"""The published reading of a reply's text into a disposition, for systems that do not declare one.

The rules stand in `reading.yaml`. What is read is marked as read: `Response.declared` is false.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from evals.case import Disposition, Value

PUBLISHED = Path(__file__).with_suffix(".yaml")
_FEWEST_STEPS = 2
_NUMBERED = re.compile(r"^\s*(?:\*\*)?(?:step )?\d{1,2}\s*[.):]\s+\S", re.IGNORECASE)
_INLINE = re.compile(r"(?:^|[.:;!?]\s)\s*\d{1,2}[.)]\s+(?=[A-Z\"'`*])")
_BULLET = re.compile(r"^\s*[-*•\u2013]\s+")
_QUOTED = re.compile(r'"[^"\n]*"|“[^”\n]*”|„[^“”\n]*[“”]|«[^»\n]*»|`[^`\n]*`')
_LINK = re.compile(r"https?://\S+")
_SENTENCE = re.compile(r"(?<=[.!?…])\s+|\n+")
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


class _File(Value):
    condition: str
    courtesy: str
    answering: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class _Rules:
    condition: re.Pattern[str]
    courtesy: re.Pattern[str]
    answering: re.Pattern[str]
    rules: tuple[Rule, ...]
    patterns: Mapping[str, re.Pattern[str]]


@dataclass(frozen=True, slots=True)
class _Text:
    """A reply, cut into what the rules look at."""

    sentences: tuple[str, ...]
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
    return Reading("answer", "otherwise", "It does none of the other three.", cut.sentences[0])


def _holds(rule: Rule, text: _Text, rules: _Rules) -> tuple[bool, str | None]:
    if rule.steps:
        return text.steps >= _FEWEST_STEPS, None
    if rule.asks:
        return text.asked is not None, text.asked
    pattern = rules.patterns[rule.id]
    for sentence in text.sentences:
        bare = _bare(sentence)
        if pattern.search(bare) and not rules.condition.search(bare):
            return True, sentence
    return False, None


@lru_cache(maxsize=1)
def _rules() -> _Rules:
    import yaml

    file = _File.model_validate(yaml.safe_load(PUBLISHED.read_text("utf-8")))
    patterns = {rule.id: re.compile("|".join(rule.any)) for rule in file.rules if rule.any}
    condition, courtesy, answering = map(
        re.compile, (file.condition, file.courtesy, file.answering)
    )
    return _Rules(condition, courtesy, answering, file.rules, patterns)


def _cut(text: str, rules: _Rules) -> _Text:
    lines = [line for line in text.replace("\u2019", "'").splitlines() if line.strip()]
    options = frozenset(_options(lines))
    said = [line for number, line in enumerate(lines) if number not in options]
    sentences = tuple(
        part.strip() for line in said for part in _SENTENCE.split(line) if part.strip()
    )
    steps = sum(bool(_NUMBERED.match(line)) for line in said)
    inline = sum(len(_INLINE.findall(line)) for line in said if not _NUMBERED.match(line))
    return _Text(sentences or (text.strip(),), max(steps, inline), _asked(sentences, rules))


def _options(lines: list[str]) -> Iterator[int]:
    """Numbers of the lines that list what a question offers."""
    offered = False
    for number, line in enumerate(lines):
        if _BULLET.match(line) or _NUMBERED.match(line):
            if offered:
                yield number
        else:
            offered = line.rstrip(" *_").endswith("?")


def _asked(sentences: tuple[str, ...], rules: _Rules) -> str | None:
    """The question that the text ends with; its options, its source and a "tell me" may stand behind it."""
    told = [sentence for sentence in sentences if not _SOURCE.match(sentence)]
    if len(told) > 1 and not _is_question(told[-1]) and rules.answering.search(_bare(told[-1])):
        told.pop()
    last = told[-1] if told else ""
    return last if _is_question(last) and not rules.courtesy.search(_bare(last)) else None


def _is_question(sentence: str) -> bool:
    return _bare(sentence).rstrip(" *_)").endswith("?")


def _bare(sentence: str) -> str:
    """Without what it quotes and links, in small letters."""
    return _QUOTED.sub('""', _LINK.sub("", sentence)).lower()
