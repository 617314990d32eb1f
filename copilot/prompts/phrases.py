"""Sentences by language, with English as the fallback; placeholders are checked when used."""

import re
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from importlib import resources

import yaml
from pydantic import TypeAdapter

_DURATION = re.compile(r"(\d+) (working )?(minute|hour|day)s?")


class Phrases:
    """The sentences of one language."""

    def __init__(self, language: str, own: Mapping[str, str], fallback: Mapping[str, str]) -> None:
        self.language = language
        self._own = own
        self._fallback = fallback

    def say(self, key: str, **values: object) -> str:
        """The sentence of that key, filled in. An unknown key or placeholder is an error."""
        return (self._own.get(key) or self._fallback[key]).format(**values)

    def duration(self, text: str) -> str:
        """A promise such as `8 working hours` in this language; what is not one stays as it is."""
        match = _DURATION.fullmatch(" ".join(text.split()))
        if match is None:
            return text
        unit = f"working_{match[3]}" if match[2] else match[3]
        number = "one" if match[1] == "1" else "many"
        key = f"{unit}_{number}"
        return self.say(key, count=match[1]) if key in self._fallback else text

    def has(self, key: str) -> bool:
        return key in self._own


def phrases(language: str) -> Phrases:
    every = _load()
    return Phrases(language, every.get(language) or _unread().get(language, {}), every["en"])


def unread() -> frozenset[str]:
    """Languages in which it can only be said that they are not read."""
    return frozenset(_unread())


def spoken() -> frozenset[str]:
    """Languages in which the embedded default can answer."""
    return frozenset(_load())


def every() -> Mapping[str, Mapping[str, str]]:
    """All sentences by language and key, with their placeholders."""
    return _load()


@lru_cache(maxsize=1)
def frames() -> frozenset[str]:
    """What stands before a quote that a sentence frames, in every language."""
    return frozenset(
        own[key].partition("{")[0]
        for own in _load().values()
        for key in ("cause_one", "says_yes", "says_no")
        if key in own
    )


def templates() -> tuple[str, ...]:
    """Every sentence of every language, with its placeholders: all that is said and not quoted."""
    every = (*_load().values(), *_unread().values())
    return tuple(dict.fromkeys(text for own in every for text in own.values()))


def version() -> str:
    """Short hash of every sentence: part of a reply's version tuple."""
    return sha256(_source().encode()).hexdigest()[:12]


@lru_cache(maxsize=1)
def _load() -> dict[str, dict[str, str]]:
    return TypeAdapter(dict[str, dict[str, str]]).validate_python(yaml.safe_load(_source()))


@lru_cache(maxsize=1)
def _source() -> str:
    return resources.files("copilot.prompts").joinpath("phrases.yaml").read_text("utf-8")


@lru_cache(maxsize=1)
def _unread() -> dict[str, dict[str, str]]:
    source = resources.files("copilot.prompts").joinpath("unread.yaml").read_text("utf-8")
    told = TypeAdapter(dict[str, str]).validate_python(yaml.safe_load(source))
    return {language: {"unread": sentence} for language, sentence in told.items()}
