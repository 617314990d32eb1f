"""Read words that are encoded, spelled out, turned round or badly typed, by the words that are known.

Every step keeps what it cannot read with certainty: a code, a name or a foreign word stays as written.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations, islice, product


def words_of(text: str) -> frozenset[str]:
    return frozenset(text.split())


COMMON = words_of(
    """
    i a u am an as at be by do go he if in is it me my no of off ok on or pc so to up us we id hr
    qa the and for you your our his her its has have had was were are can cant could would should
    will wont with without from this that they them their there what when where which who why how
    not but now get got give make need want help please just any all some one two out about after
    again also because been before did does dont every into more new old only other over pls plz
    same still than then time try use very way work yes al au ce da de du el en er es et il ik im
    je la le lo ma mi ne ni on os ou pa se si su te ti tu un va wo ya yo ze zu bij das der die dit
    een ein est het ich les los mit por que qui und une van von
    """
)
"""Words too short or too frequent to be left to a vocabulary of words of three letters and more."""
WORD = re.compile(r"[^\W\d_]+")
LONG = 4
SURE = 7
"""A single word of so many letters does not become another known word by chance."""
_VOWELS = frozenset("aeiou")

# ---- words that are known


class Lexicon:
    """What is known of the words of a vocabulary. Its index of misspellings is built when first asked."""

    def __init__(self, vocabulary: frozenset[str]) -> None:
        self._words = vocabulary
        self._costs = dict.fromkeys(COMMON, 1.0)
        for word in vocabulary - COMMON:
            self._costs[word] = 1.3 if len(word) > LONG else 4.1 - 0.6 * len(word)
        self._misspelled: dict[str, list[str]] | None = None

    def __contains__(self, word: str) -> bool:
        return word in self._words or word in COMMON

    def reads(self, text: str) -> bool:
        """Whether `text` is mostly letters and mostly known words."""
        words = [word for word in WORD.findall(text.lower()) if len(word) > 2]  # noqa: PLR2004  # shorter ones prove nothing
        known = [word for word in words if word in self]
        plain = sum(character.isalpha() or character in " \n.,'?!-" for character in text)
        return (
            plain >= 0.8 * len(text)
            and 2 * len(known) >= len(words)
            and (len(known) > 1 or (known == words and len("".join(words)) > LONG))
        )

    def cut(self, run: str) -> tuple[list[str], int]:
        """The fewest, most common words that `run` is made of, and how many letters are in none."""
        lower, costs = run.lower(), self._costs
        if len(lower) != len(run):
            return [run], len(run)
        best = [0.0]
        back = [0]
        for end in range(1, len(lower) + 1):
            cheapest, start = best[end - 1] + 4.0, -1
            for begin in range(max(0, end - 20), end):
                cost = costs.get(lower[begin:end])
                if cost is not None and best[begin] + cost < cheapest:
                    cheapest, start = best[begin] + cost, begin
            best.append(cheapest)
            back.append(start)
        return _pieces(run, back)

    def nearest(self, word: str) -> str | None:
        """The one known word that `word` is a slip of; none where two are as near."""
        limit = 2 if len(word) >= _TWO_SLIPS else 1
        found = sorted(
            (cost, other)
            for other in self._candidates(word, limit)
            if (cost := _slips(word, other, limit) - 0.25 * (other in COMMON)) < _NO_SLIP / 2
        )
        if not found or (len(found) > 1 and found[1][0] - found[0][0] < _TIE):
            return None
        return found[0][1]

    def _candidates(self, word: str, limit: int) -> set[str]:
        index = self._index()
        return {
            other
            for key in _shortened(word[:_PREFIX], limit)
            for other in index.get(key, ())
            if abs(len(other) - len(word)) <= limit
        }

    def _index(self) -> dict[str, list[str]]:
        if self._misspelled is None:
            self._misspelled = {}
            for word in self._words | COMMON:
                limit = 2 if len(word) >= _TWO_SLIPS else 1
                for key in _shortened(word[:_PREFIX], limit):
                    self._misspelled.setdefault(key, []).append(word)
        return self._misspelled


_PREFIX = 7
_TWO_SLIPS = 8
_NO_SLIP = 9.0
_TIE = 0.15
"""Slips whose likelihoods differ less do not say which of two words was meant."""


@lru_cache(maxsize=4)
def lexicon(vocabulary: frozenset[str]) -> Lexicon:
    return Lexicon(vocabulary)


def _pieces(run: str, back: list[int]) -> tuple[list[str], int]:
    pieces: list[str] = []
    unknown, end, open_ = 0, len(run), False
    while end:
        start = back[end]
        if start >= 0:
            pieces.append(run[start:end])
        elif open_:
            pieces[-1] = run[end - 1] + pieces[-1]
        else:
            pieces.append(run[end - 1])
        unknown, open_ = unknown + (start < 0), start < 0
        end = start if start >= 0 else end - 1
    return pieces[::-1], unknown


def _shortened(word: str, limit: int) -> set[str]:
    """`word` and what is left of it without one letter, or `limit` letters."""
    return {
        "".join(kept)
        for gone in range(limit + 1)
        for kept in combinations(word, max(len(word) - gone, 1))
    }


def _slips(typed: str, meant: str, limit: int, before: str = "") -> float:
    """What it takes to type `typed` for `meant`: letters swapped, doubled or left out, but at the ends.

    Another letter, or another ending, makes another word more often than a slip of typing.
    """
    same = _same(typed, meant)
    before = typed[same - 1] if same else before
    a, b = typed[same:], meant[same:]
    if not a and not b:
        return 0.0
    if not limit or abs(len(a) - len(b)) > limit:
        return _NO_SLIP
    ways = [_NO_SLIP]
    if a and a[0] == before:
        ways.append(0.9 + _slips(a[1:], b, limit - 1, before))
    if b and before and (a or b[0] == before):
        ways.append((0.9 if b[0] == before else 1.0) + _slips(a, b[1:], limit - 1, b[0]))
    if len(a) > 1 and a[:2] == b[1::-1]:
        ways.append(0.9 + _slips(a[2:], b[2:], limit - 1, a[0]))
    return min(ways)


def _same(a: str, b: str) -> int:
    return next(
        (n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b))
    )


# ---- spelled out, letter by letter

LEET = {
    "0": "o", "1": "il", "2": "z", "3": "e", "4": "a", "5": "s", "6": "g", "7": "t", "8": "b",
    "9": "g", "@": "a", "$": "s", "!": "i", "|": "li", "+": "t", "(": "c",
}  # fmt: skip
_MAX_READINGS = 16

_EMOJI = "\u2600-\u27bf\ufe0f\U0001f000-\U0001faff"
_SPELLED = re.compile(
    rf"(?<![^\W_])(?<!['\u2019])(?:[^\W_][ .\-_*/|~·•∙‧{_EMOJI}]{{1,4}}){{2,}}[^\W_](?![^\W_])"
)
_PICTURES = re.compile(f"[{_EMOJI}]+")
_SHORTEST_SPELLED = 3
_SURELY_SPELLED = 5


def join_letters(text: str, known: Lexicon) -> str:
    """Join letters that are written apart and cut them into words; drop emoji strewn between words."""
    read = _SPELLED.sub(lambda found: _joined(found.group(), known), text)
    pictures = len(_PICTURES.findall(read))
    strewn = pictures >= LONG and 2 * pictures >= len(WORD.findall(read))
    return _PICTURES.sub(" ", read) if strewn else read


def _joined(run: str, known: Lexicon) -> str:
    if run.isupper() and len(run) <= 2 * LONG:
        return run
    parts = re.split(_gap(run), run)
    read = [_letters(part, known) for part in parts]
    words = [word for word in read if word is not None]
    longest = max((len(piece) for word in words for piece in word.split()), default=0)
    return " ".join(words) if len(words) == len(read) and longest >= _SHORTEST_SPELLED else run


def _gap(run: str) -> str:
    """What stands between words where another separator stands between letters."""
    if "  " in run:
        return " {2,}"
    gaps = re.findall(r"[\W_]+", run)
    spaces = gaps.count(" ")
    return r"(?<=[^\W_]) (?=[^\W_])" if 2 * spaces <= len(gaps) else r"(?!)"


def _letters(part: str, known: Lexicon) -> str | None:
    """The words that a spelled-out part gives, or `None` where it gives none."""
    joined = re.sub(r"[\W_]+", "", part)
    if joined.isdigit():
        return None
    if not joined.isalpha():
        return next((word for word in readings(joined.lower()) if word in known), None)
    words, unknown = known.cut(joined)
    if not unknown and (
        len(joined) > _SHORTEST_SPELLED
        or joined.lower() in COMMON
        or (len(words) == 1 and _VOWELS & {*joined})
    ):
        return " ".join(words)
    if len(joined) < _SURELY_SPELLED or not _VOWELS & {*joined} or [*joined] == sorted(joined):
        return None
    if " " in part.strip() and 4 * unknown > len(joined):
        return None
    return " ".join(words) if 4 * unknown <= len(joined) else joined


def readings(lower: str) -> Iterator[str]:
    ways = [LEET.get(character, character) for character in lower]
    return islice(map("".join, product(*ways)), _MAX_READINGS)


# ---- badly typed

_STRETCHED = re.compile(r"([^\W\d_])\1{2,}")
_TYPED = re.compile(r"(?<![\w'\u2019])[^\W\d_]+(?![\w'\u2019])")
_MAX_MENDED = 120
_DISTORTED_SHARE = 0.3
_LONG_RUN = 3
_MAX_RUN = 400
_GLUED = words_of(
    """
    my the for from do how just and need can please with this it is me you to because what your
    his her have before after bitte comment como est het hoe ich meine mijn mon nicht niet para
    pas por pour
    """
)
"""Words that are run together with others by mistake, and are no part of compounds."""
_PARTS = words_of(
    """
    al am an as at au be ce da de du el en er es he her i il im in la le lo ma mi ne ni of on os
    ou out over pa se si so su te ti tu u un up us va van von way wo ya yo ze zu
    """
)
"""Words that endings and compounds are made of as well."""
_MENDED_SHARE = 0.5


def mend(text: str, known: Lexicon) -> str:
    """Mend stretched words; in a clearly distorted message mistyped and run-together ones as well."""
    text = _steady_case(text)
    if _STRETCHED.search(text):
        text = WORD.sub(lambda found: _unstretched(found.group(), known), text)
    fixes = _fixes(_TYPED.findall(text), known)
    if not fixes:
        return text
    return _TYPED.sub(lambda found: _fixed(found, fixes), text)


def _steady_case(text: str) -> str:
    words = _TYPED.findall(text)
    erratic = {w for w in words if len(w) > 1 and not (w.islower() or w.isupper() or w.istitle())}
    if len(erratic) < LONG or 2 * len(erratic) < len({*words}):
        return text
    return _TYPED.sub(lambda w: w.group().lower() if w.group() in erratic else w.group(), text)


def _unstretched(word: str, known: Lexicon) -> str:
    if word.lower() in known or not _STRETCHED.search(word):
        return word
    shorter = (_STRETCHED.sub(by, word) for by in (r"\1\1", r"\1"))
    return next((s for s in shorter if len(s) > 1 and s.lower() in known), word)


def _fixed(found: re.Match[str], fixes: dict[str, str]) -> str:
    word = found.group()
    fix = fixes.get(word.lower(), word)
    return fix.capitalize() if word.istitle() and fix != word else fix


def _fixes(words: list[str], known: Lexicon) -> dict[str, str]:
    """What unknown words are meant to be, where so many are unknown that the typing must be at fault."""
    typed = [word.lower() for word in words if not word.istitle() or word == words[0]]
    unknown = dict.fromkeys(word for word in typed if word not in known)
    strange = [word for word in unknown if len(word) >= LONG]
    needed = _DISTORTED_SHARE * sum(len(word) for word in typed if len(word) >= LONG)
    if not strange or sum(map(len, strange)) < needed:
        return {}
    mended = {w: fix for w in islice(unknown, _MAX_MENDED) if (fix := _meant(w, known))}
    strange = [word for word in strange if _folded(word) != _folded(mended.get(word, ""))]
    read = [word for word in strange if word in mended]
    is_clear = len(read) > 1 or any(mended[word].count(" ") >= _LONG_RUN for word in read)
    enough = max(needed, 1) <= sum(map(len, strange)) <= sum(map(len, read)) / _MENDED_SHARE
    return mended if is_clear and enough else {}


def _folded(word: str) -> str:
    """`word` without accents, in either way of leaving them out."""
    for umlaut, pair in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss")):
        word = word.replace(umlaut, pair)
    return unicodedata.normalize("NFD", word).encode("ascii", "ignore").decode()


def _meant(word: str, known: Lexicon) -> str | None:
    if len(word) < LONG:
        return _meant_short(word, known)
    if near := known.nearest(word):
        return near
    words, left = known.cut(word[:_MAX_RUN])
    if not left and len(word) <= _MAX_RUN and _is_run_together(words):
        return " ".join(words)
    return _by_sound(word, known)


def _is_run_together(words: list[str]) -> bool:
    """Whether the pieces of a word are words of their own, and not the parts of a compound."""
    small = [word for word in words if len(word) < LONG]
    doubtful = [word for word in small if word not in COMMON or word in _PARTS]
    glued = [word for word in words if word in _GLUED and (len(word) > 2 or not doubtful)]  # noqa: PLR2004  # "it" ends words
    if doubtful and len(words) <= _LONG_RUN:
        return False
    return bool(glued) and (not doubtful or len("".join(words)) >= 3 * len(words))


def _meant_short(word: str, known: Lexicon) -> str | None:
    swapped = {word[:n] + word[n + 1] + word[n] + word[n + 2 :] for n in range(len(word) - 1)}
    common = swapped & COMMON
    if len(common) == 1:
        return common.pop()
    words, left = known.cut(word)
    return " ".join(words) if not left and len(words) > 1 and {*words} <= COMMON else None


def _by_sound(word: str, known: Lexicon) -> str | None:
    heard = (word.replace("ph", "f"), word.replace("f", "ph"))
    return next((other for other in heard if other != word and other in known), None)
