"""The rows of an index version on disk: texts in SQLite, numbers in memory-mapped arrays.

Only what every search needs lies in memory (a card an article, some bytes a row), so that an index
of 100,000 passages stays small. A *row* is a passage or a probe; probes are other wordings by which
an article is asked for. They find their article and are never shown.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from knowledge.article import Article
from knowledge.chunking import Chunk, Sentence
from knowledge.findings import SectionKind

Rows = NDArray[np.int64]
Vectors = NDArray[np.float32]

_SCHEMA = """
create table rows (
  row integer primary key, article integer not null, id text not null unique, digest text not null,
  section text not null, kind text not null, platform text, text text not null);
create table articles (row integer primary key, id text not null unique, body text not null);
create table sentences (
  row integer primary key, article integer not null, section text not null, text text not null);
create index sentences_of on sentences (article);
"""
PROBE = "probe"
"""Kind of the rows that are never shown."""


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
    """The article's rows are neighbours, from this one."""
    row_count: int


class Row(NamedTuple):
    """One entry of the index, as it is written."""

    article: int
    id: str
    digest: str
    section: str
    kind: str
    platform: str | None
    text: str
    embedded: str


@dataclass(frozen=True, slots=True)
class Contents:
    """Everything that an index version is made from, in the order of its rows."""

    articles: tuple[Article, ...]
    cards: tuple[Card, ...]
    rows: tuple[Row, ...]
    sentences: tuple[tuple[int, Sentence], ...]
    """Row of the article, and a sentence of it."""

    @property
    def passages(self) -> int:
        return sum(row.kind != PROBE for row in self.rows)


def arrange(parts: Iterable[tuple[Article, Sequence[Chunk], Sequence[Sentence]]]) -> Contents:
    """Put the rows of all articles one after the other."""
    articles: list[Article] = []
    cards: list[Card] = []
    rows: list[Row] = []
    sentences: list[tuple[int, Sentence]] = []
    for number, (article, chunks, said) in enumerate(parts):
        own = [*_passages(number, chunks), *_probes(number, article)]
        cards.append(_card(article, len(rows), len(own)))
        articles.append(article)
        rows += own
        sentences += [(number, sentence) for sentence in said]
    return Contents(tuple(articles), tuple(cards), tuple(rows), tuple(sentences))


def _passages(number: int, chunks: Sequence[Chunk]) -> Iterable[Row]:
    for c in chunks:
        yield Row(number, c.id, c.digest, c.section, c.kind, c.platform, c.text, c.embedded)


def _probes(number: int, article: Article) -> Iterable[Row]:
    wordings = [text for texts in article.aliases.values() for text in texts]
    for position, text in enumerate(dict.fromkeys(wordings)):
        name = f"{article.id}#alias-{position}"
        yield Row(number, name, text, "", PROBE, None, text, text)


def _card(article: Article, first_row: int, row_count: int) -> Card:
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
        first_row=first_row,
        row_count=row_count,
    )


def write_shelf(
    folder: Path, contents: Contents, vectors: Vectors, sentence_vectors: Vectors
) -> None:
    """Write texts, cards and vectors of a new index version."""
    connection = sqlite3.connect(folder / "shelf.sqlite")
    try:
        connection.executescript(_SCHEMA)
        connection.executemany(
            "insert into rows values (?, ?, ?, ?, ?, ?, ?, ?)",
            ((number, *row[:-1]) for number, row in enumerate(contents.rows)),
        )
        connection.executemany(
            "insert into articles values (?, ?, ?)",
            (
                (n, article.id, article.model_dump_json())
                for n, article in enumerate(contents.articles)
            ),
        )
        connection.executemany(
            "insert into sentences values (?, ?, ?, ?)",
            ((n, a, s.section, s.text) for n, (a, s) in enumerate(contents.sentences)),
        )
        connection.commit()
    finally:
        connection.close()
    cards = [asdict(card) for card in contents.cards]
    (folder / "cards.json").write_text(json.dumps(cards, ensure_ascii=False), "utf-8")
    np.save(folder / "articles.npy", np.array([r.article for r in contents.rows], dtype=np.int32))
    np.save(
        folder / "probes.npy", np.array([r.kind == PROBE for r in contents.rows], dtype=np.bool_)
    )
    np.save(folder / "vectors.npy", vectors.astype(np.float16))
    np.save(folder / "sentences.npy", sentence_vectors.astype(np.float16))


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
        self.cards = tuple(
            _read_card(card) for card in json.loads((folder / "cards.json").read_text("utf-8"))
        )
        self.article_of: NDArray[np.int32] = _mapped(folder / "articles.npy")
        self.is_probe: NDArray[np.bool_] = _mapped(folder / "probes.npy")
        self._vectors: NDArray[np.float16] = _mapped(folder / "vectors.npy")
        self._sentences: NDArray[np.float16] = _mapped(folder / "sentences.npy")
        if not len(self.article_of) == len(self.is_probe) == len(self._vectors):
            raise ValueError("the arrays differ in length")
        self._lock = Lock()
        self._connection = sqlite3.connect(
            f"{(folder / 'shelf.sqlite').absolute().as_uri()}?mode=ro&immutable=1",
            uri=True,
            check_same_thread=False,
        )
        self.number_of: Mapping[str, int] = {card.id: n for n, card in enumerate(self.cards)}
        self.ask("select count(*) from rows")

    def close(self) -> None:
        self._connection.close()

    def ask(self, statement: str, values: Sequence[object] = ()) -> list[tuple[object, ...]]:
        with self._lock:
            return self._connection.execute(statement, values).fetchall()

    def cosines(self, rows: Rows, vector: Vectors) -> Vectors:
        """Exact cosine of each row to a vector of length one."""
        return np.asarray(self._vectors[rows].astype(np.float32) @ vector, dtype=np.float32)

    def passages(self, rows: Sequence[int]) -> Mapping[int, Passing]:
        marks = ",".join("?" * len(rows))
        found = self.ask(
            f"select row, id, section, kind, platform, text from rows where row in ({marks})", rows
        )
        return {number: Passing(*values) for number, *values in found}  # type: ignore[arg-type,misc]  # as written above

    def article(self, number: int) -> Article:
        ((body,),) = self.ask("select body from articles where row = ?", (number,))
        return Article.model_validate_json(str(body))

    def sentences(self, number: int, vector: Vectors) -> list[tuple[str, str, float]]:
        """Sentences of one article with section and cosine, nearest first."""
        found = self.ask(
            "select row, text, section from sentences where article = ? order by row", (number,)
        )
        rows = np.array([row for row, _, _ in found], dtype=np.int64)
        near = self._sentences[rows].astype(np.float32) @ vector if len(rows) else np.empty(0)
        order = np.lexsort((rows, -near))
        return [(str(found[i][1]), str(found[i][2]), float(near[i])) for i in order.tolist()]


def digests(folder: Path) -> Mapping[str, str]:
    """Digest of every passage by its id, of a version that is not opened."""
    connection = sqlite3.connect(
        f"{(folder / 'shelf.sqlite').absolute().as_uri()}?mode=ro", uri=True
    )
    try:
        return dict(connection.execute("select id, digest from rows where kind <> ?", (PROBE,)))
    finally:
        connection.close()


def _mapped(path: Path) -> NDArray[Any]:
    """An array of a file without reading it; as a plain view, which numpy slices much faster."""
    array: NDArray[Any] = np.load(path, mmap_mode="r").view(np.ndarray)
    return array


def _read_card(values: dict[str, Any]) -> Card:
    lists = {key: tuple(values[key]) for key in ("audience", "platforms", "regions")}
    return Card(**{**values, **lists})


def day(ordinal: int) -> date:
    return date.fromordinal(ordinal)
