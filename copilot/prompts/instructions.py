"""What a chat model is told, as versioned files; everything that it is told about goes into its data."""

from functools import lru_cache
from hashlib import sha256
from importlib import resources
from string import Template
from typing import Literal

Name = Literal["draft", "requests"]
_NAMES: tuple[Name, ...] = ("draft", "requests")


def instructions(name: Name, **values: str) -> str:
    """The instructions of that name, filled in. A missing or unknown placeholder is an error."""
    text = _text(name)
    known = set(Template(text).get_identifiers())
    if known != set(values):
        wrong = ", ".join(sorted(known ^ set(values)))
        message = f"The prompt {name}.md and its caller disagree about {wrong}. Correct the file."
        raise ValueError(message)
    return Template(text).substitute(values)


def version() -> str:
    """Short hash of every prompt: part of a reply's version tuple while a chat model is in use."""
    return sha256("\0".join(texts()).encode()).hexdigest()[:12]


def texts() -> tuple[str, ...]:
    """Every prompt as it stands in its file."""
    return tuple(_text(name) for name in _NAMES)


@lru_cache(maxsize=len(_NAMES))
def _text(name: Name) -> str:
    return resources.files("copilot.prompts").joinpath(f"{name}.md").read_text("utf-8")
