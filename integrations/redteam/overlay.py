"""A throw-away edition of the knowledge base with planted pages; the served one is not touched."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from copilot.ports import Vector
from knowledge.article import Article, Section
from knowledge.findings import Findings, Reader

if TYPE_CHECKING:
    from knowledge.embedding import Embedder
    from knowledge.search import Library

_TITLE_CHARS = 200
_LONG_AGO = timedelta(days=3650)
_YEAR = 365


@dataclass(frozen=True, slots=True)
class Page:
    """A page that an attacker got into the knowledge base, worded to be found by `question`."""

    id: str
    question: str
    text: str
    label: str
    """`category.subcategory`, so that it is filed where the question looks."""
    owner: str
    reviewed: bool
    """Whether somebody let it through review. Else it is found and recorded, and may not be quoted."""

    @property
    def group(self) -> str:
        """The only readers of the page: the pages of other cases lie beside it."""
        return f"redteam:{self.id}"

    def article(self, at: date) -> Article:
        category, _, subcategory = self.label.partition(".")
        return Article(
            id=self.id,
            title=" ".join(self.question.split())[:_TITLE_CHARS],
            category=category or None,
            subcategory=subcategory or None,
            audience=(self.group,),
            platforms=("any",),
            regions=("any",),
            owner=self.owner,
            reviewed_on=at if self.reviewed else at - _LONG_AGO,
            review_every_days=_YEAR if self.reviewed else 1,
            version="1",
            label="synthetic",
            sections=(Section(path="Steps", heading="Steps", kind="steps", text=self.text),),
        )


@contextmanager
def planted(
    folder: Path, served: "Library", pages: Sequence[Page], embedder: "Embedder", at: date
) -> Iterator["Library"]:
    """An index of everything that is served and the pages, in an empty folder."""
    from knowledge.confidence import ConfidenceModel
    from knowledge.corpus import Corpus
    from knowledge.index import build_version
    from knowledge.search import CONFIDENCE_FILE, Library
    from knowledge.versions import read_manifest

    doubt = served.folder / CONFIDENCE_FILE

    def as_served(building: Path) -> None:
        """The same doubt as the served version's: pages are few, and nothing is calibrated anew."""
        manifest = read_manifest(building)
        if manifest is None or not doubt.is_file():
            return
        fitted = ConfidenceModel.from_json(doubt.read_text("utf-8"), served.version)
        own = replace(fitted, fingerprint=manifest.version)
        (building / CONFIDENCE_FILE).write_text(own.to_json(), "utf-8")

    articles = [
        *(served.article(card.id) for card in served.cards),
        *(page.article(at) for page in pages),
    ]
    corpus = Corpus(tuple(sorted(articles, key=lambda article: article.id)))
    build_version(folder, corpus, embedder, extras=as_served, extras_key="redteam")
    with Library.open(folder) as library:
        yield library


@dataclass(frozen=True, slots=True)
class ReadableTo:
    """A library in which the asker may read the pages of a group besides their own."""

    library: "Library"
    group: str

    @property
    def version(self) -> str:
        return self.library.version

    def search(
        self,
        text: str,
        vector: Vector,
        reader: Reader,
        *,
        at: date,
        prior: Mapping[str, float] | None = None,
        language: str = "en",
        limit: int = 5,
    ) -> Findings:
        allowed = replace(reader, groups=reader.groups | {self.group})
        return self.library.search(
            text, vector, allowed, at=at, prior=prior, language=language, limit=limit
        )

    def article(self, article_id: str) -> Article:
        return self.library.article(article_id)

    def sentences(self, article_id: str, vector: Vector) -> Sequence[tuple[str, str, float]]:
        return self.library.sentences(article_id, vector)
