"""The settings of directory and devices: refused where they are wrong, documented, and what the commands make of them."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from integrations.settings import DeviceSettings, DirectorySettings
from tests.ldap_server import GROUPS, PASSWORD, PEOPLE, READER, Slapd, slapd
from tests.serving import COPILOT
from tests.shape.sources import ROOT

loopback = [
    pytest.mark.enable_socket,
    pytest.mark.allow_hosts(["127.0.0.1"]),
    pytest.mark.xdist_group("directories"),
]
LDAP: dict[str, object] = {
    "kind": "ldap", "url": "ldaps://ldap.corp.test", "bind_dn": "cn=reader", "password": "secret-word", "base_dn": "dc=corp",
}  # fmt: skip
DEVICES: dict[str, object] = {
    "kind": "http", "url": "https://mdm.test", "token_url": "https://mdm.test/token", "client_id": "c", "client_secret": "secret-word",
}  # fmt: skip


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kind": "ldap"}, "COPILOT_DIRECTORY_URL, COPILOT_DIRECTORY_BIND_DN, COPILOT_DIRECTORY_PASSWORD"),
        ({**LDAP, "password": ""}, "needs COPILOT_DIRECTORY_PASSWORD"),
        ({"kind": "scim", "url": "https://x.test"}, "needs COPILOT_DIRECTORY_TOKEN"),
        ({**LDAP, "url": "ldap://ldap.corp.test"}, "is not encrypted. Use ldaps or https"),
        ({"kind": "scim", "url": "http://x.test", "token": "t", "starttls": True}, "is not encrypted"),
    ],
)  # fmt: skip
def test_what_is_missing_or_unsafe_is_refused(given: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said) as raised:
        DirectorySettings.model_validate(given)
    assert "secret-word" not in str(raised.value)


@pytest.mark.parametrize(
    "given",
    [
        {},
        LDAP,
        {**LDAP, "url": "ldap://127.0.0.1:3890"},
        {**LDAP, "url": "ldap://ldap.corp.test", "starttls": True},
        {**LDAP, "url": "ldap://ldap.corp.test", "allow_plain": True},
        {"kind": "scim", "url": "http://localhost:8080", "token": "t"},
    ],
)
def test_what_is_safe_is_taken(given: dict[str, object]) -> None:
    assert DirectorySettings.model_validate(given)


def test_lists_are_written_with_commas() -> None:
    settings = DirectorySettings.model_validate({"contractor_types": "agency, intern"})
    assert settings.contractor_types == ("agency", "intern")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"client_secret": ""}, "needs COPILOT_DEVICES_CLIENT_SECRET"),
        ({"url": "http://mdm.test"}, r"COPILOT_DEVICES_URL \(http://mdm.test\) is not encrypted"),
        ({"token_url": "http://mdm.test"}, "COPILOT_DEVICES_TOKEN_URL"),
    ],
)
def test_device_management_is_refused_likewise(change: dict[str, object], said: str) -> None:
    assert DeviceSettings.model_validate(DEVICES)
    with pytest.raises(ValidationError, match=said):
        DeviceSettings.model_validate({**DEVICES, **change})


def test_every_setting_has_a_line_in_its_document() -> None:
    rows = [
        line
        for line in (ROOT / "docs" / "directory.md").read_text("utf-8").splitlines()
        if line.startswith("| `COPILOT_")
    ]
    told = {row.split("`")[1] for row in rows}
    kinds: dict[str, type[BaseModel]] = {
        "COPILOT_DIRECTORY_": DirectorySettings,
        "COPILOT_DEVICES_": DeviceSettings,
    }
    settings = {f"{p}{name.upper()}" for p, kind in kinds.items() for name in kind.model_fields}
    assert told == settings
    for row in rows:
        name, default = row.split("`")[1], re.match(r"\| `\w+` \| `([\w.,]+)` \|", row)
        prefix = next(p for p in kinds if name.startswith(p))
        field = kinds[prefix].model_fields[name.removeprefix(prefix).lower()]
        held = field.default
        shown = ",".join(held) if isinstance(held, tuple) else str(held).lower()
        if default is not None and not isinstance(held, float):
            assert default[1] == shown, row
        elif default is not None:
            assert float(default[1]) == held, row


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    with slapd(tmp_path_factory.mktemp("slapd")) as server:
        yield server


def copilot(server: Slapd, home: Path, *words: str, **other: str) -> tuple[int, str]:
    given = {
        "COPILOT_MODE": "production", "COPILOT_DIRECTORY_KIND": "ldap", "COPILOT_DIRECTORY_URL": server.url,
        "COPILOT_DIRECTORY_BIND_DN": READER, "COPILOT_DIRECTORY_PASSWORD": PASSWORD,
        "COPILOT_DIRECTORY_BASE_DN": PEOPLE, "COPILOT_DIRECTORY_GROUPS_BASE_DN": GROUPS,
        "COPILOT_HOME": str(home), **other,
    }  # fmt: skip
    done = subprocess.run(
        [COPILOT, *words],
        env={**os.environ, **given},  # noqa: TID251  # a child's
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


class TestCommands:
    pytestmark = loopback

    def test_the_doctor_says_that_it_answers(self, running: Slapd, home: Path) -> None:
        _, said = copilot(running, home, "doctor")
        assert re.search(r"^ok +directory +the directory at ldap://127", said, re.MULTILINE), said
        assert re.search(r"^ok +devices ", said, re.MULTILINE), said

    def test_the_doctor_says_what_to_mend(self, running: Slapd, home: Path) -> None:
        devices = {
            "COPILOT_DEVICES_KIND": "http", "COPILOT_DEVICES_URL": "http://127.0.0.1:1",
            "COPILOT_DEVICES_TOKEN_URL": "http://127.0.0.1:1/token", "COPILOT_DEVICES_CLIENT_ID": "c",
            "COPILOT_DEVICES_CLIENT_SECRET": "hidden-word",
        }  # fmt: skip
        code, said = copilot(
            running, home, "doctor", COPILOT_DIRECTORY_PASSWORD="hidden-word", **devices
        )
        assert code == 1
        assert re.search(
            r"^fail +directory .* refuses '.*COPILOT_DIRECTORY_PASSWORD", said, re.MULTILINE
        )
        assert re.search(
            r"^warn +devices +Microsoft Intune at 127.0.0.1 does not answer", said, re.MULTILINE
        )
        assert "hidden-word" not in said

    def test_a_demonstration_is_refused_over_real_people(self, running: Slapd, home: Path) -> None:
        code, said = copilot(running, home, "ask", "hello", COPILOT_MODE="demo")
        assert code != 0
        assert "Set COPILOT_MODE=production" in said

    def test_somebody_of_the_directory_asks(self, running: Slapd, home: Path) -> None:
        words = ("ask", "--user", "lena.vos", "how long are print jobs kept?")
        code, said = copilot(running, home, *words)
        assert code == 0, said
        code, said = copilot(running, home, "ask", "how long are print jobs kept?")
        assert code != 0
        assert "--user" in said
        code, said = copilot(running, home, "policy", "explain", *words[1:])
        assert code == 0, said
        assert "lena.vos" in said
