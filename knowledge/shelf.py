"""The rows of an index version on disk: texts in SQLite, numbers in memory-mapped arrays.

Only what every search needs lies in memory (a card an article, some bytes a row), so that an index
of 100,000 passages stays small. A *row* is a passage; rows of an article are neighbours. *Aliases*
are other wordings by which an article is asked for: they find it and are never shown.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from sys import intern
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from knowledge.arrays import ArrayFile
from knowledge.article import Article
from knowledge.chunking import Chunk, Sentence
from knowledge.findings import SectionKind

Rows = NDArray[np.int64]
Vectors = NDArray[np.float32]

_SCHEMA = """
create table rows (
  row integer primary key, article integer not null, id text not null unique, digest text not null,
  section text not null, kind text not null, platform text, text text not null);
create table aliases (
  row integer primary key, article integer not null, language text not null, text text not null);
create table articles (row integer primary key, id text not null unique, body text not null);
create table sentences (
  row integer primary key, article integer not null, section text not null, text text not null);
create index sentences_of on sentences (article);
"""
_FEW_ALIASES = 4096
"""Up to so many are compared with every question, beyond only those of its language."""
_IN_MEMORY = 32 * 2**20
"""Bytes of vectors that are kept in memory; larger files are read row by row."""
_FEW_SENTENCES = 4 * 2**20
"""Bytes of the vectors of sentences that are kept in memory: a reply reads those of few articles."""
_UNCOMPARED = -1.0


@dataclass(frozen=True, slots=True)
class Card:
    """What a search knows of an article without reading it."""

    id: str
    title: str
    category: str | None
    subcategory: str | None
    audience: tuple[str, ...]
    platforms: tuple[str, ...]
    regions: tuple[str, ...]
    reviewed_on: int
    """Ordinal of the day."""
    due: int
    """Ordinal of the last day on which the article is current."""
    version: str
    first_row: int
    row_count: int
    first_alias: int
    alias_count: int

    @property
    def rows(self) -> range:
        return range(self.first_row, self.first_row + self.row_count)

    @property
    def aliases(self) -> range:
        return range(self.first_alias, self.first_alias + self.alias_count)


class Row(NamedTuple):
    """A passage as it is written."""

    article: int
    id: str
    digest: str
    section: str
    kind: str
    platform: str | None
    text: str
    embedded: str


class Alias(NamedTuple):
    """Another wording by which an article is asked for."""

    article: int
    language: str
    text: str


@dataclass(frozen=True, slots=True)
class Contents:
    """Everything that an index version is made from, in the order of its rows."""

    articles: tuple[Article, ...]
    cards: tuple[Card, ...]
    rows: tuple[Row, ...]
    aliases: tuple[Alias, ...]
    sentences: tuple[tuple[int, Sentence], ...]
    """Number of the article, and a sentence of it."""


class ContentVectors(NamedTuple):
    """Vectors of the contents, each in the order of its texts."""

    rows: Vectors
    aliases: Vectors
    sentences: Vectors


def arrange(parts: Iterable[tuple[Article, Sequence[Chunk], Sequence[Sentence]]]) -> Contents:
    """Put the rows, aliases and sentences of all articles one after the other."""
    articles: list[Article] = []
    cards: list[Card] = []
    rows: list[Row] = []
    aliases: list[Alias] = []
    sentences: list[tuple[int, Sentence]] = []
    for number, (article, chunks, said) in enumerate(parts):
        own_rows = [_row(number, chunk) for chunk in chunks]
        own_aliases = [
            Alias(number, language, text)
            for language, texts in article.aliases.items()
            for text in texts
        ]
        cards.append(
            _card(article, range(len(rows), len(rows) + len(own_rows)), aliases, own_aliases)
        )
        articles.append(article)
        rows += own_rows
        aliases += own_aliases
        sentences += [(number, sentence) for sentence in said]
    return Contents(tuple(articles), tuple(cards), tuple(rows), tuple(aliases), tuple(sentences))


def _row(number: int, c: Chunk) -> Row:
    return Row(number, c.id, c.digest, c.section, c.kind, c.platform, c.text, c.embedded)


def _card(article: Article, rows: range, before: Sized, aliases: Sized) -> Card:
    return Card(
        id=article.id,
        title=article.title,
        category=article.category,
        subcategory=article.subcategory,
        audience=article.audience,
        platforms=article.platforms,
        regions=article.regions,
        reviewed_on=article.reviewed_on.toordinal(),
        due=article.review_due().toordinal(),
        version=article.version,
        first_row=rows.start,
        row_count=len(rows),
        first_alias=len(before),
        alias_count=len(aliases),
    )


def write_shelf(folder: Path, contents: Contents, vectors: ContentVectors) -> None:
    """Write texts, cards and vectors of a new index version."""
    connection = sqlite3.connect(folder / "shelf.sqlite")
    try:
        connection.executescript(_SCHEMA)
        for table, values in _tables(contents):
            if not values:
                continue
            marks = ", ".join("?" * len(values[0]))
            connection.executemany(f"insert into {table} values ({marks})", values)
        connection.commit()
    finally:
        connection.close()
    cards = [asdict(card) for card in contents.cards]
    (folder / "cards.json").write_text(json.dumps(cards, ensure_ascii=False), "utf-8")
    np.save(folder / "articles.npy", np.array([r.article for r in contents.rows], dtype=np.int32))
    # Whole numbers of four bytes: turning half precision into them costs more than the search.
    np.save(folder / "vectors.npy", vectors.rows.astype(np.float32))
    np.save(folder / "aliases.npy", vectors.aliases.astype(np.float32))
    np.save(folder / "sentences.npy", vectors.sentences.astype(np.float16))


def _tables(contents: Contents) -> Iterator[tuple[str, list[tuple[object, ...]]]]:
    yield "rows", [(number, *row[:-1]) for number, row in enumerate(contents.rows)]
    yield "aliases", [(number, *alias) for number, alias in enumerate(contents.aliases)]
    yield "articles", [(n, a.id, a.model_dump_json()) for n, a in enumerate(contents.articles)]
    yield "sentences", [(n, a, s.section, s.text) for n, (a, s) in enumerate(contents.sentences)]


class Passing(NamedTuple):
    """A passage as stored."""

    id: str
    section: str
    kind: SectionKind
    platform: str | None
    text: str


class Shelf:
    """An opened index version's rows. Safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        self.cards = _read_cards((folder / "cards.json").read_text("utf-8"))
        self.article_of: NDArray[np.int32] = np.load(folder / "articles.npy")
        self._vectors = VectorFile(folder / "vectors.npy")
        self._aliases = VectorFile(folder / "aliases.npy")
        self._sentences = ArrayFile(folder / "sentences.npy", np.float16, held_bytes=_FEW_SENTENCES)
        self._lock = Lock()
        self._connection = sqlite3.connect(
            f"{(folder / 'shelf.sqlite').absolute().as_uri()}?mode=ro&immutable=1",
            uri=True,
            check_same_thread=False,
        )
        self.number_of: Mapping[str, int] = {card.id: n for n, card in enumerate(self.cards)}
        self._aliases_in = self._languages()
        self._held_aliases: dict[str, Vectors] = {}
        ((count,),) = self.ask("select count(*) from rows")
        if not count == len(self.article_of) == len(self._vectors):
            raise ValueError("the files of the index disagree about the number of passages")

    def close(self) -> None:
        self._connection.close()
        self._vectors.close()
        self._aliases.close()
        self._sentences.close()

    def ask(self, statement: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._connection.execute(statement, values).fetchall()

    def cosines(self, rows: Rows, vector: Vectors) -> Vectors:
        """Exact cosine of each row, in ascending order of rows, to a vector of length one."""
        return self._vectors.read(rows) @ vector

    def alias_cosines(self, vector: Vectors, language: str) -> Vectors:
        """Cosine of every alias; -1 for those that need not be compared."""
        near = np.full(len(self._aliases), _UNCOMPARED, dtype=np.float32)
        if len(near) <= _FEW_ALIASES:
            return self._aliases.span(0, len(near)) @ vector
        rows = self._aliases_in.get(language, np.empty(0, dtype=np.int64))
        if language not in self._held_aliases:
            # They lie far apart on disk: reading them anew costs more than all the rest.
            self._held_aliases[language] = self._aliases.read(rows)
        near[rows] = self._held_aliases[language] @ vector
        return near

    def _languages(self) -> Mapping[str, Rows]:
        found: dict[str, list[int]] = {}
        for row, language in self.ask("select row, language from aliases order by row"):
            found.setdefault(language, []).append(row)
        return {language: np.array(rows, dtype=np.int64) for language, rows in found.items()}

    def passages(self, rows: Sequence[int]) -> Mapping[int, Passing]:
        if not rows:
            return {}
        marks = ",".join("?" * len(rows))
        found = self.ask(
            f"select row, id, section, kind, platform, text from rows where row in ({marks})", rows
        )
        return {number: Passing(*values) for number, *values in found}

    def passage(self, chunk_id: str) -> str | None:
        found = self.ask("select text from rows where id = ?", (chunk_id,))
        return str(found[0][0]) if found else None

    def article(self, number: int) -> Article:
        ((body,),) = self.ask("select body from articles where row = ?", (number,))
        return Article.model_validate_json(str(body))

    def sentences(self, number: int, vector: Vectors) -> list[tuple[str, str, float]]:
        """Sentences of one article with section and cosine, nearest first."""
        found = self.ask(
            "select row, text, section from sentences where article = ? order by row", (number,)
        )
        rows = np.array([row for row, _, _ in found], dtype=np.int64)
        said = self._sentences.read(rows).astype(np.float32)
        near = said @ vector if len(rows) else np.empty(0)
        order = np.lexsort((rows, -near))
        return [(str(found[i][1]), str(found[i][2]), float(near[i])) for i in order.tolist()]


def digests(folder: Path) -> Mapping[str, str]:
    """Digest of every passage by its id, of a version that is not opened."""
    connection = sqlite3.connect(
        f"{(folder / 'shelf.sqlite').absolute().as_uri()}?mode=ro", uri=True
    )
    try:
        return dict(connection.execute("select id, digest from rows"))
    finally:
        connection.close()


def due_dates(folder: Path) -> Mapping[str, date]:
    """The last day on which each article is current, of a version that is not opened."""
    cards = json.loads((folder / "cards.json").read_text("utf-8"))
    return {card["id"]: date.fromordinal(card["due"]) for card in cards}


class VectorFile(ArrayFile[np.float32]):
    """A table of vectors."""

    def __init__(self, path: Path, held_bytes: int = _IN_MEMORY) -> None:
        try:
            super().__init__(path, np.float32, held_bytes=held_bytes)
        except ValueError as error:
            raise ValueError(f"{path.name} holds no vectors") from error
        if len(self.shape) != 2:  # noqa: PLR2004 - a table
            self.close()
            raise ValueError(f"{path.name} holds no vectors")


def _read_cards(text: str) -> tuple[Card, ...]:
    """The cards; what many of them have in common is kept once, a card is made as it is read."""
    shared: dict[object, Any] = {}

    def card(values: dict[str, Any]) -> Card:
        lists = {
            key: tuple(map(intern, values[key])) for key in ("audience", "platforms", "regions")
        }
        common = {key: values[key] for key in ("category", "subcategory", "version")} | lists
        kept = {key: shared.setdefault(value, value) for key, value in common.items()}
        return Card(**{**values, **kept})

    return tuple(json.loads(text, object_hook=card))


def day(ordinal: int) -> date:
    return date.fromordinal(ordinal)
