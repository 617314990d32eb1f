"""Undo what people and attackers do to text, before anything reads it.

The result is for reading by models and rules; what the employee wrote is kept (redacted) apart.
"""

import base64
import binascii
import re
import unicodedata
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from urllib.parse import unquote

from copilot.understanding.unmasking import (
    COMMON,
    LEET,
    LONG,
    SURE,
    WORD,
    Lexicon,
    join_letters,
    lexicon,
    mend,
    readings,
    words_of,
)

_FULL_WIDTH = re.compile("[\uff21-\uff3a\uff41-\uff5a]")
_LAST_LATIN = 0x24F
"""End of the Latin letters with the accents that European languages use."""
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
_MAX_UNMASKED = 6_000
"""Longer messages are no longer read to their end: what lies behind stays as it is."""
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
    """Whether anything was hidden: look-alike or invisible characters, an encoding, spelled-out words."""


def normalise(raw: str, vocabulary: AbstractSet[str] = frozenset()) -> Normalised:
    """Read `raw` as a person would see it. `vocabulary`: known words, so that codes stay codes."""
    visible = strip_invisible(raw)
    latin = _undo_homoglyphs(visible)
    own, quoted = _split_quoted(latin)
    plain, hidden = _unmask(own, vocabulary)
    return Normalised(
        text=re.sub(r"[ \t]+", " ", plain).strip(),
        quoted=quoted.strip(),
        error_messages=_error_messages(own),
        disguised=bool(_FULL_WIDTH.search(raw))
        or _folded(raw) != visible
        or latin != visible
        or hidden,
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


def _unmask(text: str, vocabulary: AbstractSet[str]) -> tuple[str, bool]:
    """`text` as it is meant, and whether anything was hidden in it (slips of typing hide nothing)."""
    if not vocabulary:
        return text, False
    known = lexicon(frozenset(vocabulary))
    head, rest = text[:_MAX_UNMASKED], text[_MAX_UNMASKED:]
    plain = head
    for step in (_decode_twice, join_letters, _unleet, _turn_back):
        plain = step(plain, known)
    return mend(plain, known) + rest, plain != head


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


# ---- encodings

_BASE64 = re.compile(r"[A-Za-z0-9+/_\-]{10,}(?:\n[A-Za-z0-9+/_\-]{4,})*={0,2}")
_SHORTEST_BASE64 = 12
_HEX = re.compile(r"(?<![0-9A-Za-z])(?:(?:0x|\\x)?[0-9A-Fa-f]{2}[ :,]?){6,}")
_BITS = re.compile(r"(?<!\d)(?:[01]{8} ?){5,}")
_PERCENT = re.compile(r"\S*%[0-9A-Fa-f]{2}\S*")


def _decode_twice(text: str, known: Lexicon) -> str:
    """Replace base64, hex, bits and percent-encoding that hide readable text, two levels deep."""
    once = _decode(text, known)
    return once if once == text else _decode(once, known)


def _decode(text: str, known: Lexicon) -> str:
    if "%" in text:
        text = _PERCENT.sub(lambda found: _percent(found.group(), known), text)
    text = _BITS.sub(lambda found: _decoded(found.group(), _bits, known), text)
    text = _HEX.sub(lambda found: _decoded(found.group(), _hex, known), text)
    return _BASE64.sub(lambda found: _lines(found.group(), known), text)


def _lines(run: str, known: Lexicon) -> str:
    """A run of lines is one encoded text, or each line is a thing of its own."""
    if len(run) < _SHORTEST_BASE64:
        return run
    whole = _decoded(run, _base64, known)
    if whole != run or "\n" not in run:
        return whole
    return "\n".join(_decoded(line, _base64, known) for line in run.split("\n"))


def _decoded(run: str, decoder: Callable[[str], bytes], known: Lexicon) -> str:
    try:
        text = decoder(run).decode()
    except (ValueError, binascii.Error):
        return run
    if not text.isprintable() and not text.replace("\n", "").isprintable():
        return run
    if any(known.reads(view) for view in (text, _rot13(text), text[::-1])):
        return text + (" " if run[-1:] in " :," else "")
    return text if _is_encoded(text, known) else run


def _is_encoded(text: str, known: Lexicon) -> bool:
    for decoder in (_base64, _hex):
        try:
            inner = decoder(text.strip()).decode()
        except (ValueError, binascii.Error):
            continue
        if known.reads(inner):
            return True
    return False


def _base64(run: str) -> bytes:
    letters = run.replace("\n", "").rstrip("=").replace("-", "+").replace("_", "/")
    whole = letters[:-1] if len(letters) % 4 == 1 else letters
    return base64.b64decode(whole + "=" * (-len(whole) % 4), validate=True)


def _hex(run: str) -> bytes:
    return bytes.fromhex(re.sub(r"0x|\\x|[ :,]", "", run))


def _bits(run: str) -> bytes:
    bits = run.replace(" ", "")
    return int(bits, 2).to_bytes(len(bits) // 8)


def _percent(token: str, known: Lexicon) -> str:
    if token.count("%") < 2 or "://" in token:  # noqa: PLR2004  # one is a percentage or a pasted name
        return token
    text = unquote(token)
    return text if known.reads(text) and "\ufffd" not in text else token


# ---- digits and signs for letters

_LEET_TOKEN = re.compile(r"(?<![\w@$!|+(\-.:/\\#])(?:[^\W_]|[@$!|+(])++(?![\w\-\\]|[.:/]\w)")
_PUNCTUATION = "!+("
"""Signs that stand for letters within a word, and for themselves at its ends."""
_STAYS = re.compile(
    r"0x.*|\d*|\d+[a-z]\d+|[a-z]{1,3}(?!33)\d{2,}|\d+(?:st|nd|rd|th|am|pm|er|gb|mb|tb|min|zip)"
    r"|mp[34]|p2p|b2b|b2c|l2tp|3com|web2|log4j|t\d+s"
)
_LIKE_A_CODE = re.compile(r"[a-z]{1,3}\d|\d+[a-z]{1,3}|[a-z]{1,2}\d{1,2}[a-z]|.*\d{3}.*")
_SIGNS = frozenset("@$!|+(")
_FEW = 3
_LEET_SHARE = 0.3
_NEAR = 24
_ALONE = {"1": "i", "4": "for", "2": "to"}


def _unleet(text: str, known: Lexicon) -> str:
    """Read digits and signs as letters: in words that are known, and throughout a message so written."""
    tokens = [found.group().strip(_PUNCTUATION) for found in _LEET_TOKEN.finditer(text)]
    if not any(map(_is_mixed, tokens)):
        return text
    throughout = _is_leet(tokens, known)

    def read(found: re.Match[str]) -> str:
        word = found.group()
        if throughout and word in _ALONE:
            return _ALONE[word] if _stands_between(found) else word
        core = word.strip(_PUNCTUATION)
        return word.replace(core, _read_leet(core, known, throughout=throughout), 1)

    return _LEET_TOKEN.sub(read, text)


def _is_mixed(token: str) -> bool:
    return any(c.isalpha() for c in token) and any(c in LEET for c in token)


def _is_leet(tokens: list[str], known: Lexicon) -> bool:
    read = sum(
        _read_leet(token, known, throughout=True) != token
        for token in tokens
        if _is_mixed(token) and _known_reading(token.lower(), known)
    )
    return read >= max(_FEW, _LEET_SHARE * len(tokens))


def _stands_between(found: re.Match[str]) -> bool:
    """Whether the words beside a lone digit are words written with digits too."""
    around = (
        found.string[max(0, found.start() - _NEAR) : found.start()].split()[-1:],
        found.string[found.end() : found.end() + _NEAR].split()[:1],
    )
    return bool(around[1]) and all(
        any(c.isdigit() for c in word) for side in around for word in side
    )


def _read_leet(token: str, known: Lexicon, *, throughout: bool) -> str:
    lower = token.lower()
    if not _is_mixed(token) or lower in known or _STAYS.fullmatch(lower):
        return token
    reading = _known_reading(lower, known)
    if reading and (_is_surely_leet(lower, reading) or (throughout and not token.isupper())):
        return reading
    if (
        throughout
        and len(lower) >= LONG
        and not token.isupper()
        and not _LIKE_A_CODE.fullmatch(lower)
    ):
        return next(readings(lower))
    return token


def _is_surely_leet(lower: str, reading: str) -> bool:
    """Whether signs stand where no number would: within a word, or at its end if they are no digits."""
    if _LIKE_A_CODE.fullmatch(lower):
        return len(lower) >= SURE or (
            reading in COMMON and lower[-1].isalpha() and lower[0].isalpha()
        )
    inside = any(c in LEET for c in lower[1:].rstrip("0123456789")[:-1])
    starts = lower[0] in "04@$|" and len(lower) > LONG
    return len(lower) >= LONG and (inside or starts or lower[-1] in _SIGNS)


def _known_reading(lower: str, known: Lexicon) -> str | None:
    return next((word for word in readings(lower) if word in known), None)


# ---- turned: each letter, or each word

_ROT13 = str.maketrans(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "nopqrstuvwxyzabcdefghijklmNOPQRSTUVWXYZABCDEFGHIJKLM",
)
_TURNED_SCORE = 10
_STARTS = words_of("how what can could please i my give show tell reset who where why is do")
Turn = Callable[[str], str]


def _turn_back(text: str, known: Lexicon) -> str:
    """Read words in rot13 and words written backwards."""
    words = list(WORD.finditer(text))
    if all(len(word.group()) < LONG or word.group().lower() in known for word in words):
        return text
    for turn in (_rot13, _backwards):
        span = _turned_run(words, turn, known)
        if span:
            start, end = words[span[0]].start(), words[span[1]].end()
            return text[:start] + _turned(text[start:end], turn) + text[end:]
    return text


def _rot13(text: str) -> str:
    return text.translate(_ROT13)


def _backwards(text: str) -> str:
    return text[::-1]


def _turned(run: str, turn: Turn) -> str:
    if turn is _rot13:
        return _rot13(run)
    words = [word[::-1].lower() for word in WORD.findall(run)]
    in_place = words[0] in _STARTS and words[-1] not in _STARTS
    return WORD.sub(lambda word: word.group()[::-1], run) if in_place else run[::-1]


def _turned_run(words: list[re.Match[str]], turn: Turn, known: Lexicon) -> tuple[int, int] | None:
    """The stretch of words that reads best turned: first and last word."""
    lower = [word.group().lower() for word in words]
    first_seen = {word: number for number, word in reversed([*enumerate(lower)])}
    scores = [
        _turned_score(word, turn, known) if first_seen[word] == number else 0
        for number, word in enumerate(lower)
    ]
    best, total, start = (0, 0, 0), 0, 0
    for number, score in enumerate(scores):
        if total <= 0:
            total, start = 0, number
        total += score
        best = max(best, (total, -start, number))
    if best[0] < _TURNED_SCORE:
        return None
    first, last = -best[1], best[2]
    while first and scores[first - 1] == 0 and words[first - 1].group().lower() not in known:
        first -= 1
    while last + 1 < len(words) and scores[last + 1] == 0:
        last += 1
    return first, last


def _turned_score(word: str, turn: Turn, known: Lexicon) -> int:
    is_known, is_turned = word in known, turn(word) in known
    if is_known == is_turned:
        return 0
    if is_known:
        return -len(word)
    if len(word) >= SURE:
        return len(word) + LONG
    return len(word) if len(word) >= LONG else 1
