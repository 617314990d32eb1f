"""`copilot index …` and `copilot kb check`."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from integrations.home import CLASSIFIERS_FILE, Home
from integrations.progress import Progress
from integrations.settings import Settings

if TYPE_CHECKING:
    from integrations.company import Company
    from knowledge.article import Article
    from knowledge.audit import Finding
    from knowledge.corpus import Source
    from knowledge.index import BuildReport

FOUND_ERRORS = 1
"""Exit code of a check that found errors."""


def show_versions(home: Path | None) -> int:
    """List the kept versions, newest first. Needs no owner and opens no index."""
    from knowledge.versions import list_versions

    place = Home.at(_settings(home).home)
    versions = list_versions(place.index)
    if not versions:
        click.echo(f"No index version in {place.path} yet. Build one with `copilot index sync`.")
    for version in versions:
        mark = "*" if version.current else " "
        state = f", ticket memory {version.memory}" if version.memory else ""
        state += f"  damaged: {version.damage}" if version.damage else ""
        click.echo(
            f"{mark} {version.id}  number {version.number}, {version.articles} articles, "
            f"{version.passages} passages{state}"
        )
    return 0


def use(version: str, home: Path | None) -> int:
    """Let another kept version serve; a running server follows with its next question."""
    from knowledge.versions import use_version

    use_version(Home.at(_settings(home).home).index, version)
    click.echo(f"Index version {version} serves now.")
    return 0


def sync(
    source: Path | None, site: bool, owner: str | None, reviewed_on: str | None, home: Path | None
) -> int:
    """Build a version beside the serving one and swap it in. Works while a server runs."""
    from integrations.company import load_company
    from integrations.preparing import build_index, material_of
    from policies.catalogue import load_catalogue

    settings = _settings(home)
    company = load_company(settings.company_dir)
    sources = _sources(
        company, source, site=site, owner=owner or company.default_queue, reviewed_on=reviewed_on
    )
    progress = Progress.to_terminal()
    with progress.step("reading the articles"):
        material = material_of(settings, company, load_catalogue(company.actions), sources)
    _discard_unreadable(Home.at(settings.home).index)
    for problem in material.corpus.skipped:
        click.echo(f"left out: {problem}", err=True)
    click.echo(_built(build_index(settings, material, progress, sources=sources)))
    return 0


def check(source: Path | None, at: str | None, home: Path | None) -> int:
    """Every problem of the articles at once; 1 when there are errors."""
    from integrations.clock import company_clock
    from integrations.company import load_company
    from integrations.indexing import vocabulary
    from knowledge.corpus import CorpusError, Source, load_corpus

    settings = _settings(home)
    company = load_company(settings.company_dir)
    day = company_clock(company.demo_clock)().date() if at is None else _day("--at", at)
    folder = source or company.articles
    try:
        corpus = load_corpus([Source(folder)], vocabulary(company))
    except CorpusError as error:
        for problem in error.problems:
            click.echo(f"{folder / problem.file}:{problem.line}: error: {problem.message}")
        click.echo(f"{len(error.problems)} error(s). Mend them and check again.", err=True)
        return FOUND_ERRORS
    places = {article.id: folder / article.source for article in corpus.articles}
    findings = _audited(settings, corpus.articles, company, day)
    for finding in findings:
        click.echo(_line(finding, places.get(finding.subject, folder)))
    errors = sum(finding.is_error for finding in findings)
    click.echo(
        f"{len(corpus.articles)} articles checked for {day}: "
        f"{errors} error(s), {len(findings) - errors} warning(s).",
        err=True,
    )
    return FOUND_ERRORS if errors else 0


def _discard_unreadable(index: Path) -> None:
    """Make a serving version that can't be opened count as damaged, so that it is built again."""
    from integrations.following import read_classifiers
    from knowledge.search import Library
    from knowledge.versions import IndexOwnedError, IndexUnavailableError, read_pointer, version_dir

    version = read_pointer(index)
    if version is None:
        return
    folder = version_dir(index, version)
    try:
        Library.at(folder).close()
        read_classifiers(folder / CLASSIFIERS_FILE)
    except IndexOwnedError:
        return  # A server has it open.
    except IndexUnavailableError:
        (folder / "manifest.json").unlink(missing_ok=True)


def _audited(
    settings: Settings, articles: "Sequence[Article]", company: "Company", day: date
) -> "tuple[Finding, ...]":
    from integrations.indexing import vocabulary
    from knowledge.audit import audit
    from knowledge.embedding import Embedder, find_model
    from knowledge.vectors import VectorStore

    model = find_model(settings.models_dir, settings.embedding_model)
    store = VectorStore(Embedder(model).fingerprint, Home.at(settings.home).vectors)
    embedder = Embedder(model, cache=store, threads=2)
    progress = Progress.to_terminal()
    return audit(
        articles,
        vocabulary(company),
        at=day,
        embed=lambda texts: embedder.embed_documents(texts, progress.count),
    )


def _line(finding: "Finding", place: Path) -> str:
    return f"{place}: {'error' if finding.is_error else 'warning'}: {finding.message}"


def _sources(
    company: "Company", source: Path | None, *, site: bool, owner: str, reviewed_on: str | None
) -> "tuple[Source, ...]":
    """What to read: the company's own articles, another folder of them, or a site."""
    from knowledge.corpus import Source
    from knowledge.sites import SourceProfile

    if source is None:
        if site:
            raise click.UsageError("Name the folder of the site's pages with --source.")
        return ()
    if not site:
        return (Source(source),)
    if owner not in company.queues:
        known = ", ".join(sorted(company.queues))
        raise click.UsageError(f"The owner '{owner}' is no queue. Queues here: {known}.")
    day = None if reviewed_on is None else _day("--reviewed-on", reviewed_on)
    name = source.resolve().name
    return (Source(source, SourceProfile(name, owner=owner, reviewed_on=day)),)


def _built(report: "BuildReport") -> str:
    size = f"{report.articles} articles, {report.passages} passages"
    if report.reused:
        return f"Nothing had to be built: index version {report.version} serves ({size})."
    return (
        f"Index version {report.version} serves ({size}): {report.added} passages added, "
        f"{report.unchanged} unchanged, {report.deleted} removed, {report.embedded} texts embedded."
    )


def _day(option: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"{option} is no date. Write it like 2026-11-22.") from None


def _settings(home: Path | None) -> Settings:
    return Settings() if home is None else Settings(home=home)
