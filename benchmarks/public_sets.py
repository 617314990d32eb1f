"""Public question sets as articles of the product: its own parts, sections and passages."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.article import Article, sections_of
from knowledge.chunking import Chunk, Count, chunks
from knowledge.outline import Part, parts, title_of

Flags = NDArray[np.bool_]

DEFAULT_DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"
_TECHNOTE = re.compile(r"Title:\s*(.*?)\s*(?: - United States)?\n\s*Text:\n?(.*)", re.DOTALL)


class DataMissingError(Exception):
    """A question set is not on this machine."""


@dataclass(frozen=True)
class Question:
    id: str
    text: str
    gold: frozenset[int]
    """Row numbers of the articles that answer it; none where no article does."""


@dataclass(frozen=True)
class QuestionSet:
    name: str
    articles: tuple[Article, ...]
    passages: tuple[Chunk, ...]
    owner: NDArray[np.int64]
    """Row number of each passage's article."""
    questions: tuple[Question, ...]

    @property
    def answerable(self) -> Flags:
        return np.array([bool(question.gold) for question in self.questions])

    @property
    def dev(self) -> Flags:
        """The half on which weights are chosen: by hash of the id, answerable or not apart."""
        digests = [hashlib.sha256(q.id.encode()).hexdigest() for q in self.questions]
        flags = np.zeros(len(digests), dtype=np.bool_)
        for kind in (True, False):
            rows = np.flatnonzero(self.answerable == kind)
            ordered = sorted(rows.tolist(), key=lambda row: digests[row])
            flags[ordered[: len(ordered) // 2]] = True
        return flags

    def whole_texts(self) -> list[str]:
        """What the index of whole articles holds of each."""
        return [
            "\n".join([a.title, *(f"{s.path}\n{s.text}" for s in a.sections)])
            for a in self.articles
        ]


def load_techqa(data: Path, count: Count) -> QuestionSet:
    """Real questions to IBM support, 337 technotes; a fifth of the questions has no answer there."""
    articles, rows = [], _read(data / "techqa-sample" / "corpus.jsonl")
    for row in rows:
        match = _TECHNOTE.match(row["text"])
        title, body = match.groups() if match else ("", row["text"])
        # A technote is no Markdown: its logs hold lines that only look like headings.
        articles.append(_article(row["id"], title, (Part(0, (), body, 1),)))
    return _set("techqa", articles, _read(data / "techqa-sample" / "questions.jsonl"), count)


def load_it_kb(data: Path, count: Count, *, strict: bool = False) -> QuestionSet:
    """FAQ questions over the pages of three organisations, their title lines removed.

    `strict` also removes every heading that repeats a question word for word: on pages that answer
    several questions those headings are titles in all but name.
    """
    folder = data / "it-kb"
    questions = _read(folder / "csc_faq_questions.jsonl")
    asked = {_plain(row["text"]) for row in questions} if strict else set()
    articles = []
    for row in _read(folder / "docs.jsonl") + _read(folder / "distractors_tts_nonit.jsonl"):
        _, body = title_of(_parts(row["text"]))
        text = "\n".join(f"{'#' * p.level} {p.path[-1]}\n{p.text}" if p.path else p.text for p in body)
        banned = {_plain(row["title"] or "")} | asked
        kept = (line for line in text.splitlines() if not _plain(line) or _plain(line) not in banned)
        articles.append(_article(row["id"], "", _parts("\n".join(kept))))
    return _set("it-kb strict" if strict else "it-kb", articles, questions, count)


def _set(
    name: str, articles: Sequence[Article], rows: Sequence[dict[str, Any]], count: Count
) -> QuestionSet:
    place = {article.id: row for row, article in enumerate(articles)}
    passages = [(row, chunk) for row, a in enumerate(articles) for chunk in chunks(a, count)]
    return QuestionSet(
        name=name,
        articles=tuple(articles),
        passages=tuple(chunk for _, chunk in passages),
        owner=np.array([row for row, _ in passages], dtype=np.int64),
        questions=tuple(
            Question(r["id"], r["text"], frozenset(place[gold] for gold in r["gold_docs"]))
            for r in rows
        ),
    )


def _article(name: str, title: str, body: tuple[Part, ...]) -> Article:
    # A page without its title is no valid article; that is the point of removing it.
    return Article.model_construct(
        id=name, title=title, aliases={}, sections=sections_of(body), reviewed_on=date.min
    )


def _parts(t):
    try: return parts(t)
    except ValueError: return (Part(0,(),t,1),)


def _read(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        raise DataMissingError(f"skipped: {path} is not there. Name the folder with --data.")
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def _plain(text: str) -> str:
    return " ".join(re.findall(r"[a-z0-9]+", text.lower()))
