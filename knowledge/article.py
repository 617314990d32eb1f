"""An article and its sections, and the house format that authors write."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from knowledge.findings import SectionKind
from knowledge.outline import Part, kind_of, parts, platform_of

HOUSE_SECTIONS: tuple[SectionKind, ...] = (
    "in_short", "symptoms", "cause", "steps", "good_to_know", "check", "if_not", "who",
)  # fmt: skip
"""Kinds of the level-2 sections of a house article, in their order."""
HEADINGS: Mapping[SectionKind, str] = {
    "in_short": "In short",
    "symptoms": "Symptoms",
    "cause": "Cause",
    "steps": "Steps",
    "good_to_know": "Good to know",
    "check": "Check that it worked",
    "if_not": "If that does not help",
    "who": "Who can help",
}
PLATFORMS = frozenset({"windows", "macos", "ios", "android", "web", "any"})

_Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Problem(NamedTuple):
    """One thing wrong with one file."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class ArticleError(Exception):
    """A file is no article; `problems` lists everything that is wrong with it."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class Section(BaseModel):
    """Text below one heading, up to the next heading of any level."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    """Headings from the second level down, for example `Steps > macOS`."""
    heading: str
    kind: SectionKind
    """Told by the headings, `other` where none is known."""
    platform: str | None = None
    """`windows`, `macos`, `ios`, `android` or `web` where a heading in the path says so."""
    text: str
    """As it stands in the file, Markdown."""
    line: int = 0


class FrontMatter(BaseModel):
    """What an author states about an article. Unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$", max_length=200)]
    title: _Word
    category: _Word | None = None
    subcategory: _Word | None = None
    audience: Annotated[tuple[_Word, ...], Field(min_length=1)]
    platforms: Annotated[tuple[_Word, ...], Field(min_length=1)]
    regions: Annotated[tuple[_Word, ...], Field(min_length=1)]
    owner: _Word
    reviewed_on: date
    review_every_days: Annotated[int, Field(ge=1, le=3650)]
    version: _Word
    facts: tuple[_Word, ...] = ()
    aliases: Mapping[str, tuple[_Word, ...]] = Field(default_factory=dict)
    """How employees would ask for it, by language."""
    label: str = ""
    """`synthetic` marks an article that was written for a fictional company."""

    def review_due(self) -> date:
        """The last day on which the article counts as current."""
        return self.reviewed_on + timedelta(days=self.review_every_days)

    def is_stale(self, at: date) -> bool:
        return self.review_due() < at


class Article(FrontMatter):
    """A checked article."""

    sections: tuple[Section, ...]
    source: str = ""
    """The file it came from, relative to the folder that was loaded."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Names that front matter may use. `None` means that any name is accepted."""

    labels: Mapping[str, frozenset[str]] | None = None
    """Subcategories of each category."""
    owners: frozenset[str] | None = None
    facts: frozenset[str] | None = None
    audiences: frozenset[str] | None = None
    regions: frozenset[str] | None = None
    platforms: frozenset[str] | None = PLATFORMS
    sections: tuple[SectionKind, ...] = HOUSE_SECTIONS
    """Sections that a house article must have, in this order."""


REQUIRED_KEYS = tuple(name for name in FrontMatter.model_fields if name not in {"aliases", "label"})
ANY_NAME = Vocabulary()


def parse_article(
    path: Path, vocabulary: Vocabulary = ANY_NAME, *, root: Path | None = None
) -> Article:
    """Read one house article, or raise `ArticleError` with all its problems."""
    name = str(path.relative_to(root)) if root else str(path)
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        problem = Problem(name, 1, f"The file is not UTF-8 (byte {error.start}). Save it as UTF-8.")
        raise ArticleError((problem,)) from error
    except OSError as error:
        problem = Problem(
            name, 1, f"The file can't be read: {error.strerror}. Check its permissions."
        )
        raise ArticleError((problem,)) from error
    return parse_text(text, name, vocabulary)


def parse_text(text: str, name: str, vocabulary: Vocabulary = ANY_NAME) -> Article:
    """Check one house article given as text; `name` is what problems call the file."""
    front, body, body_line = split_front_matter(text)
    if front is None:
        raise ArticleError(
            (Problem(name, 1, "The file does not start with front matter (--- key: value ---)."),)
        )
    values, lines, problems = _read_front(front, name)
    found = parts(body, first_line=body_line)
    problems += [
        Problem(name, lines.get(key, 1), f"The key {key!r} is missing. Add it to the front matter.")
        for key in REQUIRED_KEYS
        if values is not None and key not in values
    ]
    matter = _validated(values, lines, name, problems) if values is not None else None
    if matter is not None:
        problems += _unknown_names(matter, lines, name, vocabulary)
    problems += _section_problems(found, name, vocabulary)
    if problems or matter is None:
        raise ArticleError(tuple(sorted(set(problems))))
    sections = sections_of(found, kind=lambda path: kind_of(path[:1]))
    return Article(**matter.model_dump(), sections=sections, source=name)


def split_front_matter(text: str) -> tuple[str | None, str, int]:
    """Front matter (or `None`), body, and the line on which the body starts."""
    lines = re.sub(r"\r\n?", "\n", text.lstrip("\ufeff")).split("\n")
    if lines[0].rstrip() != "---":
        return None, text, 1
    for number, line in enumerate(lines[1:], start=1):
        if line.rstrip() in {"---", "..."}:
            return "\n".join([*lines[1:number], ""]), "\n".join(lines[number + 1 :]), number + 2
    return None, text, 1


def sections_of(
    found: tuple[Part, ...], kind: Callable[[tuple[str, ...]], SectionKind] = kind_of
) -> tuple[Section, ...]:
    """Sections of an article's parts; a part without text only lends its heading to those below."""
    return tuple(
        Section(
            path=" > ".join(part.path),
            heading=part.path[-1] if part.path else "",
            kind=kind(part.path),
            platform=platform_of(part.path),
            text=part.text,
            line=part.line,
        )
        for part in found
        if part.text.strip()
    )


def _read_front(
    front: str, name: str
) -> tuple[dict[str, Any] | None, dict[str, int], list[Problem]]:
    """Values and lines of the keys, and what is wrong with the YAML itself."""
    try:
        node = yaml.compose(front, Loader=yaml.SafeLoader)
        values = yaml.safe_load(front)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 2 if mark else 1
        reason = getattr(error, "problem", None) or "it can't be parsed"
        return None, {}, [Problem(name, line, f"The front matter is no YAML: {reason}.")]
    if not isinstance(node, yaml.MappingNode) or not isinstance(values, dict):
        return None, {}, [Problem(name, 2, "The front matter is not a list of `key: value` lines.")]
    lines: dict[str, int] = {}
    problems = []
    for key, _ in node.value:
        line = key.start_mark.line + 2
        if key.value in lines:
            problems.append(Problem(name, line, f"The key {key.value!r} stands twice. Remove one."))
        lines.setdefault(str(key.value), line)
    return {str(key): value for key, value in values.items()}, lines, problems


def _validated(
    values: dict[str, Any], lines: Mapping[str, int], name: str, problems: list[Problem]
) -> FrontMatter | None:
    try:
        return FrontMatter.model_validate(values)
    except ValidationError as error:
        for item in error.errors():
            key = str(item["loc"][0])
            if item["type"] == "missing":
                continue
            message = (
                f"The key {key!r} is unknown. Known keys: {', '.join(FrontMatter.model_fields)}."
                if item["type"] == "extra_forbidden"
                else f"The value {values.get(key)!r} of {key!r} is not usable: {item['msg']}."
            )
            problems.append(Problem(name, lines.get(key, 1), message))
        return None


def _unknown_names(
    matter: FrontMatter, lines: Mapping[str, int], name: str, vocabulary: Vocabulary
) -> Iterator[Problem]:
    closed: tuple[tuple[str, tuple[str, ...], frozenset[str] | None], ...] = (
        ("owner", (matter.owner,), vocabulary.owners),
        ("facts", matter.facts, vocabulary.facts),
        ("audience", matter.audience, vocabulary.audiences),
        ("regions", matter.regions, vocabulary.regions and vocabulary.regions | {"any"}),
        ("platforms", matter.platforms, vocabulary.platforms),
    )
    for key, used, known in closed:
        for value in used:
            if known is not None and value not in known:
                yield _unknown(name, lines.get(key, 1), key, value, known)
    if vocabulary.labels is None:
        return
    subcategories = vocabulary.labels.get(matter.category or "")
    if subcategories is None:
        known = frozenset(vocabulary.labels)
        yield _unknown(name, lines.get("category", 1), "category", matter.category, known)
    elif matter.subcategory not in subcategories:
        known = subcategories
        yield _unknown(name, lines.get("subcategory", 1), "subcategory", matter.subcategory, known)


def _unknown(name: str, line: int, key: str, value: str | None, known: frozenset[str]) -> Problem:
    return Problem(
        name, line, f"The {key} {value!r} is unknown. Known here: {', '.join(sorted(known))}."
    )


def _section_problems(
    found: tuple[Part, ...], name: str, vocabulary: Vocabulary
) -> Iterator[Problem]:
    top = [part for part in found if part.level == 2 and part.path]  # noqa: PLR2004
    for part in found:
        if not part.path and part.text.strip():
            yield Problem(
                name, part.line, "Text stands before the first heading. Move it below one."
            )
        elif part.level == 1:
            yield Problem(
                name,
                part.line,
                f"The heading {part.path[-1]!r} has one #. The title stands in the front matter.",
            )
    for part in top:
        if kind_of(part.path) == "other":
            known = ", ".join(HEADINGS[kind] for kind in vocabulary.sections)
            yield Problem(
                name, part.line, f"The section {part.path[-1]!r} is unknown. Known: {known}."
            )
        if not any(p.text.strip() for p in found if p.path[:1] == part.path):
            yield Problem(name, part.line, f"The section {part.path[-1]!r} is empty. Write it.")
    yield from _order_problems([(kind_of(part.path), part.line) for part in top], name, vocabulary)


def _order_problems(
    kinds: list[tuple[SectionKind, int]], name: str, vocabulary: Vocabulary
) -> Iterator[Problem]:
    seen: list[SectionKind] = []
    for kind, line in kinds:
        if kind in seen:
            yield Problem(name, line, f"The section {HEADINGS[kind]!r} stands twice. Merge them.")
        elif kind in vocabulary.sections:
            if seen and vocabulary.sections.index(kind) < vocabulary.sections.index(seen[-1]):
                yield Problem(
                    name,
                    line,
                    f"The section {HEADINGS[kind]!r} must stand before {HEADINGS[seen[-1]]!r}.",
                )
            seen.append(kind)
    last = kinds[-1][1] if kinds else 1
    for kind in vocabulary.sections:
        if kind not in seen:
            yield Problem(name, last, f"The section {HEADINGS[kind]!r} is missing. Add it.")
