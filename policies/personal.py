"""Personal data that its form gives away: cards, accounts, numbers, private addresses.

Presidio's pattern recognisers, called one by one without its engine and without a language model.
They are tuned for an IT desk: what tier 2 works with (the company's own addresses and lines, private
networks, serial numbers, tickets, versions) is left alone, and what looks like both is masked only
where a word beside it says so. The text is expected as `folding.fold` gives it.
"""

import ipaddress
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from policies.model import Value

if TYPE_CHECKING:
    from presidio_analyzer import LocalRecognizer, RecognizerResult

PersonalKind = Literal["address", "birth", "card", "email", "iban", "ip", "person", "phone", "ssn"]


class Datum(NamedTuple):
    """A stretch of the text that says something private of somebody."""

    start: int
    end: int
    kind: PersonalKind


class Known(Value):
    """What the company's directory and profile say, to tell its own from private data."""

    domains: tuple[str, ...] = ()
    """Addresses at these are the company's: tier 2 needs them."""
    addresses: tuple[str, ...] = ()
    """Addresses of employees outside those domains."""
    lines: tuple[str, ...] = ()
    """Numbers that everybody may see, as the hotline."""
    numbers: tuple[str, ...] = ()
    """Numbers of people; masked however they are written."""
    names: tuple[tuple[str, str], ...] = ()
    """(id, name) of everybody; masked only where nobody needs to know whom a case is about."""

    @cached_property
    def open_lines(self) -> frozenset[str]:
        return frozenset(map(_ending, self.lines))

    @cached_property
    def private_lines(self) -> frozenset[str]:
        return frozenset(map(_ending, self.numbers)) - self.open_lines


_REGIONS = ("US", "GB", "DE", "FR", "NL", "ES")
"""Where a number without a country code may be from: the languages of the product."""

_PHONE_SHAPE = re.compile(
    r"(?<![\w.,#@/\\-])(?:\+|00)?\(?\d(?:[ .()/-]{0,3}\d){6,14}(?![\w@/\\]|[.,:-]\d|-[a-z]*\d)",
    re.IGNORECASE,
)
_PHONE_BEFORE = re.compile(
    r"\b(?:tele(?:ph|f)\w*|tel|phone|mobile?|mob|cell(?:phone)?|handy|gsm|fax|call(?:ed|ing)?|ring|rang|dial(?:led)?|"
    r"text(?:ed)?|sms|whatsapp|reach|answering|contact|landline|office|anrufen|rufnummer|bellen|"
    r"appeler|portable|movil|llam\w+|rueckruf|callback|call-back)\b"
    r"(?:[^\w\n]|\n(?=\W{0,2}[+(\d])|\b(?!\d)\w{1,12}\b){0,14}$",
    re.IGNORECASE,
)
_PHONE_AFTER = re.compile(
    r"[\s(-]{1,3}(?:office|fax|mobile|cell|home|work|tel|phone|landline)\b", re.IGNORECASE
)
_CARD_SHAPE = re.compile(r"(?<![\w.,#@/\\-])\d(?:[ -]?\d){11,18}(?![\w@]|[.,-]\d)")
_CARD_BEFORE = re.compile(
    r"(?<!sim )(?<!smart )(?<!access )(?<!key )(?<!id )(?<!network )(?<!graphics )(?<!memory )(?<!sd )"
    r"\b(?:card|cc|credit|debit|visa|master-?card|amex|maestro|kreditkarte|karte|carte|tarjeta|"
    r"creditcard|kaart)\b(?:\W|\b[a-z]{1,10}\b){0,10}$",
    re.IGNORECASE,
)
_IDENTIFIES_A_THING = re.compile(
    r"\b(?:ticket|case|incident|request|req|order|ref|reference|serial|s/?n|imei|meid|iccid|eid|asset|tag|"
    r"error|code|build|version|ver|firmware|driver|kb|licen[cs]e|product|part|model|po|invoice|bug|"
    r"event|pid|port|bytes|sha|hash|uid|sid|mac|sku|sim|job|batch|timestamp|epoch|session|trace|"
    r"correlation|barcode|service tag|device|printer|room|meeting|webinar|conference)"
    r"(?:\s*(?:number|num|no|nr|id|code|key))?\W{0,4}$",
    re.IGNORECASE,
)
_VERSION_BEFORE = re.compile(
    r"\b(?:v|ver|version|build|release|firmware|driver|client|update|patch|upgraded? to)\W{0,3}$",
    re.IGNORECASE,
)
_NATIONAL_NUMBER = (
    r"(?:ssn|social security|bsn|burgerservicenummer|sofi-?nummer|ni(?:no| number)|national insurance|"
    r"sozialversicherung\w*|steuer-?(?:id|identifikationsnummer)|ausweisnummer|passport|paspoort|reisepass|passeport|"
    r"pasaporte|numero de secu\w*|securite sociale|dni|nif|seguridad social)"
)
_SSN_BEFORE = re.compile(rf"\b(?:social|{_NATIONAL_NUMBER})\b[^\n\d]{{0,30}}$", re.IGNORECASE)
_NATIONAL_SHAPE = re.compile(
    rf"\b{_NATIONAL_NUMBER}\b[^\n\d]{{0,40}}?(?P<value>\b(?:(?-i:[A-Z]{{2}}) ?)?\d(?:[ .-]?\d){{5,14}}(?:[ -]?(?-i:[A-Z]))?\b)",
    re.IGNORECASE,
)
_PASSPORT = re.compile(
    r"\b(?:passport|paspoort|reisepass|passeport|pasaporte)\b(?: (?:number|no|nr|nummer))?\W{0,3}(?:is |ist |: )?"
    r"(?P<value>(?=[A-Z0-9]*\d[A-Z0-9]*\d)[A-Z0-9]{7,10})\b"
    r"|(?i:\b(?:employee|staff|personnel|badge)[ -]?(?:card|number|no|nr|id)\W{0,3}(?:is )?)(?P<card>\d[\d-]{4,14}\d)\b"
)
"""Letters stand in capitals; a keyword before them says what they are."""
_BORN = re.compile(
    r"\b(?:born|dob|d\.o\.b\.?|date of birth|birth ?da(?:y|te)|geboren|geb\.|geburtsdatum|geboortedatum|nee? le|ne\(e\) le|"
    r"date de naissance|nacid[oa]|fecha de nacimiento)\W{0,3}(?:is |on |am |op |le |el )?"
    r"(?P<value>\d{1,4}[-./ ]\d{1,2}[-./ ]\d{2,4}|\d{1,2}\.? [a-z]{3,9}\.? \d{4})",
    re.IGNORECASE,
)
_STREET = (
    r"(?:Street|Road|Rd|Lane|Avenue|Ave|Close|Drive|Grove|View|Court|Place|Gardens?|Terrace|Crescent|Hill|Row|Walk|Mews|Square|"
    r"Boulevard|Parkway)"
)
_AFTER_STREET = r"(?:,? [A-Z][a-z'-]+){0,2}(?:,? (?:[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|\d{4} ?[A-Z]{2}|[A-Z]{2} \d{5}))?"
_HOME = re.compile(
    rf"\b\d{{1,4}}[a-zA-Z]?,? (?:[A-Z][\w'-]+ ){{1,3}}{_STREET}\b{_AFTER_STREET}"
    r"|\b[A-Z][a-z]+(?:straat|weg|laan|plein|gracht|kade|strasse|stra\u00dfe|gasse|allee|platz) \d{1,4}[a-z]?\b(?:,? (?:\d{4} ?[A-Z]{2}|\d{5}))?"
    r"(?: [A-Z][a-z]+)?"
    r"|\b\d{1,4}(?: bis| ter)?,? (?:rue|avenue|boulevard|chemin) (?:de la |de l'|du |des |de )?[A-Z][\w'-]+(?:,? \d{5})?(?: [A-Z][a-z]+)?"
    r"|\b(?:[Cc]alle|[Pp]laza|[Aa]venida) (?:de la |del |de )?[A-Z][\w'-]+,? \d{1,4}\b(?:,? \d{5})?"
    r"|\b\d{1,4} (?:[A-Z][\w'-]+ ){1,3}?(?=[A-Z]{1,2}\d)[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}\b"
)
"""A house with its street; a site, a floor and a desk are none."""
_NINO = re.compile(r"\b[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?(?:\d{2} ?){3}[A-D]\b")
"""A British national insurance number, which has a form of its own."""
_IN_ADDRESS_OF_A_SITE = re.compile(r"://[^/\s]{0,200}$")
_ROLES = frozenset(
    {
        "abuse", "admin", "alerts", "billing", "git", "helpdesk", "info", "it", "mailer-daemon",
        "no-reply", "noreply", "notifications", "postmaster", "security", "service", "servicedesk",
        "support", "webmaster",
    }
)  # fmt: skip
"""Whom these addresses belong to is no person; a phishing case needs them."""
_HOST_BEFORE = re.compile(
    r"\b(?:ip|ipv4|ip-?address(?:es)?|address(?:es)?|adresse?|host|gateway|ping(?:ing|ed)?|tracert|traceroute|"
    r"nslookup|ssh|rdp|telnet|curl|https?|dns|proxy|peer|client)\b\W{0,3}(?:\b(?:is|was|of|to|at|from)\b\W{0,2})?$",
    re.IGNORECASE,
)
_LOW, _LOW_FIRST = 64, 30
_PUBLIC_RESOLVERS = frozenset({"8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9"})
_OUR_NETWORKS = tuple(
    ipaddress.ip_network(name)
    for name in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.168.0.0/16", "224.0.0.0/3", "::/127", "fc00::/7", "fe80::/10", "ff00::/8",
    )
)  # fmt: skip
"""Inside a company such an address names a device or a setting and leads to nobody's home."""
_LEAST_SSN_SCORE = 0.3
_AMEX, _PLAIN_CARD = 15, re.compile(r"(?:4|5[0-5]|6|2[2-7]|3[0-9])\d{12,18}")
_COMPARED_DIGITS = 9


class PersonalData:
    """Finds personal data. Making one imports Presidio, which takes seconds: make it once."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._recognisers = _recognisers()
        self._names = _names(known)

    def knowing(self, known: Known) -> "PersonalData":
        """The same recognisers, going by what is known now."""
        other = copy(self)
        other._known, other._names = known, _names(known)  # noqa: SLF001  # its twin
        return other

    def find(self, text: str, *, names_but: str | None = None) -> Iterator[Datum]:
        """Stretches by form; they may overlap. With `names_but` also everybody's name but theirs."""
        if any(char.isdigit() for char in text) or "@" in text:
            for kind, recogniser, belongs in self._recognisers:
                # A pattern needs nothing that a language model would find in the text.
                nothing: Any = None
                entities = recogniser.supported_entities
                for found in recogniser.analyze(text, entities, nothing) or ():
                    if belongs(text, found, self._known):
                        yield Datum(found.start, found.end, kind)
            yield from _numbers(text, self._known)
            yield from _citizens(text)
        if names_but is not None:
            yield from self._people(text, names_but)

    def _people(self, text: str, but: str) -> Iterator[Datum]:
        if self._names is None:
            return
        own = {name.casefold() for id_, name in self._known.names if id_ == but} | {but.casefold()}
        for match in self._names.finditer(text):
            if match[0].casefold() not in own:
                yield Datum(*match.span(), "person")


def _names(known: Known) -> re.Pattern[str] | None:
    """Whole names and ids, longest first: a first name alone may be any word."""
    spelled = sorted({each for pair in known.names for each in pair}, key=len, reverse=True)
    if not spelled:
        return None
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, spelled))})(?!\w)", re.IGNORECASE)


_Belongs = Callable[[str, "RecognizerResult", Known], bool]


def _recognisers() -> tuple[tuple[PersonalKind, "LocalRecognizer", _Belongs], ...]:
    with _unneeded_left_out():
        from presidio_analyzer.predefined_recognizers import (
            CreditCardRecognizer,
            EmailRecognizer,
            IbanRecognizer,
            IpRecognizer,
            PhoneRecognizer,
            UsSsnRecognizer,
        )

    class AnyEmail(EmailRecognizer):
        """Does not ask for the list of public suffixes, which would be fetched from the network."""

        def validate_result(self, pattern_text: str) -> bool:
            return bool(pattern_text)

    return (
        ("card", CreditCardRecognizer(), _is_card),
        ("email", AnyEmail(), _is_private_address),
        ("iban", IbanRecognizer(), _always),
        ("ip", IpRecognizer(), _is_public_host),
        ("ssn", UsSsnRecognizer(), _is_ssn),
        ("phone", PhoneRecognizer(supported_regions=_REGIONS), _is_phone),
    )


@contextmanager
def _unneeded_left_out() -> Iterator[None]:
    """spaCy, which Presidio imports for its types, takes torch where it is installed: 300 MB unused."""
    hidden = [name for name in ("torch", "transformers") if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None forbids the import
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)


def _numbers(text: str, known: Known) -> Iterator[Datum]:
    """Numbers of cards and phones that are none by their form alone."""
    for match in _CARD_SHAPE.finditer(text):
        if _CARD_BEFORE.search(text[max(0, match.start() - 40) : match.start()]):
            yield Datum(*match.span(), "card")
    for match in _PHONE_SHAPE.finditer(text):
        ending = _ending(match[0])
        said = ending in known.private_lines or _is_called_phone(text, *match.span())
        if said and ending not in known.open_lines:
            yield Datum(*match.span(), "phone")


def _citizens(text: str) -> Iterator[Datum]:
    """What an authority or an employer knows somebody by, when they were born and where they live."""
    for match in _NATIONAL_SHAPE.finditer(text):
        named = text[max(0, match.start("value") - 40) : match.start("value")]
        if not _IDENTIFIES_A_THING.search(named) and not _is_date_or_version(match["value"]):
            yield Datum(*match.span("value"), "ssn")
    for match in _NINO.finditer(text):
        yield Datum(*match.span(), "ssn")
    for match in _PASSPORT.finditer(text):
        yield Datum(*match.span("value" if match["value"] else "card"), "ssn")
    for match in _BORN.finditer(text):
        yield Datum(*match.span("value"), "birth")
    for match in _HOME.finditer(text):
        yield Datum(*match.span(), "address")


def _is_called_phone(text: str, start: int, end: int) -> bool:
    before = text[max(0, start - 60) : start]
    if _IDENTIFIES_A_THING.search(before) or _is_date_or_version(text[start:end]):
        return False
    return bool(_PHONE_BEFORE.search(before) or _PHONE_AFTER.match(text, end))


def _is_phone(text: str, found: "RecognizerResult", known: Known) -> bool:
    written = text[found.start : found.end]
    before = text[max(0, found.start - 40) : found.start]
    if _ending(written) in known.open_lines or _is_date_or_version(written):
        return False
    if before[-1:].isalnum() or before[-1:] in {"#", "_", "-", "/", "\\", ".", "="}:
        return False
    if _IDENTIFIES_A_THING.search(before) or _VERSION_BEFORE.search(before):
        return False
    # Bare digits are a serial number as often as a phone.
    return (
        not written.isdigit()
        or written.startswith("0")
        or _is_called_phone(text, found.start, found.end)
    )


_DATE_OR_VERSION = re.compile(
    r"(?:19|20)\d\d[-./ ]?[01]\d[-./ ]?[0-3]\d(?!\d{1,3}$)|[0-3]?\d[-./][0-3]?\d[-./](?:19|20)\d\d\b|"
    r"\d{1,2}\.\d{1,2}\.\d{3,5}(?:\.\d+)?$|\d{1,3}(?:\.\d{1,3}){3}$"
)


def _is_date_or_version(written: str) -> bool:
    return _DATE_OR_VERSION.match(written) is not None


def _is_card(text: str, found: "RecognizerResult", _known: Known) -> bool:
    digits = _digits(text[found.start : found.end])
    before = text[max(0, found.start - 40) : found.start]
    if _IDENTIFIES_A_THING.search(before):
        return False
    if len(digits) == _AMEX and digits[:2] not in {"34", "37"}:
        # As long as an IMEI, which has the same check digit.
        return False
    return _PLAIN_CARD.fullmatch(digits) is not None


def _is_private_address(text: str, found: "RecognizerResult", known: Known) -> bool:
    address = text[found.start : found.end].casefold()
    local, _, domain = address.rpartition("@")
    if _IN_ADDRESS_OF_A_SITE.search(text[max(0, found.start - 220) : found.start]):
        return False
    ours = any(domain == one or domain.endswith(f".{one}") for one in known.domains)
    return not ours and local not in _ROLES and address not in known.addresses


def _is_public_host(text: str, found: "RecognizerResult", _known: Known) -> bool:
    written = text[found.start : found.end]
    before = text[max(0, found.start - 40) : found.start]
    if _VERSION_BEFORE.search(before) or before[-1:] in {".", "-"} or "%" in written:
        return False
    try:
        host = ipaddress.ip_address(written.partition("/")[0])
    except ValueError:
        return False
    if str(host) in _PUBLIC_RESOLVERS or any(host in network for network in _OUR_NETWORKS):
        return False
    # "Portal 8.0.0.1" is a version: numbers this low need a word that says they are an address.
    low = host.version == 4 and max(host.packed) < _LOW and host.packed[0] < _LOW_FIRST  # noqa: PLR2004
    return not low or _HOST_BEFORE.search(before) is not None


def _is_ssn(text: str, found: "RecognizerResult", _known: Known) -> bool:
    before = text[max(0, found.start - 40) : found.start]
    if _SSN_BEFORE.search(before):
        return True
    return found.score >= _LEAST_SSN_SCORE and not _IDENTIFIES_A_THING.search(before)


def _always(_text: str, _found: "RecognizerResult", _known: Known) -> bool:
    return True


def _digits(written: str) -> str:
    return re.sub(r"\D", "", written)


def _ending(written: str) -> str:
    """The digits by which a number is the same with and without its country code."""
    return _digits(written)[-_COMPARED_DIGITS:]
