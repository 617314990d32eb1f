"""Articles cut into passages small enough for the embedding model to read whole."""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from knowledge.article import Article, Section
from knowledge.findings import SectionKind
from knowledge.outline import kind_of

CHUNKER = "1"
"""Version of the rules below; part of every index version."""
TARGET_WORDS = 160
MAX_TOKENS = 256

Count = Callable[[str], int]
"""Number of tokens of a text, as the embedding model counts them."""

_BLOCK = re.compile(r"\n[ \t]*\n")
_ITEM = re.compile(r"^(?=[ \t]*(?:[-*+]|\d+[.)])[ \t])", re.MULTILINE)
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[^\sa-z])")
_WORD = re.compile(r"\S+")
_MARK = re.compile(r"^[ \t]*(?:[-*+]|\d+[.)])[ \t]+|\*\*|`", re.MULTILINE)
_SPLITTERS = (_BLOCK, _ITEM, re.compile(r"\n"), _SENTENCE, re.compile(r"\s+"))
_MIN_SENTENCE_WORDS = 4


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage: a section, or a part of a long one."""

    id: str
    """`<article-id>#<ordinal>`."""
    article_id: str
    section: str
    kind: SectionKind
    platform: str | None
    text: str
    """As it stands in the article."""
    embedded: str
    """What the vector is made from: title, telling headings, text."""

    @property
    def digest(self) -> str:
        """Changes when anything that search shows or uses changes."""
        whole = "\0".join((self.embedded, self.section, self.kind, self.platform or "", self.text))
        return hashlib.sha256(whole.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence that can be quoted alone."""

    article_id: str
    section: str
    text: str


def estimate_tokens(text: str) -> int:
    """A cautious count for use without a tokenizer: no fewer than WordPiece gives for prose."""
    words = re.findall(r"[^\W\d_]+|\d|[^\w\s]|_", text)
    return 2 + sum(1 + len(word) // 4 for word in words)


def chunks(
    article: Article, count: Count = estimate_tokens, limit: int = MAX_TOKENS
) -> tuple[Chunk, ...]:
    """The article's passages in order. No text is lost; none has more than `limit` tokens."""
    found: list[Chunk] = []
    for section in article.sections:
        lead = _lead(article.title, section, count, limit)
        for text in split(section.text, lead, count, limit):
            found.append(
                Chunk(
                    id=f"{article.id}#{len(found)}",
                    article_id=article.id,
                    section=section.path,
                    kind=section.kind,
                    platform=section.platform,
                    text=text,
                    embedded=f"{lead}{text}",
                )
            )
    return tuple(found)


def split(
    text: str, lead: str = "", count: Count = estimate_tokens, limit: int = MAX_TOKENS
) -> tuple[str, ...]:
    """Pieces of about `TARGET_WORDS` words that fit into the model together with `lead`."""

    def fits(piece: str) -> bool:
        return len(piece.split()) <= TARGET_WORDS and count(lead + piece) <= limit

    return tuple(piece for piece in _split(text.strip(), fits, 0) if piece)


def _split(text: str, fits: Callable[[str], bool], level: int) -> Iterator[str]:
    """Cut at the coarsest boundary that works: paragraphs, items, lines, sentences, words."""
    if fits(text) or len(text) <= 1:
        yield text.strip()
        return
    if level == len(_SPLITTERS):
        middle = len(text) // 2
        yield from _split(text[:middle], fits, level)
        yield from _split(text[middle:], fits, level)
        return
    held = ""
    for piece in _pieces(text, _SPLITTERS[level]):
        if fits((held + piece).strip()):
            held += piece
            continue
        if held.strip():
            yield held.strip()
        held = ""
        if fits(piece.strip()):
            held = piece
        else:
            yield from _split(piece.strip(), fits, level + 1)
    if held.strip():
        yield held.strip()


def _pieces(text: str, boundary: re.Pattern[str]) -> Iterator[str]:
    """The text cut after each boundary, nothing left out."""
    start = 0
    for match in boundary.finditer(text):
        if match.end() > start:
            yield text[start : match.end()]
            start = match.end()
    if start < len(text):
        yield text[start:]


def _lead(title: str, section: Section, count: Count, limit: int) -> str:
    """Title and those headings that say more than the kind of the section, cut to leave room."""
    telling = [part for part in section.path.split(" > ") if part and kind_of((part,)) == "other"]
    lines = [" ".join(line.split()[:30])[:200] for line in (title, " > ".join(telling)) if line]
    lead = "".join(f"{line}\n" for line in lines)
    while count(lead) > limit // 2:
        lead = f"{lead[: len(lead) // 2].rstrip()}\n"
    return lead


def sentences(article: Article) -> tuple[Sentence, ...]:
    """Sentences of the short summary and of the caveats, which authors write to stand alone."""
    return tuple(
        Sentence(article.id, section.path, sentence)
        for section in article.sections
        if section.kind in {"in_short", "good_to_know"}
        for sentence in split_sentences(section.text)
    )


def split_sentences(text: str) -> Sequence[str]:
    """Sentences of prose and of list items, without list marks."""
    items = [" ".join(item.split()) for block in _BLOCK.split(text) for item in _ITEM.split(block)]
    found: list[str] = []
    for item in items:
        plain = _MARK.sub("", item)
        held = ""
        for piece in _SENTENCE.split(plain):
            held = f"{held} {piece}".strip()
            if len(held.split()) >= _MIN_SENTENCE_WORDS:
                found.append(held)
                held = ""
        if held:
            found.append(held)
    return found
