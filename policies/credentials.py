"""Secrets that only their surroundings give away: "my password is …", --token …, user:pass@host.

What people type into a chat has no vendor's format, so a keyword, a connecting word and the shape
of the value have to come together. Identifiers that tier 2 needs are left alone: KB numbers, error
codes, tickets, device names, forms, versions. The text is expected as `folding.fold` gives it.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from policies.shapes import (
    ERROR_NEARBY,
    KEEP,
    LEAST,
    LOGIN_CODE,
    PLACEHOLDER,
    bare,
    has_shape,
    is_identifier,
    mixed,
)
from policies.told import TOLD

Kind = Literal["password", "code", "token", "key"]


class Secret(NamedTuple):
    """A stretch of the text that must not be shown."""

    start: int
    end: int
    kind: Kind


# Accents are folded away, so "contraseña" is looked for as "contrasena".
_KEYWORD = (
    r"(?:pass[ -]?(?:word|wd|wrd|phrase|code|key)s?|pas{1,3}w(?:[o0]r|ro|r|o)d|passwort|passwoerter|"
    r"paswoord|pswr?d|pwd|pw|temporary access pass|tap|"
    r"kennwort|kennung|wachtwoord(?:en)?|wachtwrd|ww|mots? de passe|mdp|contrasenas?|contrasenya|"
    r"clave(?: de acceso)?|codigo secreto|zugangscode)"
)
_IS = (
    r"(?:\s*(?:==?|:=|=>|->|:)\s*|"
    r"(?:'s|\s+(?:is|was|are|it'?s|ist|war|lautet|heisst|heet|luidt|est|etait|c'est|es|era|equals))"
    r"(?:\s+(?:still|now|currently|always|just|noch|immer noch|jetzt|nog|nog steeds|nu|toujours|"
    r"encore|maintenant|todavia|ahora|by the way|btw|actually|probably|trouwens|eigenlijk|uebrigens|ubrigens|"
    r"eigentlich|d'ailleurs|du coup|por cierto))?\s*:?\s+)"
)
_TO = r"\s+(?:to|into|auf|in|naar|en|a|por|par|vers)\s+"
_FILLER = r"(?:\s+(?!(?:is|was|ist|est|es|lautet)\b)[\w@.'-]+){0,5}?"
_QUOTED = r"(?:\"[^\"\n]{3,200}\"|'[^'\n]{3,200}'|`[^`\n]{3,200}`)"
_VALUE = rf"(?P<value>{_QUOTED}|[^\s\"'`\[<][^\s\"`]*)"

_SPOKEN = re.compile(rf"\b(?P<key>{_KEYWORD}){_FILLER}(?P<is>{_IS}){_VALUE}", re.IGNORECASE)
_CHANGED = re.compile(
    r"\b(?:chang\w+|set|reset|updat\w+|switch\w*|gesetzt|geaendert|geandert|veranderd|gewijzigd|chang\w+|"
    rf"cambi\w+)\b[^.\n]{{0,40}}?\b{_KEYWORD}\b(?:\s+\w+){{0,3}}?{_TO}{_VALUE}",
    re.IGNORECASE,
)
_BARE = re.compile(rf"\b{_KEYWORD}\b\)?\s+(?!\(){_VALUE}", re.IGNORECASE)
_CODE = re.compile(
    rf"\b(?P<key>{LOGIN_CODE}|(?:code|codigo))\b{_FILLER}(?P<is>{_IS}|\s+)"
    r"[\"'`]?(?P<value>\d{3}(?:[ -]\d{3}){1,2}(?![ -]?\d)|\d{2}[ -]\d{2}[ -]\d{2}(?!\d)|[a-z]?\d{4,10}(?![\d.-]?\d)|(?=\w*\d)\w{8,20}\b)",
    re.IGNORECASE,
)
_ASSIGNED = re.compile(
    r"(?<![A-Za-z0-9])(?P<key>[\w.-]{0,40}?(?:pass(?:w(?:or)?d|wrd|phrase|code)?|passwort|paswrd|pwd|pw|"
    r"secret|token|credentials?|(?:api|access|auth|private|shared|encryption|account|license|"
    r"signing|master|client|secret|app|consumer|service|storage|sas|ssh)[ _.-]?key(?:id)?|"
    r"apikey|authkey|accesskey|auth|authorization|wachtwoord|kennwort|contrasena|mdp|비번)"
    r"[\w.-]{0,30})[\"'`]?\s*(?::=|=>|==?|:|\((?=\s*[\"'])|,(?=\s*[\"']))\s*[\"'`(]*(?P<value>[^\s\"'`,;<>()\[\]{}]{3,})",
    re.IGNORECASE,
)
_FLAG = re.compile(
    r"(?<!\S)(?:--?(?:pass(?:word|wd|phrase)?|pwd|pw|token|secret|api[-_]?key|auth[-_]?token|"
    r"client[-_]?secret|access[-_]?key)[ =]+|/(?:p|pass|password|pwd):\s*)[\"']?(?P<value>[^\s\"']{3,})",
    re.IGNORECASE,
)
_SHORT_FLAG = re.compile(
    r"\b(?:mysql|mysqldump|mariadb|sshpass|plink|pscp|7z|zip|unzip|redis-cli|mongo(?:sh)?|docker login|"
    r"sqlcmd|psql|rdesktop|xfreerdp|smbclient)\b[^\n]{0,120}?\s-[pPa][ =]?[\"']?(?P<value>[^\s\"'-][^\s\"']{2,})"
)
_USER_FLAG = re.compile(r"(?<!\S)(?:-u|--user|-U)[ =]+[\"']?[^\s:\"']+:(?P<value>[^\s\"']{3,})")
_NET_USE = re.compile(
    r"\bnet\s+(?:use|user)\b[^\n]{0,80}?/user:\S+\s+(?P<value>[^\s/\\]\S{2,})", re.IGNORECASE
)
_IN_URL = re.compile(
    r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@\"'<>]{0,80}:(?P<value>[^\s/@\"'<>]{2,})@", re.IGNORECASE
)
_QUERY = re.compile(
    r"[?&;#](?:[\w-]*(?:token|secret|passw(?:or)?d|pwd|api[_-]?key|signature|credential)|key|sig|code|auth|"
    r"session(?:id)?)=(?P<value>[^\s&;#\"'<>]{4,})",
    re.IGNORECASE,
)
_HEADER = re.compile(
    r"\b(?:bearer|basic)\s+(?P<value>(?=[^\s]*\d)[A-Za-z0-9._~+/-]{12,}=*)", re.IGNORECASE
)
_PAIR = re.compile(
    r"\b(?:log[ -]?ins?|creds?|credentials|zugangsdaten|anmeldedaten|inloggegevens|identifiants?|"
    r"credenciales|user(?:name)?|benutzer|gebruiker|usuario|utilisateur)\b[^\n/|]{0,60}?"
    r"[\w@.-]{2,60}\s*[/|]\s*(?:(?:pw|pwd|pass|password):?\s*)?(?P<value>[^\s/|]{4,})",
    re.IGNORECASE,
)
_ENTERED = re.compile(
    r"\b(?:typ(?:ed|ing|e)|enter(?:ed|ing)?|(?:log|sign)(?:ged|ging|ned|ning)?[ -]?in (?:with|using)|"
    r"us(?:ed|ing) (?:my )?(?:old|new|usual|same)(?: one)?|chang\w+ it (?:to|into)|set it to|put(?:ting)? in|"
    r"tried (?:it )?(?:with|both|old|my)|(?:in)?ge(?:tik|typ)t|ingevuld|ingelogd met|inloggen met|"
    r"eingegeben|eingetippt|einge?logg?t mit|angemeldet mit|mit|tape|saisi|mis|connecte[er]? avec|"
    r"escrito|escribo|tecleado|puesto|entrado con|con|avec|met)"
    r"(?:\s*:)?(?:\s+(?!(?:and|und|en|et|y)\b)[a-z']+){0,3}?\s*:?\s+(?P<value>[^\s\"`<\[]{8,64})"
)
_HELD = re.compile(
    r"\b(?:secret|token|passphrase|(?:api|access|private|signing|shared)[ _-]?key)\b"
    r"(?:\s+(?:access|key|id|is|was|value))*\s*[:=]?\s+[\"'`]?(?P<value>[A-Za-z0-9+/_=-]{16,})",
    re.IGNORECASE,
)
_RANDOM = re.compile(r"(?<![\w/+.:=-])(?P<value>[A-Za-z0-9+/]{40,}={0,2})(?![\w/+.-])")
_MADE_UP = re.compile(
    r"(?<![\w/\\.:@-])(?P<value>[A-Za-z0-9][\w.+-]*[!@#$^&*][\w!@#$^&*.+-]*[A-Za-z0-9!#$*])(?![\w/\\@])"
)
_JWK = re.compile(r"\"(?:d|k|p|q|dp|dq|qi)\"\s*:\s*\"(?P<value>[\w-]{16,})\"")

_MIXED_GROUP = r"(?=[A-Z0-9]{0,7}\d)(?=[A-Z0-9]{0,7}[A-Z])[A-Z0-9]{4,8}"
_FORMATS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    (
        "key",
        re.compile(
            r"-----BEGIN[ A-Z0-9]*PRIVATE KEY-----(?:.*?-----END[ A-Z0-9]*KEY-----|.*)", re.DOTALL
        ),
    ),
    ("key", re.compile(r"(?<![\d-])\d{6}(?:[- ]\d{6}){7}(?![\d-])")),
    ("key", re.compile(r"\b(?=[A-Z0-9-]{0,28}\d)[A-Z0-9]{4}(?:-[A-Z0-9]{4}){5}\b")),
    # Licence keys, vouchers, recovery codes: groups of letters and digits in which at least two mix both.
    (
        "key",
        re.compile(
            rf"(?<![\w-])(?=(?:[A-Z0-9]+-)*{_MIXED_GROUP}(?:-[A-Z0-9]+)*-{_MIXED_GROUP}(?![A-Z0-9]))"
            r"[A-Z0-9]{4,8}(?:-[A-Z0-9]{4,8}){2,7}(?![\w-])"
        ),
    ),
    (
        "password",
        re.compile(
            r"\b(?:pass(?:word|wort)?|welcome|welkom|willkommen|bienvenue|summer|winter|sommer|zomer|"
            r"qwerty|azerty|letmein|changeme)[@#_!-]?\d{2,6}[!@#$?*]*",
            re.IGNORECASE,
        ),
    ),
    ("token", re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?")),
    (
        "token",
        re.compile(
            r"\b(?:[a-z]{2,8}_(?:live|test|prod)_(?=\w*\d)|gl[a-z]{2,8}-|gh[pousr]_|xox[a-z]-|sk-|pk_|rk_|dapi|squ_|AKIA)[\w-]{12,}"
        ),
    ),
)

_ORDINARY_WORDS = Path(__file__).with_name("ordinary_words.txt")


@cache
def _ordinary() -> frozenset[str]:
    """What may follow "password is" or "password:" and is no password."""
    lines = _ORDINARY_WORDS.read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


_INFLECTED = re.compile(
    r".*(?:ing|ed|ly|able|ible|ous|less|ful|ive|n't|iert|lich|bar|los|ungen|iche|ado|ada|ido|ida)$",
    re.IGNORECASE,
)
_ENDS_CLAUSE = re.compile(
    r"\s*(?:$|[\n,;.!?)]|and\b|und\b|en\b|et\b|y\b|but\b|for\b|btw\b|/|-\s)", re.IGNORECASE
)
_CODE_DIGITS = 6
_LONGEST = 40
"""Signs inside of something longer join words of a program, not of a password."""


def find_secrets(text: str) -> Iterator[Secret]:
    """Secrets by shape and surroundings; stretches may overlap."""
    for kind, shape in _FORMATS:
        yield from (Secret(m.start(), m.end(), kind) for m in shape.finditer(text))
    for pattern, is_secret, told_kind in TOLD:
        for match in pattern.finditer(text):
            if is_secret(match):
                yield from _value(match, told_kind)
    for pattern, is_secret, kind_of in _RULES:
        for match in pattern.finditer(text):
            if is_secret(match):
                yield from _value(match, kind_of(match))


def _value(match: re.Match[str], kind: Kind) -> Iterator[Secret]:
    """The stretch of the value itself, without the quotes and punctuation around it."""
    value = match["value"].rstrip(".,;:)]}")
    lead = 1 if value[:1] in "\"'`" else 0
    inner = value[lead:].rstrip("\"'`") if lead else value
    if inner:
        start = match.start("value") + lead
        yield Secret(start, start + len(inner), kind)


def _may_be_password(match: re.Match[str]) -> bool:
    raw = match["value"]
    value = bare(raw)
    if len(value) < LEAST - 1 or PLACEHOLDER.fullmatch(value) or KEEP.fullmatch(value):
        return False
    direct = match.start("is") == match.end("key")
    if raw[:1] in "\"'`":
        first = value.casefold().split()[0]
        return first not in _ordinary() and (direct or " " not in value)
    if has_shape(value, strict=not direct):
        return True
    return direct and _is_word_as_password(match, value)


def _is_word_as_password(match: re.Match[str], value: str) -> bool:
    """A plain word counts when it is all that is said: "my password is sunshine"."""
    if not value.isalpha() or len(value) <= LEAST or value.casefold() in _ordinary():
        return False
    if _INFLECTED.match(value) or (value.isupper() and match["key"].isupper()):
        return False
    end = match.start("value") + len(value)
    return _ENDS_CLAUSE.match(match.string, end) is not None


def _may_be_code(match: re.Match[str]) -> bool:
    value = match["value"]
    if KEEP.fullmatch(value) or PLACEHOLDER.fullmatch(value):
        return False
    before = match.string[max(0, match.start() - 30) : match.start()]
    if match["key"].casefold() in {"code", "codigo"}:
        told = match["is"].strip() != "" or re.fullmatch(r"\d{3}(?:[ -]\d{3}){1,2}", value)
        explicit = bool(told) and len(re.sub(r"\D", "", value)) >= _CODE_DIGITS
        return explicit and ERROR_NEARBY.search(before) is None and value[0].isdigit()
    return value[0].isdigit() or not value.isalpha()


def _may_be_assigned(match: re.Match[str]) -> bool:
    value = bare(match["value"])
    if PLACEHOLDER.fullmatch(value) or KEEP.fullmatch(value) or value.casefold() in _ordinary():
        return False
    if _kind_of(match["key"]) == "password":
        plain = value.isalpha()
        at_end = _ENDS_CLAUSE.match(match.string, match.start("value") + len(value))
        return len(value) >= LEAST and (not plain or at_end is not None)
    return len(value) >= 2 * LEAST and has_shape(value, strict=False)


def _kind_of(key: str) -> Kind:
    folded = key.casefold()
    marks = ("pass", "pwd", "pw", "wachtwoord", "kennwort", "contrasena", "mdp", "paswrd")
    return "password" if any(mark in folded for mark in marks) else "token"


def _has_strict_shape(match: re.Match[str]) -> bool:
    return has_shape(bare(match["value"]), strict=True)


def _is_made_up(match: re.Match[str]) -> bool:
    """What nobody writes but as a password: both cases and digits, with a sign inside."""
    value = bare(match["value"])
    return (
        len(value) >= 2 * LEAST
        and mixed(value)
        and re.search(r"[!@#$^*]|&(?=\d)", value[1:]) is not None
        and len(value) <= _LONGEST
        and value.count(".") < LEAST - 1
        and not is_identifier(value)
    )


def _is_entered(match: re.Match[str]) -> bool:
    """A password by its looks alone, said to have been typed: "Zonnebloem12!", "Blauwe.Fiets.93"."""
    raw = match["value"].rstrip(".,;:)]}\"'")
    value = bare(raw)
    if len(value) < 2 * LEAST or not mixed(value) or is_identifier(value):
        return False
    joined = re.fullmatch(r"(?:[A-Z]?[a-z]{2,}[._-]){1,4}[A-Za-z]*\d{1,4}", value)
    return joined is not None or re.search(r"[!@#$%^&*?~+=]", raw[1:]) is not None


def _is_random(match: re.Match[str]) -> bool:
    value = match["value"]
    return mixed(value) and re.search(r"[a-z]{5}|/.*/.*/", value) is None


def _is_filled_in(match: re.Match[str]) -> bool:
    return PLACEHOLDER.fullmatch(match["value"]) is None


def _always(kind: Kind) -> Callable[[re.Match[str]], Kind]:
    return lambda _: kind


def _by_key(match: re.Match[str]) -> Kind:
    return _kind_of(match["key"])


_RULES: tuple[
    tuple[re.Pattern[str], Callable[[re.Match[str]], bool], Callable[[re.Match[str]], Kind]], ...
] = (
    (_SPOKEN, _may_be_password, _always("password")),
    (_CHANGED, _has_strict_shape, _always("password")),
    (_BARE, _has_strict_shape, _always("password")),
    (_PAIR, _has_strict_shape, _always("password")),
    (_ENTERED, _is_entered, _always("password")),
    (_MADE_UP, _is_made_up, _always("password")),
    (_HELD, _is_random, _always("token")),
    (_RANDOM, _is_random, _always("token")),
    (_CODE, _may_be_code, _always("code")),
    (_ASSIGNED, _may_be_assigned, _by_key),
    (_FLAG, _is_filled_in, _always("password")),
    (_SHORT_FLAG, _is_filled_in, _always("password")),
    (_USER_FLAG, _is_filled_in, _always("password")),
    (_NET_USE, _is_filled_in, _always("password")),
    (_IN_URL, _is_filled_in, _always("password")),
    (_QUERY, _is_filled_in, _always("token")),
    (_HEADER, _is_filled_in, _always("token")),
    (_JWK, _is_filled_in, _always("token")),
)
