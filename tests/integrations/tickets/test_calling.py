"""Calls to ticket systems: safe addresses, waits that are understood, text that can be sent."""

import asyncio
import re
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from integrations.settings import TicketSettings
from integrations.tickets.port import TicketSystemRefusedError, TicketSystemUnavailableError
from integrations.tickets.systems.calling import Caller, Connection
from integrations.tickets.systems.rendering import (
    an_address,
    has_mark,
    marked,
    one_line,
    rendered,
    sendable,
    without_mark,
)
from tests.faulty_proxy import Fault, faulty_proxy
from tests.integrations.tickets.bench import an_escalation

DOCUMENT = Path(__file__).parents[3] / "docs" / "tickets.md"
NOWHERE = "http://127.0.0.1:9"
DATE = ("Date", "Tue, 24 Nov 2026 10:00:00 GMT")


@pytest.mark.parametrize(
    "url", ["rt.example.com", "ftp://rt.example.com", "https://", "https://rt.example.com?token=x"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="is no address of a ticket system"):
        Connection(url=url)


def test_a_token_leaves_the_machine_encrypted_only() -> None:
    with pytest.raises(ValidationError, match="unencrypted"):
        Connection(url="http://rt.example.com")
    assert Connection(url="http://rt.example.com", plain_http=True)
    assert Connection(url="http://127.0.0.1:8080")
    assert Connection(url="http://[::1]:8080")
    assert Connection(url="https://rt.example.com/").base == "https://rt.example.com"


@pytest.mark.enable_socket
@pytest.mark.allow_hosts(["127.0.0.1"])
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([("Retry-After", "30")], 30),
        ([DATE, ("Retry-After", "Tue, 24 Nov 2026 10:01:00 GMT")], 60),
        ([DATE, ("Retry-After", "Tue, 24 Nov 2026 09:00:00 GMT")], 0),
        ([("Retry-After", "Tue, 24 Nov 2026 10:01:00 GMT")], None),
        ([("Retry-After", "soon")], None),
        ([("Retry-After", "-5")], None),
        ([], None),
    ],
)
async def test_how_long_to_wait_is_understood(
    headers: list[tuple[str, str]], seconds: float | None
) -> None:
    async with faulty_proxy(NOWHERE) as proxy:
        proxy.plan(Fault("answer", 503, tuple(headers)))
        caller = Caller("rt", Connection(url=proxy.url))
        with pytest.raises(TicketSystemUnavailableError) as busy:
            await caller.write("POST", "/ticket", json={})
        await caller.close()
    assert busy.value.retry_after == seconds


@pytest.mark.enable_socket
@pytest.mark.allow_hosts(["127.0.0.1"])
async def test_a_token_that_can_t_be_sent_is_refused_and_not_shown() -> None:
    async with faulty_proxy(NOWHERE) as proxy:
        headers = {"Authorization": "token secret\r\nX: 1"}
        caller = Caller("rt", Connection(url=proxy.url), headers=headers)
        with pytest.raises(TicketSystemRefusedError) as refused:
            await caller.read("GET", "/rt")
        assert "secret" not in str(refused.value)
        assert proxy.seen == []
        await caller.close()


def own_certificate(folder: Path) -> tuple[Path, Path]:
    name, key = folder / "own.pem", folder / "own.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-out", name, "-keyout", key],
        check=True, capture_output=True,
    )  # fmt: skip
    return name, key


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")
@pytest.mark.enable_socket
@pytest.mark.allow_hosts(["127.0.0.1"])
async def test_a_certificate_of_the_company_s_own_is_trusted_only_where_it_is_named(
    tmp_path: Path,
) -> None:
    name, key = own_certificate(tmp_path)
    trust = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trust.load_cert_chain(name, key)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=trust) as server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        trusting = Caller("rt", Connection(url=url, ca_file=name))
        assert (await trusting.read("GET", "/")).is_success
        await trusting.close()
        strict = Caller("rt", Connection(url=url))
        with pytest.raises(TicketSystemUnavailableError, match="can't be reached"):
            await strict.read("GET", "/")
        await strict.close()


def test_text_is_mended_and_titles_are_one_line() -> None:
    assert sendable("a\x00b\x1b[1m\r\nc\rd\te\ud800") == "ab[1m\nc\nd\te?"
    assert one_line("a\r\nBcc: x\n  y") == "a Bcc: x y"
    assert len(one_line("x" * 1_000)) == 190


@pytest.mark.parametrize("email", ["dana@larkfield.example", "d.r+it@a-b.example"])
def test_an_address_is_taken_as_it_is(email: str) -> None:
    assert an_address(email) == email


@pytest.mark.parametrize(
    "email", [None, "", "dana", "a@b\r\nBcc: c@d", "a@b,c@d", "Dana <a@b.example>", "a@b.example "]
)
def test_what_is_more_than_an_address_is_left_out(email: str | None) -> None:
    assert an_address(email) is None


def test_a_mark_is_found_at_the_end_only_and_for_its_own_key() -> None:
    text = marked("it works\n", "k1")
    assert has_mark(text, "k1")
    assert has_mark(text.replace("\n", "\r\n"), "k1")
    assert not has_mark(text, "k2")
    assert not has_mark(f"{text}\nquoted by somebody else", "k1")
    assert without_mark(text) == "it works"


def test_a_handoff_is_the_same_text_each_time_with_every_part() -> None:
    ticket = an_escalation("c-1")
    assert rendered(ticket) == rendered(ticket)
    bare = ticket.model_copy(update={"thread_url": None, "body": ""})
    lines = rendered(bare).splitlines()
    assert "Conversation: missing" in lines
    assert "Correlation id: c-1" in lines
    assert lines[lines.index("Steps tried:") + 1].startswith("  restarted the client - failed")


def test_settings_say_what_a_system_needs() -> None:
    assert TicketSettings().system == "embedded"
    with pytest.raises(ValidationError, match="COPILOT_TICKETS_URL, COPILOT_TICKETS_TOKEN"):
        TicketSettings.model_validate({"system": "rt"})
    with pytest.raises(ValidationError, match="COPILOT_TICKETS_PASSWORD"):
        TicketSettings.model_validate({"system": "roundup", "url": "https://x", "user": "copilot"})
    assert TicketSettings(system="rt", url="https://x", token=SecretStr("t")).look_seconds[0] == 1


def test_queues_are_named_in_a_file_or_in_place(tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("queues") / "queues.yaml"
    file.write_text("network: Network Operations\nprint: Printing\n", "utf-8")
    names = {"network": "Network Operations", "print": "Printing"}
    assert TicketSettings.model_validate({"queues": str(file)}).queues == names
    assert TicketSettings.model_validate({"queues": '{"a": "b"}'}).queues == {"a": "b"}
    with pytest.raises(ValidationError, match="neither JSON nor a YAML file"):
        TicketSettings.model_validate({"queues": "/no/such/file"})


def test_every_setting_has_a_row_in_the_document() -> None:
    rows = [line for line in DOCUMENT.read_text("utf-8").splitlines() if line.startswith("| `COP")]
    told = set(re.findall(r"COPILOT_TICKETS_[A-Z_]+", "\n".join(rows)))
    assert told == {f"COPILOT_TICKETS_{name.upper()}" for name in TicketSettings.model_fields}
