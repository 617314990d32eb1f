"""Pages of real sites, with other front matter than ours or none, as articles."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import yaml

from knowledge.article import Article, ArticleError, Problem, sections_of, split_front_matter
from knowledge.markup import Page, read_html
from knowledge.outline import parts, plain_heading, title_of
from knowledge.templating import plain_markdown

SITE_LABEL = "site"
"""Label of articles that were read from a site rather than written in the house format."""
_DATES = (
    "reviewed_on", "last_reviewed", "last_reviewed_on", "last_updated", "last_modified", "updated",
    "lastmod", "modified", "date",
)  # fmt: skip
_UNSAFE = re.compile(r"[^A-Za-z0-9._/-]+")


@dataclass(frozen=True)
class SourceProfile:
    """What to assume of a site's pages where they do not say it themselves."""

    name: str
    """Begins the id of every article of the site."""
    owner: str
    audience: tuple[str, ...] = ("all_staff",)
    platforms: tuple[str, ...] = ("any",)
    regions: tuple[str, ...] = ("any",)
    category: str | None = None
    subcategory: str | None = None
    reviewed_on: date | None = None
    """For pages without a date; `None` takes the date of the file."""
    review_every_days: int = 365
    version: str = "1"
    values: Mapping[str, str] = field(default_factory=dict)
    """What the site's templates would put in, by the name between the braces."""


def parse_page(path: Path, profile: SourceProfile, *, root: Path) -> Article:
    """Read one Markdown or HTML page, or raise `ArticleError` when it holds nothing to quote."""
    name = path.relative_to(root).as_posix()
    try:
        text = path.read_bytes().decode("utf-8-sig", errors="replace")
        changed = datetime.fromtimestamp(path.stat().st_mtime, UTC).date()
        return parse_page_text(text, name, profile, changed)
    except OSError as error:
        reason = f"The page can't be read: {error.strerror}. Check its permissions."
    except RecursionError:
        reason = "The page's markup is nested too deeply to be read. Simplify it."
    raise ArticleError((Problem(name, 1, reason),))


def parse_page_text(text: str, name: str, profile: SourceProfile, changed: date) -> Article:
    """Read a page given as text; `changed` is the date of its file."""
    front, body, first_line = split_front_matter(text)
    stated = _stated(front)
    page = Page(None, None, body)
    if name.lower().endswith((".html", ".htm")):
        page = read_html(plain_templates(body, profile))
        first_line = 1
    else:
        page = Page(None, None, plain_markdown(body, _values(stated, profile)))
    found = parts(page.body, first_line=first_line)
    heading, found = title_of(found)
    sections = sections_of(found)
    if not sections:
        raise ArticleError((Problem(name, 1, "The page holds no text to quote. It is left out."),))
    title = _words(stated.get("title")) or heading or _words(page.title) or _from_file_name(name)
    return Article(
        id=page_id(profile.name, name),
        title=plain_heading(title) or _from_file_name(name),
        category=_words(stated.get("category")) if profile.category is None else profile.category,
        subcategory=profile.subcategory,
        audience=_names(stated.get("audience")) or profile.audience,
        platforms=_names(stated.get("platforms")) or profile.platforms,
        regions=_names(stated.get("regions")) or profile.regions,
        owner=_words(stated.get("owner")) or profile.owner,
        reviewed_on=_date(stated, page.modified) or profile.reviewed_on or changed,
        review_every_days=profile.review_every_days,
        version=_words(stated.get("version")) or profile.version,
        label=SITE_LABEL,
        sections=sections,
        source=name,
    )


def page_id(site: str, name: str) -> str:
    """Stable as long as the page stays where it is."""
    stem = re.sub(r"\.(md|markdown)$", "", name, flags=re.IGNORECASE)
    return f"{site}/{_UNSAFE.sub('-', stem).strip('-./') or 'page'}"[:200]


def plain_templates(text: str, profile: SourceProfile) -> str:
    """HTML without template tags; values that are known are put in."""
    text = re.sub(r"\{%-?.*?-?%\}", "", text, flags=re.DOTALL)
    return re.sub(r"\{\{-?\s*([^}]*?)\s*-?\}\}", lambda m: profile.values.get(m[1], ""), text)


def _stated(front: str | None) -> dict[str, Any]:
    """A page's own front matter; that of others may be anything, so what can't be read is none."""
    try:
        values = yaml.safe_load(front or "")
    except yaml.YAMLError:
        return {}
    return {str(k).lower(): v for k, v in values.items()} if isinstance(values, dict) else {}


def _values(stated: Mapping[str, Any], profile: SourceProfile) -> Mapping[str, str]:
    own = {
        f"page.{key}": str(value) for key, value in stated.items() if isinstance(value, str | int)
    }
    return {**own, **profile.values}


def _words(value: object) -> str | None:
    return " ".join(str(value).split()) or None if isinstance(value, str | int | float) else None


def _names(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,) if value.strip() else ()
    return (
        tuple(v for v in value if isinstance(v, str) and v.strip())
        if isinstance(value, list)
        else ()
    )


def _date(stated: Mapping[str, Any], modified: str | None) -> date | None:
    for value in (*(stated.get(key) for key in _DATES), modified):
        if isinstance(value, datetime):
            return value.date()
        if isinstance(value, date):
            return value
        if isinstance(value, str):
            try:
                return datetime.fromisoformat(value.strip()).date()
            except ValueError:
                continue
    return None


def _from_file_name(name: str) -> str:
    path = Path(name)
    stem = (
        path.parent.name
        if path.stem in {"index", "README", "_index"} and path.parent.name
        else path.stem
    )
    return " ".join(re.split(r"[-_\s]+", stem)).strip().capitalize() or name
