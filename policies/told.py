"""Secrets that are told in passing: a phrase, a code in brackets, a key, a link that works once."""

import re
from collections.abc import Callable
from typing import Literal

from policies.shapes import ERROR_NEARBY, IDENTIFIER, KEEP, LEAST, LOGIN_CODE, bare, has_shape

_CODE_THERE = re.compile(
    rf"\b(?P<key>{LOGIN_CODE})\b[^.\n\d]{{0,40}}?:\s*[\"'`]?(?P<value>\d{{4,10}})(?![\d.-]?\d)",
    re.IGNORECASE,
)
_CODE_BEFORE = re.compile(
    r"\bcode\b[^\n]{0,160}?(?<!\d)(?P<value>\d{3}[ -]?\d{3})\)?,?\s+(?:it was|it is|was it|that was|war es|was het|c'etait|era)\b",
    re.IGNORECASE,
)
_PHRASED = re.compile(
    r"(?<![\w/\\.:@-])(?P<value>[A-Za-z]{3,}(?:[-._][A-Za-z]{2,}|[-._]\d{1,4}){1,5}(?:[-._]?\d{1,4})?[!?*#]?)(?![\w@/\\-])"
)
_WORDS_IN_PHRASE = 3
_TALKS_OF_SIGNING_IN = re.compile(
    r"\b(?:pass ?(?:word|phrase|wort)|passwords?|pw|pwd|log(?:ged|ging|s)?[ -]?in|sign(?:ed|ing|s)?[ -]?in|login|typed|tunnel|vpn|mail address|"
    r"rules|kennwort|wachtwoord|mot de passe|contrasena|read mine)\b",
    re.IGNORECASE,
)
_ONCE_ONLY = re.compile(
    r"\bhttps?://[^\s/]+/(?:[\w-]+/)*(?:once|activat\w*|invit\w*|reset|token|magic|verify|confirm|unlock|claim|redeem|join|"
    r"enrol\w*)/(?P<value>(?=[\w.~=-]*\d)[\w.~=-]{6,})",
    re.IGNORECASE,
)
_KEY_IS = re.compile(
    r"(?<![\w-])key(?:\s*(?:=|:)\s*|\s+(?:is|was|ist|est|es)\s+)[\"'`]?(?P<value>[^\s\"'`,;<>()\[\]{}]{8,})",
    re.IGNORECASE,
)


def _is_phrase(match: re.Match[str]) -> bool:
    """Words joined to a phrase with a number in it, where the message is about signing in: "Maple-Tram-Opal-6"."""
    value = bare(match["value"])
    words = re.findall(r"[A-Za-z]{2,}", value)
    capitals = sum(word[0].isupper() and not word.isupper() for word in words)
    return (
        len(words) >= _WORDS_IN_PHRASE
        and capitals >= _WORDS_IN_PHRASE - 1
        and any(char.isdigit() for char in value)
        and IDENTIFIER.fullmatch(value) is None
        and _TALKS_OF_SIGNING_IN.search(match.string) is not None
    )


def _is_a_key(match: re.Match[str]) -> bool:
    value = bare(match["value"])
    return has_shape(value, strict=True) and len(value) >= 2 * LEAST


def _may_be_code_there(match: re.Match[str]) -> bool:
    before = match.string[max(0, match.start() - 30) : match.start()]
    return not KEEP.fullmatch(match["value"]) and ERROR_NEARBY.search(before) is None


Rule = tuple[
    re.Pattern[str], Callable[[re.Match[str]], bool], Literal["password", "code", "token", "key"]
]
TOLD: tuple[Rule, ...] = (
    (_PHRASED, _is_phrase, "password"),
    (_KEY_IS, _is_a_key, "key"),
    (_ONCE_ONLY, bool, "token"),
    (_CODE_THERE, _may_be_code_there, "code"),
    (_CODE_BEFORE, bool, "code"),
)
"""What to look for, whether a find is a secret, and of what kind; the group `value` holds it."""
