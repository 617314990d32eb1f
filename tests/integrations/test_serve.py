"""The serve command as a process, and the terminal going through it."""

import json
import socket
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.serving import COPILOT, copy_of, prepared_home, served  # noqa: F401  # a fixture


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COPILOT, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "it.example"])  # noqa: S104
def test_an_address_that_others_reach_is_refused(host: str, tmp_path: Path) -> None:
    done = run("serve", "--host", host, "--home", tmp_path / "home")
    assert done.returncode == 2
    assert f"The address '{host}' can be reached from other machines" in done.stderr
    assert not (tmp_path / "home").exists()


def test_a_port_that_does_not_exist_is_explained(tmp_path: Path) -> None:
    done = run("serve", "--port", "70000", "--home", tmp_path / "home")
    assert done.returncode == 2
    assert "There is no port 70000" in done.stderr


def test_a_server_owns_its_home_and_gives_it_back(prepared_home: Path, tmp_path: Path) -> None:  # noqa: F811
    home = copy_of(prepared_home, tmp_path / "home")
    with served(home, tmp_path / "log") as url:
        port = url.rpartition(":")[2]
        taken_port = run("serve", "--port", port, "--home", tmp_path / "other")
        assert taken_port.returncode == 4
        assert f"Can't listen on 127.0.0.1, port {port}" in taken_port.stderr

        taken_home = run("serve", "--port", "0", "--home", home)
        assert taken_home.returncode == 4
        assert f"serves at {url}" in taken_home.stderr

        asked = run("ask", "--json", "--home", home, "--id", "m1", "I forgot my password")
        assert asked.returncode == 0, asked.stderr
        assert json.loads(asked.stdout)["inquiry_id"] == "m1"
        refused = run("ask", "--home", home, "--id", "m1", "Something else")
        assert refused.returncode == 3
        assert "Send this message under a new id" in refused.stderr
    assert not (home / "owner.json").exists()
    assert "Traceback" not in (tmp_path / "log").read_text("utf-8")
    assert "forgot my" not in (tmp_path / "log").read_text("utf-8")


def _sent(url: str, sent: bytes) -> tuple[str, dict[str, object], str]:
    """Status line, JSON of the body, and the head of the answer to raw bytes."""
    with _connected(url) as connection:
        connection.sendall(sent)
        found = b""
        while chunk := connection.recv(65_536):
            found += chunk
    head, _, body = found.decode().partition("\r\n\r\n")
    return head.partition("\r\n")[0], json.loads(body) if body else {}, head


def _connected(url: str) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=20)


def _sent_until_refused(url: str, first: bytes, again: bytes) -> bool:
    """Whether the server ends a connection on which a head never ends."""
    with _connected(url) as connection:
        connection.sendall(first)
        try:
            for _ in range(1000):
                connection.sendall(again)
        except OSError:
            return True
    return False


def _head(method: str, path: str, *more: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", *more]
    return "\r\n".join([*lines, "", ""]).encode()


_ASK = ("POST", "/v1/ask", "Content-Type: application/json", "Content-Length: 90")


@pytest.mark.enable_socket
@pytest.mark.allow_hosts(["127.0.0.1"])
def test_what_is_sent_badly_gets_a_problem_and_is_counted(
    prepared_home: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    home = copy_of(prepared_home, tmp_path / "home")
    with served(home, tmp_path / "log", COPILOT_BODY_SECONDS="0.5") as url:
        for kind, sent in (
            ("no-http", b"GARBAGE\r\n\r\n"),
            ("no-http", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
            ("no-http", _head("POST", "/v1/ask", "Content-Length: -5")),
            ("body-too-slow", _head(*_ASK) + b'{"text": "slow'),
            ("not-found", _head("GET", "/v1/ask/")),
            ("wrong-method", _head("OPTIONS", "/v1/ask")),
        ):
            status, told, head = _sent(url, sent)
            assert "Content-Type: application/problem+json".lower() in head.lower(), kind
            assert told["type"] == f"/problems/{kind}", status
            assert status.split()[1] == str(told["status"])
        assert _sent_until_refused(url, b"GET / HTTP/1.1\r\n", b"X: " + b"x" * 60_000 + b"\r\n")
        # Nobody is waited for who sends no whole head, and a client that goes away is no failure.
        assert _sent(url, b"GET /heal")[0] == ""
        with _connected(url) as gone:
            gone.sendall(_head(*_ASK) + b'{"te')
        status, told, _ = _sent(url, _head("HEAD", "/healthz"))
        assert (status, told) == ("HTTP/1.1 200 OK", {})
        counted = httpx.get(f"{url}/metrics", trust_env=False).text
        assert 'copilot_problems_total{kind="no-http"} 4.0' in counted
        assert 'copilot_problems_total{kind="body-too-slow"} 1.0' in counted
        assert 'where="http"' not in counted
    assert (tmp_path / "log").read_text("utf-8") == ""
