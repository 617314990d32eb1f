"""Undo what people and attackers do to text, before anything reads it.

The result is for reading by models and rules; what the employee wrote is kept (redacted) apart.
"""

import re
import unicodedata
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

_LEET = str.maketrans(
    {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s"}
)
_LEET_TOKEN = re.compile(
    r"(?<![\w\-])(?=\w*[a-z])(?=[\w@$]*[013457@$])[a-z013457@$]{3,}(?![\w\-])", re.IGNORECASE
)
_FULL_WIDTH = re.compile("[\uff21-\uff3a\uff41-\uff5a]")
_LAST_LATIN = 0x24F
"""End of the Latin letters with the accents that European languages use."""
_SPACED = re.compile(r"(?<!\w)(?:\w[ .\-_]){3,}\w(?!\w)")
_QUOTE_START = re.compile(
    r"^\s*(?:-{2,}\s*(?:original message|ursprüngliche nachricht|oorspronkelijk bericht|message d'origine|mensaje original)"
    r"|(?:on|am|op|le|el)\b.{4,120}\b(?:wrote|schrieb|schreef|a écrit|escribió)\s*:?\s*$"
    r"|(?:from|von|van|de)\s*:\s*\S+.*$)",
    re.IGNORECASE,
)
_CODE = re.compile(
    r"\b(?:0x[0-9a-f]{4,8}|AADSTS\d{4,6}|(?:error|fehler|fout|erreur|code)\s*#?:?\s*\d{2,6}|[A-Z]{2,6}_[A-Z_]{3,}|\d{3}x\d{3})\b",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[\"“„«`]([^\"”“»`\n]{6,160})[\"”“»`]")


@dataclass(frozen=True, slots=True)
class Normalised:
    """A message ready to be read."""

    text: str
    """The person's own words, one form per character, on one line per paragraph."""
    quoted: str
    """Quoted mail below or beside them; data, never a request."""
    error_messages: tuple[str, ...]
    disguised: bool
    """Whether homoglyphs, invisible characters, leetspeak or spacing were undone."""


def normalise(raw: str, vocabulary: AbstractSet[str] = frozenset()) -> Normalised:
    """Read `raw` as a person would see it. `vocabulary`: known words, so that codes stay codes."""
    visible = strip_invisible(raw)
    latin = _undo_homoglyphs(visible)
    own, quoted = _split_quoted(latin)
    plain = _undo_spacing(_undo_leet(own, vocabulary), vocabulary)
    return Normalised(
        text=re.sub(r"[ \t]+", " ", plain).strip(),
        quoted=quoted.strip(),
        error_messages=_error_messages(own),
        disguised=bool(_FULL_WIDTH.search(raw))
        or _folded(raw) != visible
        or latin != visible
        or plain != own,
    )


def strip_invisible(raw: str) -> str:
    """NFKC, without format, control (but newline and tab) and private-use characters."""
    return "".join(
        character
        for character in _folded(raw)
        if character in "\n\t" or unicodedata.category(character) not in ("Cf", "Cc", "Co", "Cs")
    )


def _folded(raw: str) -> str:
    return unicodedata.normalize("NFKC", raw.replace("\r\n", "\n").replace("\r", "\n"))


def _undo_homoglyphs(text: str) -> str:
    """Letters of other scripts inside a mostly Latin text become the Latin ones they imitate."""
    foreign = [c for c in text if ord(c) > _LAST_LATIN and c.isalpha()]
    latin = sum(c.isalpha() and ord(c) <= _LAST_LATIN for c in text)
    if not foreign or len(foreign) > latin:
        return text
    from confusable_homoglyphs import confusables

    table: dict[int, str] = {}
    for character in set(foreign):
        found = confusables.is_confusable(character, greedy=True, preferred_aliases=[])
        looks = [h["c"] for entry in found or [] for h in entry["homoglyphs"]]
        table[ord(character)] = next((c for c in looks if c.isascii() and c.isalpha()), character)
    return text.translate(table)


def _undo_leet(text: str, vocabulary: AbstractSet[str]) -> str:
    def read(match: re.Match[str]) -> str:
        word = match.group().lower().translate(_LEET)
        return word if word in vocabulary else match.group()

    return _LEET_TOKEN.sub(read, text)


def _undo_spacing(text: str, vocabulary: AbstractSet[str]) -> str:
    def join(match: re.Match[str]) -> str:
        word = re.sub(r"[ .\-_]", "", match.group())
        return word if word.lower() in vocabulary else match.group()

    return _SPACED.sub(join, text)


def _split_quoted(text: str) -> tuple[str, str]:
    own: list[str] = []
    quoted: list[str] = []
    below = False
    for number, line in enumerate(text.split("\n")):
        below = below or (number > 0 and bool(_QUOTE_START.match(line)))
        (quoted if below or line.lstrip().startswith(">") else own).append(line.lstrip("> "))
    if not "".join(own).strip():
        return "\n".join(quoted), ""
    return "\n".join(own), "\n".join(quoted)


def _error_messages(text: str) -> tuple[str, ...]:
    found = [match.group(1).strip() for match in _QUOTED.finditer(text)]
    found += [match.group().strip() for match in _CODE.finditer(text)]
    return tuple(dict.fromkeys(found))[:8]
