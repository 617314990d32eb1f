"""What Slack refuses in blocks and views: the limits of its documentation."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

MAX_BLOCKS, MAX_VIEW_BLOCKS = 50, 100
_TEXT, _HEADER, _BUTTON, _VALUE, _OPTION, _TITLE, _METADATA = 3000, 150, 75, 2000, 75, 24, 3000
_ID, _OPTIONS, _OPTION_VALUE = 255, 100, 150
_ELEMENTS = {"actions": 25, "context": 10}
_KNOWN = frozenset({"section", "divider", "header", "context", "actions", "rich_text", "input", "image",
                    "markdown", "context_actions"})  # fmt: skip


def faults(blocks: object, limit: int = MAX_BLOCKS) -> list[str]:
    """What is wrong with blocks, as Slack's `response_metadata.messages` would say."""
    if not isinstance(blocks, list):
        return ["[ERROR] must be an array"]
    if len(blocks) > limit:
        return [f"[ERROR] no more than {limit} items allowed [json-pointer:/blocks]"]
    ids = [b.get("block_id") for b in blocks if isinstance(b, dict) and b.get("block_id")]
    found = [f"[ERROR] block_id {name} is not unique" for name in set(ids) if ids.count(name) > 1]
    for number, block in enumerate(blocks):
        found += [f"[ERROR] {said} [json-pointer:/blocks/{number}]" for said in _block(block)]
    return found


def view_faults(view: object) -> list[str]:
    if not isinstance(view, dict):
        return ["[ERROR] must be an object"]
    found = faults(view.get("blocks"), MAX_VIEW_BLOCKS)
    if view.get("type") == "modal":
        if len(str((view.get("title") or {}).get("text") or "")) not in range(1, _TITLE + 1):
            found.append("[ERROR] must be between 1 and 24 characters [json-pointer:/view/title]")
        has_input = any(b.get("type") == "input" for b in view.get("blocks") or [])
        if has_input and not view.get("submit"):
            found.append("[ERROR] `submit` is required with input blocks")
    if len(str(view.get("private_metadata") or "")) > _METADATA:
        found.append(
            "[ERROR] must be less than 3001 characters [json-pointer:/view/private_metadata]"
        )
    return found


def _block(block: object) -> Iterator[str]:
    if not isinstance(block, dict):
        yield "must be an object"
        return
    kind = str(block.get("type"))
    if kind not in _KNOWN:
        yield f"unsupported type: {kind}"
    if len(str(block.get("block_id") or "")) > _ID:
        yield "block_id must be less than 256 characters"
    yield from _texts(kind, block)
    elements = block.get("elements")
    if kind in _ELEMENTS:
        yield from _listed(kind, elements)
    if kind == "rich_text":
        yield from _rich(elements)
    if kind == "input" and not isinstance(block.get("element"), dict):
        yield "missing required field: element"


def _texts(kind: str, block: Mapping[str, Any]) -> Iterator[str]:
    if kind == "section":
        text = (block.get("text") or {}).get("text")
        if not text and not block.get("fields"):
            yield "missing required field: text"
        if text and len(text) > _TEXT:
            yield f"must be less than {_TEXT + 1} characters"
    if kind == "header" and len(str((block.get("text") or {}).get("text") or "")) not in range(
        1, _HEADER + 1
    ):
        yield f"must be less than {_HEADER + 1} characters"


def _listed(kind: str, elements: object) -> Iterator[str]:
    if not isinstance(elements, list) or not elements:
        yield "must provide at least one element"
        return
    if len(elements) > _ELEMENTS[kind]:
        yield f"no more than {_ELEMENTS[kind]} items allowed"
    for element in elements:
        yield from _element(element)


def _element(element: Mapping[str, Any]) -> Iterator[str]:
    kind = element.get("type")
    if kind == "button":
        label = str((element.get("text") or {}).get("text") or "")
        if len(label) not in range(1, _BUTTON + 1):
            yield f"button text must be 1 to {_BUTTON} characters"
        if len(str(element.get("value") or "")) > _VALUE:
            yield f"button value must be less than {_VALUE + 1} characters"
        if element.get("style") not in (None, "primary", "danger"):
            yield "invalid style"
    if kind == "static_select":
        yield from _options(element.get("options") or [])
    if kind in ("mrkdwn", "plain_text") and not element.get("text"):
        yield "text must not be empty"


def _options(options: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if not 1 <= len(options) <= _OPTIONS:
        yield "must provide 1 to 100 options"
    for option in options:
        if len(str((option.get("text") or {}).get("text") or "")) not in range(1, _OPTION + 1):
            yield f"option text must be 1 to {_OPTION} characters"
        if len(str(option.get("value") or "")) > _OPTION_VALUE:
            yield "option value must be less than 151 characters"


def _rich(elements: object) -> Iterator[str]:
    if not isinstance(elements, list) or not elements:
        yield "rich_text must have elements"
        return
    for element in elements:
        if element.get("type") not in (
            "rich_text_section",
            "rich_text_list",
            "rich_text_quote",
            "rich_text_preformatted",
        ):
            yield f"unsupported rich text element: {element.get('type')}"
        if element.get("type") == "rich_text_list":
            if element.get("style") not in ("bullet", "ordered"):
                yield "invalid list style"
            yield from _rich(element.get("elements"))
        elif not all(_is_leaf(leaf) for leaf in element.get("elements") or [{}]):
            yield "invalid rich text section"


def _is_leaf(leaf: Mapping[str, Any]) -> bool:
    kind = leaf.get("type")
    return (
        (kind == "text" and bool(leaf.get("text")))
        or (kind == "link" and bool(leaf.get("url")))
        or kind in ("user", "emoji", "channel")
    )
