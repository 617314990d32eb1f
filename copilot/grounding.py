"""Every sentence with a step, value, name, link or number stands in a cited, current passage, or is cut."""

import re
from collections.abc import Callable
from functools import lru_cache

from copilot.author.draft import Draft, Statement

_WORD = re.compile(r"[^\W_]+(?:[-.:/@][^\W_]+)*", re.UNICODE)
_HARD = re.compile(r"\d|https?://|www\.|@|\.exe\b|[A-Z]{2,}-|/|\\")
_MIN_SUPPORT = 0.9

PassageText = Callable[[str, str], str | None]
"""(article id, section) to the passage as it stands in the served index, `None` when not served."""


def check(draft: Draft, passage: PassageText) -> Draft:
    """The draft without its unsupported statements and without headings that introduce nothing."""
    supported = [s for s in draft.statements if s.kind != "quote" or is_supported(s, passage)]
    return draft.with_statements(tuple(_without_empty_headings(supported)))


def is_supported(statement: Statement, passage: PassageText) -> bool:
    """Whether the cited passage says it: every hard token, and nine words of ten."""
    if statement.citation is None:
        return False
    source = passage(statement.citation.article_id, statement.citation.section)
    if source is None:
        return False
    own = _own_words(statement)
    if not own and statement.text == statement.citation.quote:
        return covers(source, statement.text)
    framed = f"{source} {own}" if own else source
    return covers(source, statement.citation.quote) and covers(framed, statement.text)


def covers(source: str, text: str) -> bool:
    """Whether `source` supports `text`: all numbers, links, codes and names, and most words."""
    there = _known(source)
    tokens = _tokens(text)
    if not tokens:
        return True
    missing = [token for token in tokens if token not in there]
    if any(_is_hard(token) for token in missing):
        return False
    return len(tokens) - len(missing) >= _MIN_SUPPORT * len(tokens)


@lru_cache(maxsize=64)
def _known(source: str) -> frozenset[str]:
    """Tokens of a passage; a reply quotes the same few passages many times."""
    return frozenset(_tokens(source))


def _tokens(text: str) -> list[str]:
    return [token.lower() for token in _WORD.findall(re.sub(r"^(?:- |\d+\. )", "", text))]


def _is_hard(token: str) -> bool:
    return bool(_HARD.search(token))


def _own_words(statement: Statement) -> str:
    """Words that frame a quote ("The likely cause:"): they state nothing and need no source."""
    if statement.citation and statement.text.endswith(statement.citation.quote):
        return statement.text.removesuffix(statement.citation.quote)
    return ""


def _without_empty_headings(statements: list[Statement]) -> list[Statement]:
    kept: list[Statement] = []
    for index, statement in enumerate(statements):
        following = statements[index + 1] if index + 1 < len(statements) else None
        if (
            statement.needs_next
            and (following is None or following.kind != "quote")
            and not (
                following is not None and following.needs_next and following.part == statement.part
            )
        ):
            continue
        kept.append(statement)
    return kept
