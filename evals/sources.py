"""The articles that replies may rest on: what a grader looks citations, facts and values up in."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from functools import cached_property

from pydantic import Field

from evals.case import Value


class Article(Value):
    """One article of the knowledge base as it is served."""

    id: str
    title: str
    text: str
    """The body, with its markup."""
    facts: tuple[str, ...] = ()
    """Ids of the company's facts that it carries."""
    reviewed_on: date
    review_every_days: int = Field(ge=1)

    def is_current(self, at: date) -> bool:
        """Whether its last review still holds on that day."""
        return at <= self.reviewed_on + timedelta(days=self.review_every_days)


class Register:
    """All articles, found by id or by title."""

    def __init__(self, articles: Iterable[Article]) -> None:
        self.articles = tuple(articles)

    def get(self, article_id: str) -> Article | None:
        """The article with this id; case and outer white space don't matter."""
        return self._by_id.get(_key(article_id))

    def by_title(self, title: str) -> Article | None:
        """The article with this title; case and white space don't matter."""
        return self._by_title.get(_key(title))

    @cached_property
    def _by_id(self) -> Mapping[str, Article]:
        return {_key(article.id): article for article in self.articles}

    @cached_property
    def _by_title(self) -> Mapping[str, Article]:
        return {_key(article.title): article for article in self.articles}


def _key(name: str) -> str:
    return " ".join(name.casefold().split())
