"""The surface patterns, compiled once on first use."""

import re
from functools import lru_cache
from importlib import resources

import yaml
from pydantic import BaseModel, ConfigDict


class Patterns(BaseModel):
    """Regular expressions that locate spans; see the comments in `patterns.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    platforms: dict[str, re.Pattern[str]]
    locations: dict[str, re.Pattern[str]]
    tried: dict[str, re.Pattern[str]]
    worked: re.Pattern[str]
    unchanged: re.Pattern[str]
    works_now: dict[str, re.Pattern[str]]
    pleads: re.Pattern[str]
    step_words: re.Pattern[str]
    step_number: re.Pattern[str]
    ordinals: dict[str, re.Pattern[str]]
    explain: dict[str, re.Pattern[str]]
    place: dict[str, re.Pattern[str]]
    asks: dict[str, re.Pattern[str]]
    yes_no: dict[str, re.Pattern[str]]
    verdicts: dict[str, re.Pattern[str]]
    negated: re.Pattern[str]
    states_yes: dict[str, re.Pattern[str]]
    states_no: dict[str, re.Pattern[str]]
    how_long: re.Pattern[str]
    duration: re.Pattern[str]
    question_marks: re.Pattern[str]


@lru_cache(maxsize=1)
def patterns() -> Patterns:
    raw = yaml.safe_load(
        resources.files("copilot.understanding").joinpath("patterns.yaml").read_text("utf-8")
    )
    return Patterns.model_validate(_compiled(raw))


def _compiled(node: object) -> object:
    if isinstance(node, dict):
        return {key: _compiled(value) for key, value in node.items()}
    return re.compile(str(node), re.IGNORECASE)


def first_match(options: dict[str, re.Pattern[str]], text: str) -> str | None:
    """The name of the pattern that occurs last in the text: people correct themselves."""
    found = [
        (max(m.start() for m in p.finditer(text)), name)
        for name, p in options.items()
        if p.search(text)
    ]
    return max(found)[1] if found else None


def any_match(options: dict[str, re.Pattern[str]], text: str) -> bool:
    return any(pattern.search(text) for pattern in options.values())
