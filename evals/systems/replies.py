"""Where the fields of a reply stand in a vendor's JSON: a JSONPath each."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator

from evals.case import Value
from evals.systems.system import HopelessError

if TYPE_CHECKING:
    from jsonpath import CompoundJSONPath, JSONPath


def _valid(path: str) -> str:
    from jsonpath import JSONPathError

    try:
        _compiled(path)
    except JSONPathError as error:
        told = str(error).splitlines()[0]
        raise ValueError(
            f"'{path}' is no JSONPath: {told}. Write one like $.reply.text."
        ) from error
    return path


Path = Annotated[str, AfterValidator(_valid)]


class CitationPaths(Value):
    """The sources of a reply: where their list stands, and the paths within one of them."""

    items: Path
    article_id: Path | None = None
    title: Path | None = None
    quote: Path | None = None
    reviewed_on: Path | None = None


class ReplyPaths(Value):
    """`text` must be found; what has no path, or is not found in a reply, is not told by the vendor."""

    text: Path
    disposition: Path | None = None
    category: Path | None = None
    subcategory: Path | None = None
    action_type: Path | None = None
    confidence: Path | None = None
    citations: CitationPaths | None = None
    queue: Path | None = None
    reason_code: Path | None = None
    handoff: Path | None = None
    ticket: Path | None = None
    rules: Path | None = None
    resolved: Path | None = None
    log: Path | None = None
    versions: Path | None = None
    thread: Path | None = None
    """What the vendor calls the conversation, to be sent with the next turn."""

    def fields(self, reply: object) -> dict[str, object]:
        """What the reply tells. Raises `HopelessError` where it holds no text."""
        told: dict[str, object] = {}
        for name in type(self).model_fields:
            path = getattr(self, name)
            if isinstance(path, str) and name != "thread":
                told[name] = first(path, reply)
        if told["text"] is None and _all(self.text, reply):
            told["text"] = ""  # null: it said nothing
        if told["text"] is None:
            raise HopelessError(
                f"The JSONPath {self.text} of `reply.text` finds nothing in the reply, which begins "
                f"{_begin(reply)}. Correct the path, or see whether the vendor answered with an error."
            )
        if self.citations is not None:
            told["citations"] = list(_cited(self.citations, reply))
        return {key: value for key, value in told.items() if value is not None}


def first(path: str | None, reply: object) -> object:
    """The first thing that a path finds, `None` where it finds nothing."""
    found = _all(path, reply) if path is not None else []
    return found[0] if found else None


def number(path: str | None, reply: object) -> float:
    """A number at a path, else 0."""
    found = first(path, reply)
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else 0.0


def _all(path: str, reply: object) -> list[object]:
    """Everything that a path finds, also null."""
    return _compiled(path).findall(reply) if isinstance(reply, dict | list) else []


def _cited(paths: CitationPaths, reply: object) -> Iterator[Mapping[str, object]]:
    for item in _all(paths.items, reply):
        if not isinstance(item, Mapping):
            yield {"title": str(item)}
            continue
        found = {
            name: first(getattr(paths, name), item)
            for name in ("article_id", "title", "quote", "reviewed_on")
        }
        yield {name: str(value) for name, value in found.items() if value is not None}


@lru_cache(maxsize=256)
def _compiled(path: str) -> "JSONPath | CompoundJSONPath":
    import jsonpath

    return jsonpath.compile(path)


def _begin(reply: object) -> str:
    import json

    return json.dumps(reply, ensure_ascii=False)[:200]
