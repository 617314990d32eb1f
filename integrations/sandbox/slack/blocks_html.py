"""Blocks of Slack as HTML. Pure. Every word is escaped: nothing that somebody wrote becomes markup.

Buttons and menus are fields of the form that the page puts around a message.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from html import escape
from typing import Any

Block = Mapping[str, Any]
Names = Mapping[str, str]
"""Display names by id, for mentions."""

MENU = "menu-"
"""What stands before the action of a menu in the name of its field."""
_ENTITY = re.compile(r"&(lt|gt|amp);")
_MEANT = {"lt": "<", "gt": ">", "amp": "&"}
_ADDRESS = re.compile(r"(?:https?://|mailto:)\S+", re.IGNORECASE)
_MARK = re.compile(
    r"`(?P<code>[^`\n]+)`"
    r"|<(?P<reference>[^<>\n]+)>"
    r"|:(?P<emoji>[a-z_]+):"
    r"|(?<![\w*])\*(?P<bold>[^*\n]+)\*(?![\w*])"
    r"|(?<!\w)_(?P<italic>[^_\n]+)_(?!\w)"
    r"|(?P<line>\n)"
)
_STYLES = {"bold": "strong", "italic": "em", "strike": "s", "code": "code"}

_DRAWINGS: Mapping[str, str] = {
    "robot_face": (
        '<path fill="#5a6b7b" d="M7.2 1h1.6v3H7.2z"/><rect fill="#8fa3b5" x="2" y="4" width="12" height="10" rx="3"/>'
        '<circle fill="#12202c" cx="5.7" cy="8" r="1.4"/><circle fill="#12202c" cx="10.3" cy="8" r="1.4"/>'
        '<path fill="#12202c" d="M5 11h6v1.3H5z"/>'
    ),
    "page_facing_up": (
        '<path fill="#f7f9fb" stroke="#5a6b7b" d="M3.5 1.5h6l3 3v10h-9z"/>'
        '<path stroke="#5a6b7b" d="M5.5 7h5M5.5 9.5h5M5.5 12h3.5"/>'
    ),
    "ticket": (
        '<path fill="#d9932b" d="M1 4h14v2.6a1.5 1.5 0 0 0 0 2.8V12H1V9.4a1.5 1.5 0 0 0 0-2.8z"/>'
        '<path stroke="#fff" stroke-dasharray="1.4 1.2" d="M10.5 4.5v7"/>'
    ),
    "rotating_light": (
        '<path fill="#d3302f" d="M4 12V8a4 4 0 0 1 8 0v4z"/><rect fill="#4b5966" x="2.5" y="12" width="11" height="2.5" rx="1"/>'
        '<path stroke="#d3302f" d="M8 .5v2M1.5 4l1.6 1.2M14.5 4l-1.6 1.2"/>'
    ),
    "large_orange_circle": '<circle fill="#e8781e" cx="8" cy="8" r="6"/>',
    "bust_in_silhouette": (
        '<circle fill="#4a6a8a" cx="8" cy="5" r="3.4"/><path fill="#4a6a8a" d="M1.8 15a6.2 5.6 0 0 1 12.4 0z"/>'
    ),
}  # fmt: skip
"""Drawn, because not every machine has a font with them."""


def blocks_html(blocks: Iterable[Block], names: Names) -> str:
    """All blocks of a message or view, in order. What is unknown is left out."""
    return "".join(_block(block, names) for block in blocks)


def mrkdwn(text: str, names: Names) -> str:
    """Slack's markup of one line or more."""
    shown, at = [], 0
    for found in _MARK.finditer(text):
        shown += [_words(text[at : found.start()]), _marked(found, names)]
        at = found.end()
    return "".join([*shown, _words(text[at:])])


def emoji(name: str) -> str:
    """One of the few that are used; another one stays its name."""
    drawing = _DRAWINGS.get(name)
    if drawing is None:
        return escape(f":{name}:")
    label = name.replace("_", " ")
    return (
        f'<svg class="emoji" role="img" aria-label="{label}" viewBox="0 0 16 16" fill="none">'
        f"{drawing}</svg>"
    )


def has_controls(blocks: Iterable[Block]) -> bool:
    """Whether something in there can be pressed."""
    return any(block.get("type") == "actions" for block in blocks)


def plain_text(text: object) -> str:
    """A `plain_text` or `mrkdwn` object without any markup, escaped."""
    return escape(str((text or {}).get("text") or "")) if isinstance(text, Mapping) else ""


def _words(text: str) -> str:
    """Slack escapes three signs in what it carries; HTML escapes its own."""
    return escape(_ENTITY.sub(lambda found: _MEANT[found[1]], text))


def _marked(found: "re.Match[str]", names: Names) -> str:
    kind, inner = str(found.lastgroup), found[str(found.lastgroup)]
    if kind == "line":
        return "<br>"
    if kind == "code":
        return f"<code>{_words(inner)}</code>"
    if kind == "reference":
        return _reference(inner, names)
    if kind == "emoji":
        return emoji(inner)
    tag = _STYLES[kind]
    return f"<{tag}>{mrkdwn(inner, names)}</{tag}>"


def _reference(inner: str, names: Names) -> str:
    target, _, label = inner.partition("|")
    if target[:1] == "@":
        return _mention(f"@{label or names.get(target[1:], 'someone')}")
    if target[:1] in "#!":
        return _mention(f"{'#' if target[0] == '#' else '@'}{label or target[1:]}")
    return link(_unescaped(target), _unescaped(label or target))


def link(address: str, label: str) -> str:
    """A link to the web or to a mailbox; any other address is shown as words."""
    if not _ADDRESS.fullmatch(address):
        return escape(label)
    return (
        f'<a href="{escape(address)}" target="_blank" rel="noopener noreferrer">{escape(label)}</a>'
    )


def _mention(words: str) -> str:
    return f'<span class="mention">{_words(words)}</span>'


def _unescaped(text: str) -> str:
    return _ENTITY.sub(lambda found: _MEANT[found[1]], text)


def _block(block: Block, names: Names) -> str:
    draw = _BLOCKS.get(str(block.get("type")))
    return draw(block, names) if draw else ""


def _section(block: Block, names: Names) -> str:
    return f'<p class="section">{_text(block.get("text") or {}, names)}</p>'


def _header(block: Block, _names: Names) -> str:
    return f"<h2>{plain_text(block.get('text'))}</h2>"


def _divider(_block: Block, _names: Names) -> str:
    return "<hr>"


def _context(block: Block, names: Names) -> str:
    lines = "".join(f"<p>{_text(each, names)}</p>" for each in block.get("elements") or ())
    return f'<div class="context">{lines}</div>'


def _actions(block: Block, _names: Names) -> str:
    shown = "".join(map(_control, block.get("elements") or ()))
    return f'<div class="actions">{shown}</div>'


def _control(element: Block) -> str:
    action = escape(str(element.get("action_id") or ""))
    if element.get("type") == "button":
        style = element.get("style") if element.get("style") in ("primary", "danger") else ""
        return _button(action, plain_text(element.get("text")), str(style or ""))
    if element.get("type") != "static_select":
        return ""
    menu = _select(element, f"{MENU}{action}")
    label = plain_text(element.get("placeholder"))
    return (
        f'<span class="choose"><label><span class="unseen">{label}</span>{menu}</label>'
        f"{_button(action, 'Send', '')}</span>"
    )


def _button(action: str, label: str, style: str) -> str:
    return f'<button name="action" value="{action}" class="button {style}">{label}</button>'


def _select(element: Block, name: str, more: str = "") -> str:
    options = "".join(
        f'<option value="{escape(str(each["value"]))}">{plain_text(each.get("text"))}</option>'
        for each in element.get("options") or ()
    )
    first = f'<option value="">{plain_text(element.get("placeholder")) or "Choose"}</option>'
    return f'<select name="{name}"{more}>{first}{options}</select>'


def _input(block: Block, _names: Names) -> str:
    element: Block = block.get("element") or {}
    name = escape(str(element.get("action_id") or ""))
    needed = "" if block.get("optional") else " required"
    if element.get("type") == "static_select":
        field = _select(element, name, needed)
    else:
        most = f' maxlength="{int(element["max_length"])}"' if element.get("max_length") else ""
        rows = 4 if element.get("multiline") else 1
        field = f'<textarea name="{name}" rows="{rows}"{most}{needed}></textarea>'
    hint = f'<small class="hint">{plain_text(block["hint"])}</small>' if block.get("hint") else ""
    return (
        f'<label class="input"><span>{plain_text(block.get("label"))}</span>{field}{hint}</label>'
    )


def _text(text: Block, names: Names) -> str:
    if text.get("type") == "plain_text":
        return plain_text(text)
    return mrkdwn(str(text.get("text") or ""), names)


# ---- rich text: its words are never markup


def _rich_text(block: Block, names: Names) -> str:
    return "".join(_rich(element, names) for element in block.get("elements") or ())


def _rich(element: Block, names: Names) -> str:
    kind = element.get("type")
    if kind == "rich_text_list":
        return _list(element, names)
    inner = _leaves(element, names)
    if kind == "rich_text_quote":
        return f"<blockquote>{inner}</blockquote>"
    if kind == "rich_text_preformatted":
        return f"<pre>{inner}</pre>"
    return f"<p>{inner}</p>" if inner else ""


def _list(element: Block, names: Names) -> str:
    items = "".join(f"<li>{_leaves(item, names)}</li>" for item in element.get("elements") or ())
    if element.get("style") != "ordered":
        return f"<ul>{items}</ul>"
    start = int(element.get("offset") or 0) + 1
    return f'<ol start="{start}">{items}</ol>'


def _leaves(element: Block, names: Names) -> str:
    inner = "".join(_leaf(leaf, names) for leaf in element.get("elements") or ())
    return inner.removesuffix("<br>")


def _leaf(leaf: Block, names: Names) -> str:
    kind = leaf.get("type")
    if kind == "link":
        return link(str(leaf.get("url")), str(leaf.get("text") or leaf.get("url")))
    if kind == "user":
        return _mention(f"@{names.get(str(leaf.get('user_id')), 'someone')}")
    if kind == "emoji":
        return emoji(str(leaf.get("name")))
    shown = escape(str(leaf.get("text") or "")).replace("\n", "<br>")
    for style, tag in _STYLES.items():
        if (leaf.get("style") or {}).get(style):
            shown = f"<{tag}>{shown}</{tag}>"
    return shown


_BLOCKS: Mapping[str, Callable[[Block, Names], str]] = {
    "section": _section,
    "header": _header,
    "divider": _divider,
    "context": _context,
    "actions": _actions,
    "input": _input,
    "rich_text": _rich_text,
}
