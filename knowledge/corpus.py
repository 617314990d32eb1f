"""A folder of articles, checked as a whole."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from knowledge.article import ANY_NAME, Article, ArticleError, Problem, Vocabulary, parse_article
from knowledge.sites import SITE_LABEL, SourceProfile, parse_page

SUFFIXES = frozenset({".md", ".markdown", ".html", ".htm"})
_NOT_ARTICLES = frozenset({"readme.md", "license.md", "changelog.md", "contributing.md"})


class CorpusError(Exception):
    """A folder can't be served; `problems` lists everything that is wrong, by file and line."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(
            f"{len(problems)} problem{'s' if len(problems) != 1 else ''} in the knowledge base. "
            "Mend them and run the command again:\n" + "\n".join(str(p) for p in problems)
        )
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Source:
    """A folder and how to read it."""

    folder: Path
    profile: SourceProfile | None = None
    """Defaults for a site whose pages lack the house format; `None` demands the house format."""


@dataclass(frozen=True)
class Corpus:
    """Articles of unique ids, ordered by id."""

    articles: tuple[Article, ...]
    skipped: tuple[Problem, ...] = ()
    """Pages of sites that hold nothing to quote, with the reason."""

    @cached_property
    def digest(self) -> str:
        """Changes when any article changes."""
        whole = hashlib.sha256()
        for article in self.articles:
            # Where a file lies says nothing about what it says.
            whole.update(article.model_dump_json(exclude={"source"}).encode())
        return whole.hexdigest()

    @cached_property
    def by_id(self) -> Mapping[str, Article]:
        return {article.id: article for article in self.articles}


def load_corpus(sources: Iterable[Source | Path], vocabulary: Vocabulary = ANY_NAME) -> Corpus:
    """Read all sources, or raise `CorpusError` with every problem of every file at once."""
    articles: list[Article] = []
    problems: list[Problem] = []
    skipped: list[Problem] = []
    for given in sources:
        source = given if isinstance(given, Source) else Source(given)
        files, missing = _files(source)
        problems += missing
        for path in files:
            try:
                articles.append(_read(path, source, vocabulary))
            except ArticleError as error:
                target = problems if source.profile is None else skipped
                target += error.problems
    problems += _duplicates(articles)
    if not problems and not articles:
        problems.append(Problem("knowledge base", 1, "No article was found. Add at least one."))
    if problems:
        raise CorpusError(sorted(problems))
    return Corpus(tuple(sorted(articles, key=lambda a: a.id)), tuple(skipped))


def _read(path: Path, source: Source, vocabulary: Vocabulary) -> Article:
    if source.profile is not None:
        return parse_page(path, source.profile, root=source.folder)
    return parse_article(path, vocabulary, root=source.folder)


def _files(source: Source) -> tuple[list[Path], list[Problem]]:
    folder = source.folder
    if not folder.is_dir():
        return [], [Problem(str(folder), 1, "The folder does not exist. Name one that does.")]
    # A read-me beside articles is for their authors; on a site it is the page of its folder.
    left_out = _NOT_ARTICLES if source.profile is None else frozenset[str]()
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in SUFFIXES
        and path.name.lower() not in left_out
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ], []


def _duplicates(articles: Sequence[Article]) -> list[Problem]:
    """Ids and titles that stand in two files. Sites may repeat a title in two places."""
    problems = []
    ids: dict[str, str] = {}
    titles: dict[str, str] = {}
    for article in articles:
        if article.id in ids:
            problems.append(
                Problem(
                    article.source, 1, f"The id {article.id!r} is also that of {ids[article.id]}."
                )
            )
        ids.setdefault(article.id, article.source)
        title = " ".join(article.title.lower().split())
        if title in titles and article.label != SITE_LABEL:
            problems.append(
                Problem(
                    article.source,
                    1,
                    f"The title {article.title!r} is also that of {titles[title]}.",
                )
            )
        titles.setdefault(title, article.source)
    return problems
