"""HTML pages as Markdown: what people read of them, without the page's frame."""

from collections.abc import Iterator
from typing import NamedTuple

from bs4 import BeautifulSoup
from bs4.element import CData, Comment, Declaration, Doctype, NavigableString, PageElement, Tag

_FRAME = (
    "script, style, noscript, template, svg, iframe, object, canvas, form, button, select, nav, "
    "footer, aside, [hidden], [aria-hidden=true], [role=navigation], [role=banner], "
    "[role=contentinfo], [role=search], .breadcrumb, .breadcrumbs, .toc, .sidebar, .skip-link, "
    ".cookie-banner, .headerlink"
)
_MAIN = ("main", "[role=main]", "article", "#main-content", "#content", "body")
_HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}
_EMPHASIS = {"strong": "**", "b": "**"}
_BLOCKS = frozenset(
    [
        "address",
        "article",
        "blockquote",
        "body",
        "center",
        "dd",
        "details",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "html",
        "li",
        "main",
        "ol",
        "p",
        "pre",
        "section",
        "summary",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "ul",
    ]
)
_OPENINGS = ("- ", "1. ", "```", "|")
"""How a block begins that keeps its lines within a list item."""
_UNSEEN = (Comment, Doctype, Declaration, CData)


class Page(NamedTuple):
    """An HTML page as far as it is read."""

    title: str | None
    modified: str | None
    """As the page says it, an ISO date or time."""
    body: str
    """Markdown."""


def read_html(text: str) -> Page:
    """The readable part of an HTML page."""
    soup = BeautifulSoup(text, "html.parser")
    title = soup.title.get_text(" ", strip=True) if soup.title else None
    modified = _modified(soup)
    main = next((found for name in _MAIN if (found := soup.select_one(name))), soup)
    if main.name == "body":
        for header in main.find_all("header", recursive=False):
            header.decompose()
    return Page(title or None, modified, to_markdown(main))


def fragment(text: str) -> str:
    """HTML that stands within Markdown, as Markdown."""
    return to_markdown(BeautifulSoup(text, "html.parser"))


def to_markdown(root: Tag) -> str:
    """Markdown of an element, without what is hidden or only frames the page."""
    for element in root.select(_FRAME):
        element.decompose()
    for element in root.select("[style]"):
        style = "".join(str(element.get("style", "")).lower().split())
        if "display:none" in style or "visibility:hidden" in style:
            element.decompose()
    return "\n\n".join(block for block in _blocks(root) if block.strip())


def _modified(soup: BeautifulSoup) -> str | None:
    names = ("last-modified", "dcterms.modified", "article:modified_time", "date", "revised")
    for tag in soup.find_all("meta"):
        name = str(tag.get("name") or tag.get("property") or tag.get("http-equiv") or "").lower()
        if name in names and tag.get("content"):
            return str(tag["content"])
    stamp = soup.select_one("time[datetime]")
    return str(stamp["datetime"]) if stamp else None


def _blocks(parent: Tag) -> Iterator[str]:
    """Paragraph-like pieces of an element; neighbouring inline pieces form one paragraph."""
    line: list[str] = []
    for child in parent.children:
        if isinstance(child, Tag) and child.name in _BLOCKS:
            yield _tidy("".join(line))
            line = []
            yield from _block(child)
        elif isinstance(child, Tag) and child.find(_is_block):
            yield _tidy("".join(line))
            line = []
            yield from _blocks(child)
        else:
            line.append(_inline(child))
    yield _tidy("".join(line))


def _is_block(tag: Tag) -> bool:
    return tag.name in _BLOCKS


def _block(tag: Tag) -> Iterator[str]:
    if tag.name in _HEADINGS:
        text = " ".join(_inline_of(tag).split())
        yield f"{'#' * _HEADINGS[tag.name]} {text}" if text else ""
    elif tag.name == "pre":
        yield f"```\n{tag.get_text().strip(chr(10))}\n```"
    elif tag.name in {"ul", "ol"}:
        yield "\n".join(_list(tag, ""))
    elif tag.name == "table":
        yield _table(tag)
    elif tag.name in {"summary", "dt", "figcaption"}:
        text = _tidy(_inline_of(tag)).replace("**", "")
        yield f"**{text}**" if text else ""
    else:
        yield from _blocks(tag)


def _list(tag: Tag, indent: str) -> Iterator[str]:
    for number, item in enumerate(tag.find_all("li", recursive=False), start=1):
        mark = f"{number}." if tag.name == "ol" else "-"
        said: list[str] = []
        below: list[str] = []
        for block in _blocks(item):
            if block.startswith(_OPENINGS):
                below += block.splitlines()
            else:
                said += block.split()
        yield f"{indent}{mark} {' '.join(said)}".rstrip()
        margin = indent + " " * (len(mark) + 1)
        yield from (f"{margin}{line}" for line in below)


def _table(tag: Tag) -> str:
    rows = []
    for row in tag.find_all("tr"):
        cells = row.find_all(["td", "th"])
        rows.append([" ".join(_inline_of(cell).split()).replace("|", "/") for cell in cells])
    rows = [row for row in rows if any(row)]
    if not rows:
        return ""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]])


def _inline_of(tag: Tag) -> str:
    return "".join(_inline(child) for child in tag.children)


def _inline(node: PageElement) -> str:
    if isinstance(node, NavigableString):
        return "" if isinstance(node, _UNSEEN) else str(node)
    if not isinstance(node, Tag):
        return ""
    if node.name == "br":
        return "\n"
    if node.name == "img":
        return str(node.get("alt") or "")
    text = _inline_of(node)
    if node.name == "code" and text.strip() and "`" not in text:
        return f"`{text}`"
    if node.name in _EMPHASIS and text.strip():
        return f"{_EMPHASIS[node.name]}{text.strip()}{_EMPHASIS[node.name]}"
    if node.name == "a":
        return _link(text, str(node.get("href") or ""))
    return f"{text} " if node.name in _BLOCKS else text


def _link(text: str, target: str) -> str:
    label = " ".join(text.split())
    if target.startswith(("https://", "http://")) and label and label != target:
        return f"[{label}]({target})"
    return label or target


def _tidy(text: str) -> str:
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)
