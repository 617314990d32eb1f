"""The headings of a Markdown text and what stands below each of them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from markdown_it import MarkdownIt

from knowledge.findings import SectionKind

_KINDS: Mapping[str, SectionKind] = {
    "in short": "in_short", "summary": "in_short", "tl;dr": "in_short", "overview": "in_short",
    "at a glance": "in_short",
    "symptoms": "symptoms", "symptom": "symptoms", "what you see": "symptoms",
    "problem": "symptoms", "issue": "symptoms",
    "cause": "cause", "causes": "cause", "possible causes": "cause", "reason": "cause",
    "steps": "steps", "solution": "steps", "resolution": "steps", "instructions": "steps",
    "procedure": "steps", "how to": "steps", "fix": "steps", "workaround": "steps",
    "resolving the problem": "steps", "what to do": "steps",
    "good to know": "good_to_know", "notes": "good_to_know", "note": "good_to_know",
    "limits": "good_to_know", "limitations": "good_to_know", "tips": "good_to_know",
    "check that it worked": "check", "verify": "check", "verification": "check",
    "if that does not help": "if_not", "if that doesn't help": "if_not", "still stuck": "if_not",
    "who can help": "who", "contact": "who", "support": "who", "getting help": "who", "help": "who",
}  # fmt: skip
_PLATFORMS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("macos", re.compile(r"\b(?:mac ?os(?: ?x)?|os ?x|macs?|macbooks?)\b", re.IGNORECASE)),
    ("ios", re.compile(r"\b(?:ios|iphones?|ipads?|ipados)\b", re.IGNORECASE)),
    ("android", re.compile(r"\bandroid\b", re.IGNORECASE)),
    ("windows", re.compile(r"\bwindows\b", re.IGNORECASE)),
    ("web", re.compile(r"^(?:the )?(?:web|browser|in the browser|on the web)$", re.IGNORECASE)),
)
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_MARKS = re.compile(r"[*`]+|(?<!\w)_+|_+(?!\w)|\s*\{[#.:][^}]*\}\s*$|\s+#+\s*$")


@dataclass(frozen=True, slots=True)
class Part:
    """Text below one heading, up to the next heading."""

    level: int
    """Of the heading; 0 for text before the first."""
    path: tuple[str, ...]
    """Headings above it, the outermost first, without a single title heading."""
    text: str
    line: int
    """Of the heading, counted in the file."""


def parts(body: str, *, first_line: int = 1) -> tuple[Part, ...]:
    """Split a Markdown text at its headings, ATX or setext. Lines inside code are no headings."""
    # Lines as the Markdown parser counts them: other separators do not end one.
    body = re.sub(r"\r\n?", "\n", body)
    lines = body.split("\n")
    headings = _headings(body)
    ends = [*(start for start, _, _, _ in headings[1:]), len(lines)][: len(headings)]
    found = []
    before = "\n".join(lines[: headings[0][0]] if headings else lines).strip("\n")
    if before.strip():
        found.append(Part(0, (), before, first_line))
    trail: list[tuple[int, str]] = []
    for (start, after, level, title), end in zip(headings, ends, strict=True):
        trail = [(depth, text) for depth, text in trail if depth < level]
        trail.append((level, title))
        text = "\n".join(lines[after:end]).strip("\n")
        found.append(Part(level, tuple(t for _, t in trail), text, first_line + start))
    return tuple(found)


def title_of(found: tuple[Part, ...]) -> tuple[str | None, tuple[Part, ...]]:
    """The title, where one first heading stands above all others, and the parts without it."""
    headed = [part for part in found if part.path]
    if not headed:
        return None, found
    root = headed[0]
    above_all = all(part.path[:1] == root.path for part in headed)
    if not above_all and root.level != 1:
        return None, found
    return root.path[0], tuple(
        Part(
            part.level,
            part.path[1:] if part.path[:1] == root.path else part.path,
            part.text,
            part.line,
        )
        for part in found
    )


def kind_of(path: tuple[str, ...]) -> SectionKind:
    """Kind of the innermost heading that is known, `other` where none is."""
    for heading in reversed(path):
        kind = _KINDS.get(heading.strip(" :?.!").lower())
        if kind:
            return kind
    return "other"


def platform_of(path: tuple[str, ...]) -> str | None:
    """The one platform that the innermost telling heading names; several together are none."""
    for heading in reversed(path):
        named = [name for name, pattern in _PLATFORMS if pattern.search(heading)]
        if len(named) == 1:
            return named[0]
    return None


def plain_heading(text: str) -> str:
    """A heading as people read it: no links, emphasis, anchors or closing marks."""
    return " ".join(_MARKS.sub("", _LINK.sub(r"\1", text)).split())


def _headings(body: str) -> list[tuple[int, int, int, str]]:
    """Start line, first line after it, level and text of every heading at the top of the text."""
    found = []
    tokens = MarkdownIt("commonmark").enable("table").parse(body)
    for position, token in enumerate(tokens):
        if token.type == "heading_open" and token.level == 0 and token.map:
            title = plain_heading(tokens[position + 1].content)
            if title:
                found.append((token.map[0], token.map[1], int(token.tag[1:]), title))
    return found
