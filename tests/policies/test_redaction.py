"""Secrets go, whatever their disguise; what tier 2 needs stays."""

import base64
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policies.redaction import MESSAGE_CAP, Redactor, Seen

HIDDEN = "\u200b\u200d\u2060\ufeff\u00ad\U000e0061"
GITHUB = "ghp_" + "9aB3xK7mQ2wE5rT8yU1iO4pL6sD0fG" + "hJzXcV"
DIGITALOCEAN = "dop_v1_" + "e8a3f57b702fef1f0cc92f0e030ac7b5" + "439ca79e21f5bf5a58cd5146b3d98aea"


@pytest.fixture(scope="session")
def redactor(tmp_path_factory: pytest.TempPathFactory) -> Redactor:
    made = Redactor(tmp_path_factory.mktemp("scanner"))
    made.warm()
    return made


SECRETS = [
    ("the wifi key is groene-tulp-77!q if you want to look", "groene-tulp-77!q"),
    ("url=https://x.example and key=zzk_live_4Rt9Yq12Wm55", "zzk_live_4Rt9Yq12Wm55"),
    ("login fails, I'm sure it's Osprey-under-Malham-41", "Osprey-under-Malham-41"),
    ("would 'Gherkin.Canoe.1974.Bert' be ok by the rules?", "Gherkin.Canoe.1974.Bert"),
    ("tablet, unlock code 771530 if you need it", "771530"),
    ("can't scan, then code 552 190 774", "552 190 774"),
    ("the stick has a PIN on the label: 6650912", "6650912"),
    ("he asked for the code in the app and it worked (604 118 it was)", "604 118"),
    ("pass from this morning says expired: Rk7+bT2x!w", "Rk7+bT2x!w"),
    ("it says used already: https://enrol.acme.example/once/4kWz-81Tr-QmB2", "4kWz-81Tr-QmB2"),
    ("mijn pincode van de werktelefoon is trouwens 771204", "771204"),
    ("die Geheimzahl der App ist übrigens 550917", "550917"),
    ("voucher photo, first one reads 7KQM-2XWP-M40D-9RTA", "7KQM-2XWP-M40D-9RTA"),
    ("my own licence: AB12K-9QWE7-77XWZ-PM3RT works", "AB12K-9QWE7-77XWZ-PM3RT"),
    ("my password is Hunter2!", "Hunter2"),
    ("I typed Zonnebloem12! and it says wrong", "Zonnebloem12"),
    ("logged in with Blauwe.Fiets.93 but no luck", "Blauwe.Fiets.93"),
    ("ich habe mich mit Sommerregen7! angemeldet", "Sommerregen7"),
    ("it was Gr4u&Gr4u#7 until monday, now nothing", "Gr4u&Gr4u"),
    ("con Barcelona99! no me deja entrar", "Barcelona99"),
    ("first key then secret wJ4lrXUtnF3MI/K7MD9NG/bPxRf8CY", "wJ4lrXUtnF3MI"),
    ("my pasword is Hunter2!", "Hunter2"),
    ("my password's Hunter2! and it fails", "Hunter2"),
    ("MY PASSWORD IS HUNTER22", "HUNTER22"),
    ("my password is sunshine", "sunshine"),
    ("my password for SAP is Winter2024 and it fails", "Winter2024"),
    ("i changed my password to Winter2026! and vpn fails", "Winter2026"),
    ("I put in Password123 and it says wrong password", "Password123"),
    ("pass: qwerty", "qwerty"),
    ("pw hunter22", "hunter22"),
    ("user: dana.reed pw: Wint3r!", "Wint3r"),
    ("my login is dana.reed / Winter2026!", "Winter2026"),
    ("here you go, login dana.reed, password Tr0ub4dor&3", "Tr0ub4dor"),
    ('my password is "purple monkey"', "purple"),
    ("wachtwoord: Zomer2026", "Zomer2026"),
    ("mijn wachtwoord is Welkom01", "Welkom01"),
    ("mot de passe est Soleil75!", "Soleil75"),
    ("mdp : Azerty!23", "Azerty"),
    ("mein passwort lautet Sonne99", "Sonne99"),
    ("mein Passwort lautet sonnenblume", "sonnenblume"),
    ('Mein Kennwort: "Blauer Hund 7"', "Blauer Hund"),
    ("contraseña es Gato_1234", "Gato_1234"),
    ("contraseña: gatonegro", "gatonegro"),
    ("clave: P4ssw0rd", "P4ssw0rd"),
    ("code is 482913", "482913"),
    ("the code is 482 913", "482 913"),
    ("my authenticator code 482913 doesn't work", "482913"),
    ("mfa code: 99 12 44", "99 12"),
    ("der Code lautet 482913", "482913"),
    ("de code is 482913", "482913"),
    ("le code est 482913", "482913"),
    ("el código es 482913", "482913"),
    ("the pin for my yubikey is 739201", "739201"),
    ("my temporary access pass is 8k#Gv2pQ", "8k#Gv2pQ"),
    ("curl -u dana:Secr3t! https://x.example/api", "Secr3t"),
    ("mysql -h db -u root -pS3cretDb", "S3cretDb"),
    ("deploy --password=hunter2x now", "hunter2x"),
    ("export DB_PASSWORD='s3cr3tpw'", "s3cr3tpw"),
    ("net use z: \\\\srv\\share /user:dana Secr3tX9", "Secr3tX9"),
    ("https://dana:Secr3t99@git.corp.example/repo.git", "Secr3t99"),
    ("GET /cb?access_token=abcd1234efgh5678", "abcd1234efgh5678"),
    ("Authorization: Bearer abcDEF1234567890abcDEF", "abcDEF1234567890"),
    ('"client_secret": "8f7s6df87s6d8f7s6df"', "8f7s6df87"),
    (
        "key -----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n-----END OPENSSH PRIVATE KEY-----",
        "b3Blb",
    ),
    ("it says 123456-234567-345678-456789-567890-678901-789012-890123", "456789"),
    (f"token {DIGITALOCEAN}", "e8a3f57b702f"),
    (f"I pasted {GITHUB} into the field", "9aB3xK7m"),
]

INNOCENT = [
    "login to Probe-Housing-2027 and Tender-2027 fails, site Dealer-Conditions",
    "https://passwordreset.larkfield.example/reset/help and https://mysignins.larkfield.example/devices",
    "error code 0x87D1041C, code 550 5.7.1, the key is under the mat",
    "Windows-Server-2022 and Adobe.Acrobat.2024 won't log in",
    "device LAP-LDS-0412-B, part 5810-ABCD-0001, asset LK-10412-2024-0001",
    "guid 6F9619FF-8B86-D011-B42D-00C04FC964FF",
    "pin code page opens twice, then error",
    "my password expired, what now",
    "my password is not working since monday",
    "the password is wrong, says windows",
    "password: it keeps asking for it",
    "my password is correct but it says no",
    "password is case sensitive right?",
    "password manager is 1Password ok?",
    "What is the password policy? 14 characters?",
    "outlook asks for password 3 times a day",
    "changed my password yesterday at 14:30 and it still won't sync",
    "password change on 2026-11-20 broke my phone",
    "I changed the password to something longer and now outlook asks again",
    "username/password login screen keeps looping",
    "mein Passwort ist abgelaufen",
    "passwort: was ist die mindestlänge?",
    "mijn wachtwoord is verlopen",
    "mon mot de passe est expiré",
    "mi contraseña es incorrecta según el sistema",
    "certificate validation failure on 5.1.6",
    "error 0x80070005",
    "KB5031354 fails with error code 0x80070643",
    "installer exits with code 1603",
    "error code 80070005 comes up",
    "authentication failed: code 0xC000006D",
    "the error code is 50058 and AADSTS50076 when I sign in",
    "the code never arrives by sms",
    "device LAP-LDS-0412 is not compliant, asset tag AT-004512",
    "fill in FORM-ACC-01 for ticket INC-48213",
    "https://passwordreset.corp.example does not load",
    "login loop on https://mysignins.corp.example/devices",
    "I'm on Windows 11 23H2, build 22631.4460, serial 5CG1234XYZ",
    "ip 10.20.30.40, MAC address 00:1A:2B:3C:4D:5E refused",
    "BitLocker asks for recovery key ID 4F2A91C3",
    "recovery key id: 4F2A91C3-1B2C-4D5E-8F90-A1B2C3D4E5F6",
    "zoom meeting id 843 2210 9921",
    "token expired message in GitHub, the API key page gives 403",
    "license key: where do I find it?",
    "secret santa list in teams is locked",
    "I signed in with Windows11 Hello on a ThinkPad-X1-Gen9 and Teams2.0 crashes",
    "I typed the path C:\\Users\\Dana1\\AppData",
    "we use Report_Q3.2026 and Budget_2026.xlsx with Excel2019",
    "at com.acme.web.SessionData$1.getRuntime(Session.java:41) F4211Doc.log",
    "/export/opt/Vendor9/tivoli/tip/derby/Server01/seg0 is full",
    "sha256 53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "User U-025 requests access to resource RES-025 with role ROL-003",
]


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_a_secret_is_masked(redactor: Redactor, text: str, secret: str) -> None:
    redacted = redactor.redact(text)
    assert secret not in redacted.text
    assert redacted.count >= 1
    assert redacted.found


@pytest.mark.parametrize("text", INNOCENT)
def test_what_is_no_secret_stays(redactor: Redactor, text: str) -> None:
    redacted = redactor.redact(text)
    assert redacted.text == text
    assert (redacted.found, redacted.count, redacted.truncated) == ((), 0, False)


def full_width(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def with_hidden(text: str) -> str:
    return "".join(c + HIDDEN[i % len(HIDDEN)] for i, c in enumerate(text))


def as_tags(text: str) -> str:
    return "".join(chr(0xE0000 + ord(c)) for c in text)


@pytest.mark.parametrize("text", ["my password is Hunter2!", f"token {DIGITALOCEAN} leaked"])
def test_a_disguise_by_unicode_does_not_help(redactor: Redactor, text: str) -> None:
    for disguise in (full_width, with_hidden, as_tags):
        redacted = redactor.redact(f"hello, {disguise(text)}")
        assert redacted.count == 1, disguise
        assert redacted.text.startswith("hello, ")
        readable = "".join(
            chr(ord(c) - 0xE0000) if 0xE0020 <= ord(c) < 0xE007F else c for c in redacted.text
        )
        assert "unter2" not in readable
        assert "57b702" not in readable


def test_look_alike_letters_and_accents_in_the_keyword_do_not_help(redactor: Redactor) -> None:
    assert "Hunter2" not in redactor.redact("my p\u0430ssw\u043erd is Hunter2!").text
    assert "Gato" not in redactor.redact("mi contrasen\u0303a es Gato_1234").text


def test_a_token_in_base64_is_found(redactor: Redactor) -> None:
    coded = base64.b64encode(f"do_token: {DIGITALOCEAN}".encode()).decode()
    assert coded[:40] not in redactor.redact(f"config {coded} end").text


def test_the_rest_of_the_text_is_untouched(redactor: Redactor) -> None:
    text = "Grüße\u200b 👋🏽 — mein Passwort lautet Sonne99, Gerät LAP-LDS-0412 ﬁndet nichts"
    assert redactor.redact(text).text == text.replace("Sonne99", "[password-1]")


def test_kinds_are_named_and_counted(redactor: Redactor) -> None:
    text = f"my password is Hunter2! and the code is 482913, token {DIGITALOCEAN}"
    redacted = redactor.redact(text)
    assert redacted.text == "my password is [password-1] and the code is [code-1], token [token-1]"
    assert (redacted.found, redacted.count) == (("code", "password", "token"), 3)


def test_a_secret_is_masked_again_where_it_stands_alone(redactor: Redactor) -> None:
    redacted = redactor.redact("my password is Hunter2!x. I typed Hunter2!x ten times")
    assert redacted.text == "my password is [password-1]. I typed [password-1] ten times"


def test_a_placeholder_is_stable_within_a_thread(redactor: Redactor) -> None:
    first = redactor.redact("my password is Hunter2!", Seen(salt="thread-7"))
    second = redactor.redact("pw: Winter2026 now, before password: Hunter2!", first.seen)
    third = redactor.redact("password is Winter2026", second.seen)
    assert first.text == "my password is [password-1]"
    assert second.text == "pw: [password-2] now, before password: [password-1]"
    assert third.text == "password is [password-2]"
    assert third.seen == second.seen
    assert "unter" not in third.seen.model_dump_json()


def test_masking_twice_changes_nothing(redactor: Redactor) -> None:
    for text, _ in SECRETS:
        once = redactor.redact(text).text
        assert redactor.redact(once).text == once


def test_a_long_message_is_cut_at_the_cap(redactor: Redactor) -> None:
    redacted = redactor.redact("ä" * MESSAGE_CAP + "my password is Hunter2!")
    assert redacted.truncated
    assert redacted.text == "ä" * (MESSAGE_CAP // 2)


def test_empty_and_broken_texts_are_taken(redactor: Redactor) -> None:
    assert redactor.redact("").text == ""
    assert redactor.redact("\x00\ud800 pw: Hunter22").text == "\x00? pw: [password-1]"


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(), st.text())
def test_a_password_is_masked_in_any_surroundings(
    redactor: Redactor, before: str, after: str
) -> None:
    redacted = redactor.redact(f"{before}\nmy password is Tr0ub4dor&3\n{after}")
    assert "Tr0ub4dor" not in redacted.text.replace(before, "").replace(after, "")


@pytest.mark.parametrize("unit", ["password ", "AB12-", "A-A-", "pass.", "user a/", "1", "://a:"])
def test_a_hostile_message_takes_no_time(redactor: Redactor, unit: str) -> None:
    text = unit * (MESSAGE_CAP // len(unit))
    start = time.process_time()
    redactor.redact(text)
    assert time.process_time() - start < 2


def test_the_scanner_rules_are_kept_in_the_given_folder(tmp_path: Path, redactor: Redactor) -> None:
    folder = tmp_path / "home" / "scanner"
    made = Redactor(folder)
    assert not folder.exists()
    made.warm()
    assert list(folder.iterdir())
