"""What of a reply has no source: an auditor that shares no code with the checks that it audits.

It knows the reply, the articles as they are served, and the sentences that policies and company say; every
line must come from one of them, word for word.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache

from copilot.conversation import Reply
from copilot.prompts.phrases import every
from knowledge.article import Article

_MARK = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+")
_BLOCK = re.compile(r"\n\s*\n|\n(?=\s*(?:[-*+]|\d+[.)])\s)")
_PLACEHOLDER = re.compile(r"\\\{(\w+)\\\}")
_QUOTING = frozenset({"cause", "sentence"})
"""Placeholders that are filled from an article, and so need a source themselves."""


class Auditor:
    """Finds the lines that nobody reviewed."""

    def __init__(self, article: Callable[[str], Article], said: Iterable[str]) -> None:
        """`said` are whole sentences that policies and company say: rulings, safe steps, choices."""
        self._article = article
        self._said = frozenset(map(_flat, said))

    def unsourced(self, reply: Reply) -> tuple[str, ...]:
        """Lines that are no phrase of the catalogue, no sentence of a policy and in no cited article."""
        cited = {citation.article_id for citation in reply.citations}
        blocks = [block for name in sorted(cited) for block in _blocks(self._article(name))]
        return tuple(line for line in _lines(reply.text) if not self._has_source(line, blocks))

    def _has_source(self, line: str, blocks: Sequence[str]) -> bool:
        if line in self._said or line.removesuffix(":") in blocks or _stated(line, blocks):
            return True
        return any(_filled(match, blocks) for match in _matches(line))

    def claims(self, reply: Reply, pattern: re.Pattern[str]) -> tuple[str, ...]:
        """Lines that the pattern finds, other than phrases of the catalogue ("I have added this to …")."""
        own = (line for line in _lines(reply.text) if not any(_matches(line)))
        return tuple(line for line in own if pattern.search(line))


def _matches(line: str) -> Iterator[re.Match[str]]:
    yield from (match for pattern in _phrases() if (match := pattern.fullmatch(line)))


def _filled(match: re.Match[str], blocks: Sequence[str]) -> bool:
    quoted = [value for key, value in match.groupdict().items() if key in _QUOTING]
    return all(_stated(value, blocks) for value in quoted)


def _stated(line: str, blocks: Sequence[str]) -> bool:
    """Whether a block holds the line from the beginning of a sentence to the end of a word."""
    sentence = re.compile(rf"(?:^|[.!?:][\"')]?\s){re.escape(line)}(?=\s|$)")
    return any(line in block and sentence.search(block) for block in blocks)


def _blocks(article: Article) -> Iterator[str]:
    """Headings, paragraphs and list items of an article."""
    for section in article.sections:
        yield section.heading
        yield from (_flat(_MARK.sub("", block)) for block in _BLOCK.split(section.text))


def _lines(text: str) -> Iterator[str]:
    yield from (flat for line in text.splitlines() if (flat := _flat(_MARK.sub("", line))))


def _flat(text: str) -> str:
    return " ".join(re.sub(r"\*\*|`", "", text).split())


@lru_cache(maxsize=1)
def _phrases() -> tuple[re.Pattern[str], ...]:
    templates = {text for language in every().values() for text in language.values() if text}
    return tuple(_pattern(template) for template in sorted(templates))


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(_PLACEHOLDER.sub(r"(?P<\1>.*)", re.escape(template)))
