"""Sources of Jekyll, Hugo, MkDocs and Docusaurus sites as plain Markdown.

What a site's generator would put in is not known here. A link whose target is made by a template
keeps its text; a sentence that needs a value nobody can supply is left out, because half of it might
be quoted.
"""

import re
from collections.abc import Callable, Iterator, Mapping

from markdown_it import MarkdownIt

from knowledge.markup import fragment

_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})")
_COMMENTS = re.compile(
    r"<!--.*?-->|\{%-?\s*comment\s*-?%\}.*?\{%-?\s*endcomment\s*-?%\}|\{#-?.*?-?#\}", re.DOTALL
)
_NAMED = re.compile(r"\{%-?\s*slack_channel\s+[\"']#?([^\"']+)[\"'][^%]*%\}")
_LINKED = re.compile(r"(!?)\[([^\]\n]*)\]\(\s*(?:\{[{%].*?[%}]\}[^)\s]*)\s*(?:\"[^\"]*\")?\)")
_TAG = re.compile(r"\{%-?.*?-?%\}|\{\{[<%].*?[>%]\}\}", re.DOTALL)
_VALUE = re.compile(r"\{\{-?\s*([^}]*?)\s*-?\}\}")
_HTML_TAG = re.compile(r"</?[A-Za-z][A-Za-z0-9-]*(?:\s[^<>]*)?/?>")
_GAPS = re.compile(r"\n[ \t]*\n(?:[ \t]*\n)+")
_CODE_SPAN = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)")
_ATTRIBUTES = re.compile(r"\{:[^}\n]*\}|\{\s*[#.][A-Za-z][^}\n]*\}|\{\s*[\w-]+=[^}\n]*\}")
_ICON = re.compile(r":(?:material|fontawesome|octicons|simple)-[a-z0-9-]+:")
_IMAGE = re.compile(r"!\[([^\]\n]*)\]\([^)\n]*\)")
_RELATIVE = re.compile(r"(?<!!)\[([^\]\n]+)\]\((?!https?://|mailto:|tel:)[^)\n]*\)")
_CONTENTS = re.compile(
    r"^\s*(?:\[TOC\]|\[\[_?TOC_?\]\]|\$\{toc\}|--8<--.*|(?:[-*+]|\d+\.)\s*\[[^\]]*\]\(#[^)]*\))\s*$",
    re.IGNORECASE,
)
_CALLOUT = re.compile(
    r"^([ \t]*)(?:!!!|\?\?\?\+?|===[+!]?)\s*([\w-]*)\s*(?:[^\"]*\"([^\"]*)\")?\s*$"
)
_COLONS = re.compile(r"^\s*:{3,}\s*([\w-]*)\s*(.*?)\s*$")
_NO_BLANK = re.compile(r"^(#{2,6})([^\s#].*)$")
_NO_BLANK_TITLE = re.compile(r"^#([A-Z][^#]*)$")
_SENTENCE = re.compile(r"(?<=[.!?])\s+")


def plain_markdown(text: str, values: Mapping[str, str] | None = None) -> str:
    """Markdown without the marks of a site generator; fenced code stays as it is."""
    known = values or {}
    text = _outside_code(text.replace("\r\n", "\n"), lambda part: _COMMENTS.sub("", part))
    text = "\n".join(_without_callouts(text.split("\n")))
    text = _outside_code(text, lambda part: _prose(part, known))
    return _html_blocks(text)


def _prose(text: str, values: Mapping[str, str]) -> str:
    text = _NAMED.sub(r"#\1", text)
    text = _LINKED.sub(lambda match: match[2], text)
    text = _TAG.sub("", text)
    lines = [_line(line, values) for line in text.split("\n")]
    return "\n".join(_with_headings([line for line in lines if not _CONTENTS.match(line)]))


def _line(line: str, values: Mapping[str, str]) -> str:
    if _VALUE.search(line):
        line = _VALUE.sub(lambda match: values.get(match[1], match[0]), line)
        if _VALUE.search(line):
            whole = _SENTENCE.split(line)
            line = " ".join(piece for piece in whole if not _VALUE.search(piece))
    line = _ATTRIBUTES.sub("", line)
    line = _IMAGE.sub(lambda match: match[1], _ICON.sub("", line))
    return _RELATIVE.sub(r"\1", line) if not _CONTENTS.match(line) else line


def _with_headings(lines: list[str]) -> Iterator[str]:
    """Headings that lack the blank after their marks get it; a hashtag in a sentence does not."""
    for number, line in enumerate(lines):
        before = lines[number - 1] if number else ""
        after = lines[number + 1] if number + 1 < len(lines) else ""
        if match := _NO_BLANK.match(line):
            yield f"{match[1]} {match[2]}"
        elif (match := _NO_BLANK_TITLE.match(line)) and not before.strip() and not after.strip():
            yield f"# {match[1]}"
        else:
            yield line


def _without_callouts(lines: list[str]) -> Iterator[str]:
    """Notes, folded blocks and tabs: their title in bold, their text where other text stands."""
    margins: list[int] = []
    fence = ""
    for line in lines:
        indent = len(line) - len(line.lstrip())
        while margins and line.strip() and not line.startswith("\t") and indent < margins[-1]:
            margins.pop()
        shown = _dedent(line, len(margins)) if margins else line
        if mark := _FENCE.match(shown):
            fence = "" if fence and mark[1].startswith(fence) else fence or mark[1]
        match = None if fence else _CALLOUT.match(line)
        colons = None if fence else _COLONS.match(shown)
        if match:
            margins.append(len(match[1].expandtabs(4)) + 4)
            yield from _called(match[2], match[3])
        elif colons:
            yield from _called(colons[1], colons[2].strip("[]"))
        else:
            yield shown


def _dedent(line: str, depth: int) -> str:
    for _ in range(depth):
        if line.startswith("\t"):
            line = line[1:]
        else:
            line = line[min(4, len(line) - len(line.lstrip(" "))) :]
    return line


def _called(kind: str, title: str | None) -> Iterator[str]:
    yield ""
    if title:
        yield f"**{title}**"
        yield ""
    elif kind.lower() in {"warning", "danger", "caution", "attention"}:
        yield f"**{kind.capitalize()}:**"
        yield ""


def _html_blocks(text: str) -> str:
    """HTML within Markdown as Markdown, inline tags dropped; code stays."""
    lines = text.split("\n")
    for token in reversed(MarkdownIt("commonmark").enable("table").parse(text)):
        if token.type == "html_block" and token.map:
            start, end = token.map
            html = "\n".join(lines[start:end])
            lines[start:end] = ["", *fragment(html).split("\n"), ""]
    text = _outside_code("\n".join(lines), lambda part: _HTML_TAG.sub("", part))
    return _outside_code(text, lambda part: _GAPS.sub("\n\n", part))


def _outside_code(text: str, change: Callable[[str], str]) -> str:
    """Apply a change to everything but fenced code and code spans."""
    done: list[str] = []
    held: list[str] = []
    fence = ""
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if fence:
            done.append(line)
            if mark and mark[1].startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
        elif mark:
            done += [_spared(held, change), line]
            held = []
            fence = mark[1]
        else:
            held.append(line)
    return "\n".join([*done, _spared(held, change)] if held else done)


def _spared(lines: list[str], change: Callable[[str], str]) -> str:
    """Change text with its code spans put aside."""
    spans: list[str] = []

    def put_aside(match: re.Match[str]) -> str:
        spans.append(match[0])
        return f"\ue000{len(spans) - 1}\ue001"

    changed = change(_CODE_SPAN.sub(put_aside, "\n".join(lines)))
    return re.sub("\ue000(\\d+)\ue001", lambda match: spans[int(match[1])], changed)
