"""Every sentence with a step, value, name, link or number stands in a cited, current passage, or is cut."""

from collections.abc import Callable

from copilot.author.draft import Draft, Statement
from copilot.author.support import covers

__all__ = ["PassageText", "check", "covers", "is_supported"]

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
