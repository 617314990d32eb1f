"""Personal data goes, typed and stable; what an IT desk works with stays."""

import sys
import threading
import time
from pathlib import Path

import pytest

from policies.personal import Known
from policies.redaction import MESSAGE_CAP, Redactor

KNOWN = Known(
    domains=("larkfield.example",),
    addresses=("priya@contractor.example",),
    lines=("+44 113 496 0999",),
    numbers=("+44 113 496 0143",),
    names=(("dana.reed", "Dana Reed"), ("omar.haddad", "Omar Haddad"), ("ann.li", "Ann Li")),
)


@pytest.fixture(scope="module")
def redactor(tmp_path_factory: pytest.TempPathFactory) -> Redactor:
    made = Redactor(tmp_path_factory.mktemp("scanner"), KNOWN)
    made.warm()
    return made


MASKED = [
    ("my card 4111 1111 1111 1111 was charged", "my card [card-1] was charged"),
    ("paid with 4111111111111111 twice", "paid with [card-1] twice"),
    ("card number 2395286334599325 is lost", "card number [card-1] is lost"),
    ("IBAN GB82 WEST 1234 5698 7654 32 please", "IBAN [iban-1] please"),
    ("my SSN is 536-22-8145", "my SSN is [ssn-1]"),
    ("social security number 536228145", "social security number [ssn-1]"),
    ("mijn BSN is 190284767 voor de zekerheid", "mijn BSN is [ssn-1] voor de zekerheid"),
    ("BSN numbers leaked (mine: 1902.84.767)", "BSN numbers leaked (mine: [ssn-1])"),
    ("my NI number is QQ 12 34 56 C", "my NI number is [ssn-1]"),
    ("payslip shows AB123456C at the top", "payslip shows [ssn-1] at the top"),
    (
        "Urlaub vorbei, mein DNI 12345678Z steht drauf",
        "Urlaub vorbei, mein DNI [ssn-1] steht drauf",
    ),
    ("passport QK7T40MX1 for the badge", "passport [ssn-1] for the badge"),
    ("staff card 5520-1177, thanks", "staff card [ssn-1], thanks"),
    ("to prove it: born 03/11/1984", "to prove it: born [birth-1]"),
    ("geboren 7. März 1990 in Ulm", "geboren [birth-1] in Ulm"),
    ("send it to 7 Larkspur Road, Ilkley LS29 9AB please", "send it to [address-1] please"),
    ("stuur maar naar Bloemstraat 12, 3014 AB Rotterdam", "stuur maar naar [address-1]"),
    ("adresse: 14 rue des Lilas, 69003 Lyon merci", "adresse: [address-1] merci"),
    ("call me on +44 7700 900123 please", "call me on [phone-1] please"),
    ("Telefon: 0171 2345678", "Telefon: [phone-1]"),
    ("my number changed, phone is 416 60 039", "my number changed, phone is [phone-1]"),
    ("they say (930) 167-3943 fax", "they say [phone-1] fax"),
    ("reach Dana at 01134960143", "reach Dana at [phone-1]"),
    ("dial 113 496 0143", "dial [phone-1]"),
    ("it went to dana@private-mail.example", "it went to [email-1]"),
    ("sent to dana@larkfield.example.evil.example", "sent to [email-1]"),
    ("my ip is 81.2.69.142", "my ip is [ip-1]"),
    ("host 8.0.0.1 is down", "host [ip-1] is down"),
    ("2001:470:1f0b:42::7 is blocked", "[ip-1] is blocked"),
    ("my c\u200bard 4111\u200b1111 1111 1111", "my c\u200bard [card-1]"),
    ("phone ０１７１ ２３４５６７８", "phone [phone-1]"),
]

KEPT = [
    "write to dana.reed@larkfield.example or it@leeds.larkfield.example",
    "priya@contractor.example can't sign in",
    "the mail is from no-reply@paypa1.example",
    "git@github.com: permission denied",
    "I called the hotline +44 113 496 0999 and 0113 496 0999",
    "LAP-LDS-0412 LK-10412 MOB-RMT-0027",
    "INC0012345678, REQ 00123456, ticket 20261122, ticket number 416 60 039",
    "serial 5CG1234XYZ, IMEI 356938035643809, imei: 490154203237518",
    "SIM card 8944110068256270054 does not register",
    "smart card 4111 1111 1111 1112 is not read",
    "order number 4111111111111111",
    "service tag 7H8J2K1, express code 16093457261",
    "error 0x80070005, code 2147942405, event 4625",
    "exit code 1603 at 2026-11-22 08:12:33.123, log 02-03-2016 18:37:10",
    "version 10.0.22631.4460, Outlook 16.0.17328.20162, Portal 8.0.0.1 to 8.5.5.9",
    "firmware 121.2.69.142",
    "10.20.30.40:9100, 192.168.1.20/24, 172.16.0.1, 127.0.0.1, 169.254.3.4, fe80::1, 255.255.255.0",
    "ping 8.8.8.8 works",
    "sid S-1-5-21-3623811015-3361044348-30300820-1013",
    "guid 6f9619ff-8b86-d011-b42d-00c04fc964ff, MAC 00:1A:2B:3C:4D:5E",
    "Teams meeting id 293 847 112 34, zoom meeting id 843 2210 9921",
    "https://passwordreset.larkfield.example/step?id=12345678",
    "Dana Reed in Leeds asks to reset the password of Omar Haddad",
    "social event on 12.11.2026 14:00, passport ticket 20261122",
    "desk 14 floor 2, building 7 North Wing, room 12 Boston, line 3 Leeds",
    "passport office, born in the office, 3 people on Hill",
    "FORM-NET-07, KB5034441, AADSTS50076",
]


@pytest.mark.parametrize(("text", "masked"), MASKED)
def test_personal_data_is_masked(redactor: Redactor, text: str, masked: str) -> None:
    redacted = redactor.redact(text)
    assert redacted.text == masked
    assert (redacted.found, redacted.count, len(redacted.personal)) == ((), 1, 1)


@pytest.mark.parametrize("text", KEPT)
def test_what_tier_2_works_with_stays(redactor: Redactor, text: str) -> None:
    assert redactor.redact(text).text == text


def test_a_value_keeps_its_placeholder_and_kinds_count_apart(redactor: Redactor) -> None:
    first = redactor.redact("card 4111 1111 1111 1111, call +44 7700 900123, pw: Winter2026")
    assert first.text == "card [card-1], call [phone-1], pw: [password-1]"
    assert (first.found, first.personal) == (("password",), ("card", "phone"))
    second = redactor.redact("card 5500 0000 0000 0004 and card 4111 1111 1111 1111", first.seen)
    assert second.text == "card [card-2] and card [card-1]"


def test_a_secret_within_personal_data_is_still_a_secret(redactor: Redactor) -> None:
    redacted = redactor.redact("my password is dana99@private-mail.example!")
    assert "dana99" not in redacted.text
    held = redactor.redact("it is https://dana:Ge4eim9x@files.example/x")
    assert held.text == "it is https://dana:[password-1]@files.example/x"
    assert held.found == ("password",)


def test_names_of_others_go_only_where_nobody_needs_them(redactor: Redactor) -> None:
    text = "Omar Haddad and ann.li helped Dana Reed; Omar Haddads and Dan do not"
    assert redactor.redact(text).text == text
    redacted = redactor.redact(text, names_but="dana.reed")
    assert (
        redacted.text == "[person-1] and [person-2] helped Dana Reed; Omar Haddads and Dan do not"
    )
    assert redacted.personal == ("person",)


def test_masking_twice_changes_nothing(redactor: Redactor) -> None:
    for text, _ in MASKED:
        once = redactor.redact(text).text
        assert redactor.redact(once).text == once


@pytest.mark.parametrize(
    "unit", ["1 ", "+1 ", "1.1.", "a@", "a@b.", "phone ", "call 1", "1:", "4111 ", "GB82 ", "card "]
)
def test_a_hostile_message_takes_no_time(redactor: Redactor, unit: str) -> None:
    text = unit * (MESSAGE_CAP // len(unit))
    start = time.process_time()
    redactor.redact(text)
    assert time.process_time() - start < 2


def test_whoever_comes_first_waits_for_the_detectors(tmp_path: Path) -> None:
    made = Redactor(tmp_path / "scanner", KNOWN)
    made.warm_soon()
    texts: list[str] = []
    asking = [
        threading.Thread(target=lambda: texts.append(made.redact("card 4111111111111111").text))
        for _ in range(4)
    ]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert texts == ["card [card-1]"] * 4
    assert made.is_warm


def test_without_its_detectors_nothing_passes(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    made = Redactor(blocked / "scanner")
    made.warm_soon()
    with pytest.raises(OSError, match="file"):
        made.redact("my card 4111111111111111")
    assert not made.is_warm


def test_a_training_library_is_not_loaded_and_can_be_later(redactor: Redactor) -> None:
    assert sys.modules.get("torch", "absent") is not None
    assert sys.modules.get("transformers", "absent") is not None
