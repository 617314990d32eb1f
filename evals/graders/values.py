"""The values a text holds that can be right or wrong: links, numbers with their unit, codes, commands.

A day of a month is reckoned from what the employee said, and is none; nor is the number in a product's name.

A value is written in one way, whatever way the text wrote it, so that two texts can be compared.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from evals.graders.phrases import Text

_NUMBER_WORDS = {
    "two": "2",
    "three": "3",
    "four": "4",
    "five": "5",
    "six": "6",
    "seven": "7",
    "eight": "8",
    "nine": "9",
    "ten": "10",
    "eleven": "11",
    "twelve": "12",
    "fourteen": "14",
    "fifteen": "15",
    "twenty": "20",
    "thirty": "30",
    "forty": "40",
    "sixty": "60",
    "ninety": "90",
}
_WRITTEN = re.compile(r"(?<![\w-])(?:" + "|".join(_NUMBER_WORDS) + r")(?!\w)")
_UNITS = {
    "second": "seconds? secs? sekunden? seconden? secondes? segundos?",
    "minute": "minutes? mins? minuten? minuut minutos?",
    "hour": "hours? hrs? stunden? uur uren heures? horas?",
    "day": "days? tage?n? tag dagen dag jours? d[ií]as? werktage?n? werkdagen",
    "week": "weeks? wochen? weken semaines? semanas?",
    "month": "months? monate?n? maanden mois meses",
    "year": "years? jahre?n? jaar jaren ans? années? años?",
    "percent": "% percent prozent procent",
    "mb": "mb",
    "gb": "gb",
    "tb": "tb",
    "mbit": "mbit mbps mb/s mbit/s",
    "character": "characters? chars? zeichen tekens caractères caracteres",
}
_UNIT_OF = [(re.compile("(?:" + "|".join(f.split()) + r")(?!\w)"), u) for u, f in _UNITS.items()]
_UNIT = "|".join("|".join(forms.split()) for forms in sorted(_UNITS.values()))
_MONTH = (
    r"(?:jan|feb|febr|mar|mär|apr|abr|mai|may|maj|mei|jun|jul|aug|ago|sep|sept|oct|okt|nov|dec|dez|dic|"
    r"enero|ene|févr|mars|maart|avr|juin|juil|août|déc)[a-zéûä]*\.?(?!\w)"
)
_WITHIN = {"minute": ("hour", 60), "hour": ("day", 24), "day": ("week", 7)}
_VALUE = re.compile(
    rf"""
      (?<![\w.@/])(?=[\w+])(?:
      (?P<email>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)
    | (?P<link>(?:https?://)?(?:[a-z0-9-]+\.)+[a-z]{{2,}}(?![\w@])(?::\d+)?(?:/[^\s<>"')\]|]*)?)
    | (?P<path>(?<!\w)[a-z]:\\[^\s"'<>|]+)
    | (?P<product>(?:microsoft|office|m|o)[ ]?365(?!\w))
    | (?P<dated>(?<![\w.,])\d{{1,2}}(?:st|nd|rd|th|\.)?\s(?:of\s|de\s)?(?:{_MONTH})|(?:{_MONTH})\s\d{{1,2}}(?!\w))
    | (?P<date>\d{{4}}-\d{{2}}-\d{{2}})
    | (?P<clock>(?<![\d:])\d{{1,2}}:\d{{2}}(?![\d:]))
    | (?P<code>(?<![\w-])(?:[a-z]{{2,}}[a-z0-9]*-(?:[a-z0-9]+-)*\d{{2,}}[a-z0-9]*|t-\d[\d-]+|0x[0-9a-f]+|[a-z]{{1,8}}\d{{3,}})(?![\w-]))
    | (?P<phone>(?<!\w)\+\d[\d\s()-]{{6,}}\d|(?<![\w.-])0\d{{2,4}}[\s-]\d[\d\s-]{{4,}}\d)
    | (?P<measure>(?<![\w.,])\d+(?:[.,]\d+)?(?:\s?(?:-|\u2014|to|bis|tot|à|a)\s?\d+)?[\s-]?(?:working\s|business\s|idle\s|wrong\s)?(?:{_UNIT})(?!\w))
    | (?P<version>(?<![\w.])\d+(?:\.\d+)+(?!\w))
    | (?P<number>(?<![\w.,])\d{{2,}}(?:[.,]\d+)?(?!\w)))
    """,
    re.VERBOSE,
)
_HOLDS = re.compile(r"\d|@|\w\.\w|" + _WRITTEN.pattern)
"""What a text without any value lacks: most sentences are done with after this."""
_COMMAND = re.compile(
    r"(?<![\w/])(?!(?:the|a|an|and|or|with|via)\s)[\w.-]+\s(?:/[a-z]{2,}|--[a-z][\w-]+)(?!\w)"
)
_NAMED = re.compile(r"(?<![\w-])[A-Z]{2,}(?:-[A-Z0-9]{2,})+(?![\w-])")
_CODE_SPAN = re.compile(r"`([^`\n]{2,200})`")
_PRINTED = re.compile(r"\d+(?:[.,]\d+)?")


def written_out(flat: str) -> str:
    """The text with "fifteen" as "15"; numbers up to ninety as people write them in instructions."""
    return _WRITTEN.sub(lambda found: _NUMBER_WORDS[found.group()], flat)


@lru_cache(maxsize=65_536)
def values(flat: str) -> frozenset[str]:
    """The values of a text in small letters and without markup."""
    return frozenset(_values(written_out(flat))) if _HOLDS.search(flat) else frozenset()


@lru_cache(maxsize=8192)
def source_values(text: Text) -> frozenset[str]:
    """The values that a source supports: its own, with equal measures, parts of links, and numbers bare."""
    found = values(text.flat)
    return found | named(text.raw) | {wider for value in found for wider in _supports(value)}


def named(raw: str) -> frozenset[str]:
    """Names in capitals and hyphens, such as those of forms and networks; case tells them."""
    return frozenset(name.lower() for name in _NAMED.findall(raw))


def commands(raw: str) -> frozenset[str]:
    """What the text sets as code, and words followed by a switch."""
    spans = (" ".join(span.lower().split()) for span in _CODE_SPAN.findall(raw))
    return frozenset(spans) | frozenset(_COMMAND.findall(raw.lower()))


def _values(flat: str) -> Iterator[str]:
    for found in _VALUE.finditer(flat):
        kind, value = found.lastgroup, found.group()
        if kind in ("dated", "product"):
            continue
        if kind == "link":
            yield value.split("://")[-1].removeprefix("www.").rstrip("/.,;:!?'")
        elif kind == "phone":
            yield "tel " + re.sub(r"\D", "", value)
        elif kind == "path":
            yield value.rstrip(".,;:!?)")
        elif kind == "measure":
            yield from _measures(value)
        else:
            yield value


def _measures(value: str) -> Iterator[str]:
    numbers = _PRINTED.findall(value)
    tail = value[value.rfind(numbers[-1]) + len(numbers[-1]) :].lstrip(" -")
    words = tail.split() or [tail]
    unit = next(u for form, u in _UNIT_OF if form.match(words[-1]))
    for number in numbers:
        yield f"{number.replace(',', '.')} {unit}"


def _supports(value: str) -> Iterator[str]:
    number, _, unit = value.partition(" ")
    if unit and number.isdigit():
        yield number
        yield from _equal(int(number), unit)
    elif "/" in value and "." in value:
        yield value.split("/", maxsplit=1)[0]


def _equal(number: int, unit: str) -> Iterator[str]:
    """72 hours are 3 days."""
    if unit in _WITHIN:
        larger, factor = _WITHIN[unit]
        if number % factor == 0:
            yield f"{number // factor} {larger}"
    for smaller, (larger, factor) in _WITHIN.items():
        if larger == unit:
            yield f"{number * factor} {smaller}"
