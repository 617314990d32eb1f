"""Public question sets as articles of the product, cut into its own passages."""

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
from knowledge.corpus import Corpus
from knowledge.outline import Part, parts, title_of

Flags = NDArray[np.bool_]

DEFAULT_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
_TECHNOTE = re.compile(r"Title:\s*(.*?)\s*(?: - United States)?\n\s*Text:\n?(.*)", re.DOTALL)
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_CONTENTS = 0.6


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
    corpus: Corpus
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


def load_techqa(data: Path) -> QuestionSet:
    """Real questions to IBM support over 337 technotes; a fifth of them has no answer there."""
    articles = []
    for row in _read(data / "techqa-sample" / "corpus.jsonl"):
        match = _TECHNOTE.match(row["text"])
        title, body = match.groups() if match else ("", row["text"])
        # A technote is no Markdown: its logs hold lines that only look like headings.
        articles.append(_article(row["id"], title, (Part(0, (), body, 1),)))
    return _set("techqa", articles, _read(data / "techqa-sample" / "questions.jsonl"))


def load_it_kb(data: Path, *, repeats: bool = True, contents: bool = True) -> QuestionSet:
    """FAQ questions over the pages of three organisations, their title lines removed.

    Without `repeats`, headings that repeat a question word for word are removed as well: on pages
    that answer several questions those are titles in all but name. Without `contents`, pages that
    are mostly links and answer nothing are left out: one of them lists the titles of all FAQ pages.
    """
    folder = data / "it-kb"
    questions = _read(folder / "csc_faq_questions.jsonl")
    asked = set() if repeats else {_plain(row["text"]) for row in questions}
    gold = {name for row in questions for name in row["gold_docs"]}
    articles = [
        _untitled(row, asked)
        for name in ("docs.jsonl", "distractors_tts_nonit.jsonl")
        for row in _read(folder / name)
        if contents or row["id"] in gold or not _is_contents_page(row["text"])
    ]
    name = "it-kb" if repeats else "it-kb, no repeated headings"
    return _set(name if contents else f"{name}, no contents pages", articles, questions)


def _untitled(row: dict[str, Any], asked: set[str]) -> Article:
    _, body = title_of(parts(row["text"]))
    text = "\n".join(f"{'#' * p.level} {p.path[-1]}\n{p.text}" if p.path else p.text for p in body)
    banned = {_plain(row["title"] or ""), *asked} - {""}
    kept = (line for line in text.splitlines() if _plain(line) not in banned)
    return _article(row["id"], "", parts("\n".join(kept)))


def _is_contents_page(text: str) -> bool:
    linked = sum(len(match[1].split()) for match in _LINK.finditer(text))
    return linked >= _CONTENTS * len(_LINK.sub(r"\1", text).split())


def _set(name: str, articles: Sequence[Article], rows: Sequence[dict[str, Any]]) -> QuestionSet:
    corpus = Corpus(tuple(sorted(articles, key=lambda article: article.id)))
    place = {article.id: number for number, article in enumerate(corpus.articles)}
    questions = tuple(
        Question(row["id"], row["text"], frozenset(place[gold] for gold in row["gold_docs"]))
        for row in rows
    )
    return QuestionSet(name, corpus, questions)


def _article(name: str, title: str, body: tuple[Part, ...]) -> Article:
    # A page without its title is no valid article; removing it is the point.
    return Article.model_construct(
        id=name,
        title=title,
        audience=("all_staff",),
        platforms=("any",),
        regions=("any",),
        owner="public",
        reviewed_on=date(2026, 1, 1),
        review_every_days=365,
        version="1",
        sections=sections_of(body),
    )


def _read(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        raise DataMissingError(f"{path} is not there. Name the folder that holds it with --data.")
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def _plain(text: str) -> str:
    return " ".join(re.findall(r"[a-z0-9]+", text.lower()))
