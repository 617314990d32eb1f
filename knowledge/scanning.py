"""Text in an article that speaks to a machine or hides from a reader. A hint for people, never a verdict.

Whoever plants such text can word it otherwise, so nothing is decided by this: what an article says can't
change policy, queue or target anyway. It makes a clumsy attempt visible before it is served.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from knowledge.article import Article, Section

_SHOWN_CHARS = 80
_INVISIBLE = frozenset("\u00ad\u200b\u2060\ufeff")
"""Soft hyphen, zero-width space, word joiner, byte order mark: nobody types them into an article."""
_BIDI = range(0x202A, 0x202F), range(0x2066, 0x206A)
_TAGS = range(0xE0000, 0xE0080)

_SIGNS = tuple(
    (reason, re.compile(pattern, re.IGNORECASE | re.DOTALL))
    for reason, pattern in (
        (
            "it takes back instructions",
            r"\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:instruction|rule|guideline|polic)",
        ),
        (
            "it tells an assistant what to do",
            (
                r"\b(?:assistant|copilot|chatbot|language model)(?: that reads this \w+)?:"
                r"|\b(?:the|this|any) (?:assistant|copilot|chatbot|language model)\b[^.\n]{0,60}"
                r"\b(?:must|never|always|grants|escalates?|treats?)\b"
            ),
        ),
        ("it plays the system's part", r"<\|\w+\|>|</?(?:system|assistant)>|\[/?(?:system|inst)\]"),
        ("it plays the result of a tool", r"\btool[_ ](?:result|call|output)\b|\"policy\"\s*:"),
        (
            "it switches a check off",
            (
                r"\b(?:checks?|polic(?:y|ies)|escalations?)\b[^.\n]{0,20}"
                r"\b(?:disabled|suspended|off|skipped)\b"
                r"|\b(?:no|without a)\s(?:ticket|approval|check) (?:is )?needed\b"
            ),
        ),
        ("it asks for a password", r"\bsend\b[^.\n]{0,40}\byour password\b"),
        ("it runs what it downloads", r"\|\s*(?:iex|invoke-expression|(?:ba|z)?sh)\b"),
        ("it hides text in a comment", r"<!--"),
    )
)


class Sign(NamedTuple):
    """One place that somebody should read."""

    line: int
    reason: str
    quote: str


def signs(article: Article) -> Iterator[Sign]:
    """What stands out in an article, in its order; one sign a reason and section."""
    for section in article.sections:
        if any(map(_is_hidden, section.text)):
            yield Sign(section.line, "it holds characters that nobody sees", _quote(section.text))
        yield from _in(section)


def _in(section: Section) -> Iterator[Sign]:
    seen = "".join(c for c in section.text if not _is_hidden(c))
    text = unicodedata.normalize("NFKC", seen)
    for reason, pattern in _SIGNS:
        if match := pattern.search(text):
            line = section.line + text.count("\n", 0, match.start())
            yield Sign(line, reason, _quote(match.group()))


def _is_hidden(char: str) -> bool:
    code = ord(char)
    return char in _INVISIBLE or code in _TAGS or any(code in span for span in _BIDI)


def _quote(text: str) -> str:
    plain = " ".join("".join(c for c in text if not _is_hidden(c)).split())
    return plain if len(plain) <= _SHOWN_CHARS else f"{plain[: _SHOWN_CHARS - 1]}…"
