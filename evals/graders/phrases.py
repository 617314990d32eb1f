"""Whether a text states a phrase: as words, whatever its markup, case and white space, and not denied.

`Text` is a reply made comparable once; a mention quotes the span as it stands in the reply.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

from evals.case import DENIED, Phrases
from evals.graders.denial import Standing, standing

_REGEX = "re:"
_LONGEST_QUOTE = 240
_SAME_LENGTH = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u00b4`\u02bc", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2212\u00ad", "-"),
        **dict.fromkeys("\u2013\u2014\u2015", "\u2014"),
        **dict.fromkeys("\u00a0\u1680\u202f\u205f\u3000\t\r\x0b\x0c", " "),
        **{chr(code): " " for code in range(0x2000, 0x200B)},
        **{chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},
        "\u0130": "i",
        "\u2028": "\n",
        "\u2029": "\n",
    }
)
_BACKTICK = str.maketrans({"`": "\x00"})
_MARKUP = re.compile(
    r"""
      (?P<bullet>^[ ]*[*\u2022\u25e6\u2023+-][ ]+)
    | (?P<lead>^[ ]*(?:\#{1,6}[ ]+|(?:>[ ]?)+)|^[ ]+)
    | (?P<lines>[ ]*(?:\n[ ]*)*\n|<br\s*/?>)
    | (?P<entity>&(?:amp|lt|gt|quot|nbsp|\#39);)
    | (?P<gap>\]\((?=https?:|mailto:)|[ ]{2,})
    | (?P<gone>[*~\x00]+|(?<!\w)_+|_+(?!\w)|\[(?=[^\]\n]{1,300}\]\()|<(?=https?:|mailto:)
        |[\u200b-\u200f\u2060-\u2064\u202a-\u202e\u2066-\u2069\ufeff\ufe0f\u20e3])
    """,
    re.VERBOSE | re.MULTILINE,
)
_ENTITIES = {"&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&nbsp;": " ", "&#39;": "'"}
_SENTENCE_END = re.compile(r"^\d{1,2}[.)](?=\s)|(?P<end>[.!?](?=\s|$)|\n)", re.MULTILINE)
_RANK: dict[Standing, int] = {"stated": 2, "open": 1, "denied": 0}
_TURNED: dict[Standing, Standing] = {"stated": "denied", "open": "open", "denied": "stated"}


@dataclass(frozen=True, slots=True)
class Mention:
    """Where a phrase stands in a text."""

    quote: str
    """The words as they stand there."""
    start: int
    end: int
    standing: Standing


class Text:
    """A reply made comparable: no markup, plain quotes and dashes, small letters, single spaces."""

    def __init__(self, raw: str) -> None:
        self.raw = unicodedata.normalize("NFC", raw)
        self.lined, self._places = _plain(self.raw)
        """The comparable text; a line ends where it ended."""
        self.flat = self.lined.replace("\n", " ")
        """The same, and as long, on one line."""

    def mentions(self, phrase: str) -> Iterator[Mention]:
        """Every place where the phrase stands, whether stated or denied; `not:` turns the two round."""
        turned = phrase.startswith(DENIED)
        for found in pattern(phrase.removeprefix(DENIED)).finditer(self.flat):
            start, end = found.span()
            if start < end:
                how = standing(self.lined, start, end)
                words = self.original(start, end)
                yield Mention(words, start, end, _TURNED[how] if turned else how)

    def original(self, start: int, end: int) -> str:
        """The span of the raw text behind a span of the comparable one."""
        return self.raw[self._raw(start) : self._raw(end - 1) + 1].strip()

    def sentence(self, start: int, end: int) -> str:
        """The sentence around a span, as it stands in the raw text; a long one is cut round it."""
        first, last = 0, len(self.lined)
        for boundary in self._ends:
            if boundary <= start:
                first = boundary
            elif boundary >= end:
                last = boundary
                break
        if last - first > _LONGEST_QUOTE:
            room = max(0, _LONGEST_QUOTE - (end - start)) // 2
            first, last = max(first, start - room), min(last, end + room)
        return self.original(first, max(last, first + 1))

    @cached_property
    def _ends(self) -> tuple[int, ...]:
        found = _SENTENCE_END.finditer(self.lined)
        return tuple(end.end() for end in found if end.group("end"))

    def _raw(self, position: int) -> int:
        index = bisect_right(self._places, (position, len(self.raw))) - 1
        plain, raw = self._places[index]
        return min(raw + position - plain, len(self.raw) - 1)


@lru_cache(maxsize=8192)
def read(raw: str) -> Text:
    """The text made comparable; once for what many replies are compared with."""
    return Text(raw)


def _plain(raw: str) -> tuple[str, list[tuple[int, int]]]:
    """The comparable text, and where each run of it begins there and in the raw text."""
    swapped = raw.translate(_BACKTICK).translate(_SAME_LENGTH)
    lowered = swapped.lower()
    if len(lowered) != len(swapped):
        lowered = "".join(c.lower() if len(c.lower()) == 1 else c for c in swapped)
    pieces: list[str] = []
    places: list[tuple[int, int]] = [(0, 0)]
    length = done = 0
    for found in _MARKUP.finditer(lowered):
        instead = _instead(found)
        pieces += (lowered[done : found.start()], instead)
        length += found.start() - done
        places.append((length, found.start()))
        length += len(instead)
        done = found.end()
        places.append((length, done))
    pieces.append(lowered[done:])
    return "".join(pieces), places


def _instead(found: re.Match[str]) -> str:
    kind = found.lastgroup
    if kind == "entity":
        return _ENTITIES[found.group()]
    return {"bullet": "- ", "lines": "\n", "gap": " "}.get(kind or "", "")


@lru_cache(maxsize=32_768)
def pattern(phrase: str) -> re.Pattern[str]:
    """What finds a phrase of a case in the flat text of a reply.

    Words may take a plural or possessive s; space and hyphen are the same; a number is not found
    within a longer number, nor a host name within a longer one.
    """
    if phrase.startswith(_REGEX):
        written = phrase.removeprefix(_REGEX).translate(_SAME_LENGTH)
        return re.compile(written, re.IGNORECASE | re.DOTALL)
    words = Text(phrase).flat.strip().removeprefix("- ")
    body = "".join(_loose(character) for character in words)
    before = (
        r"(?<!\w)(?<!\d[.,:])" if words[:1].isdigit() else r"(?<!\w)" if _wordy(words[:1]) else ""
    )
    return re.compile(before + body + _after(words))


def _after(words: str) -> str:
    last = words[-1:]
    if not _wordy(last):
        return ""
    inflected = r"(?:'?s|es)?" if last.isalpha() and len(words) > 2 else ""  # noqa: PLR2004
    longer = r"(?!\.\w)" if last.isdigit() or "." in words else ""
    number = r"(?![.,:]\d)" if last.isdigit() else ""
    return rf"{inflected}(?!\w){longer}{number}"


def _loose(character: str) -> str:
    if character == " ":
        return r"[\s-]+"
    return r"[\s-]?" if character == "-" else re.escape(character)


def _wordy(character: str) -> bool:
    return character.isalnum() or character == "_"


class Statement(NamedTuple):
    """Whether a text states what a check asks for, in one sentence, and on which words."""

    holds: bool
    reason: str
    quote: str | None


def states(text: Text, wanted: Phrases, *, benefit: bool = True) -> Statement:
    """Whether of every group one alternative is stated, and nothing that must not be.

    `benefit`: what grammar leaves open ("never share your password and code") counts in favour of
    the reply: as stated where it is wanted, as denied where it is not.
    """
    said: list[Mention] = []
    for group in wanted.all_of:
        best = _best(text, group)
        if best is None:
            return _unsaid(f"It does not mention {_listed(group)}.")
        if best.standing == "denied" or (best.standing == "open" and not benefit):
            reason = f"It mentions {best.quote!r}, but does not state {_listed(group)}."
            return _unsaid(reason, text.sentence(best.start, best.end))
        said.append(best)
    for phrase in wanted.none_of:
        worst = _best(text, (phrase,))
        if worst and (worst.standing == "stated" or (worst.standing == "open" and not benefit)):
            reason = f"It says {worst.quote!r}, which it must not."
            return _unsaid(reason, text.sentence(worst.start, worst.end))
    if not said:
        return Statement(holds=True, reason="It says nothing of what it must not.", quote=None)
    words = ", ".join(repr(mention.quote) for mention in said)
    quote = text.sentence(said[0].start, said[0].end)
    return Statement(holds=True, reason=f"It states {words}.", quote=quote)


def _unsaid(reason: str, quote: str | None = None) -> Statement:
    return Statement(holds=False, reason=reason, quote=quote)


def _best(text: Text, group: tuple[str, ...]) -> Mention | None:
    """The mention that is stated most plainly."""
    best: Mention | None = None
    for phrase in group:
        for mention in text.mentions(phrase):
            if mention.standing == "stated":
                return mention
            if best is None or _RANK[mention.standing] > _RANK[best.standing]:
                best = mention
    return best


def _listed(group: tuple[str, ...]) -> str:
    shown = [repr(phrase.removeprefix(_REGEX)) for phrase in group[:4]]
    more = ", …" if len(group) > len(shown) else ""
    return " or ".join(shown) + more
