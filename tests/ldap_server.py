"""A real OpenLDAP server with the sandbox's people, and SCIM's test server: started on free ports of this machine."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.shape.sources import ROOT

BASE = "dc=corp,dc=test"
PEOPLE = f"ou=people,{BASE}"
GROUPS = f"ou=groups,{BASE}"
READER = f"uid=svc-copilot,ou=services,{BASE}"
PASSWORD = "read-only-password"
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"  # noqa: TID251  # a child's


@dataclass(frozen=True, slots=True)
class Slapd:
    """A running server. `stop` and `start` it; what it holds stays."""

    folder: Path
    port: int
    tls_port: int
    certificate: Path
    key: Path

    @property
    def url(self) -> str:
        return f"ldap://127.0.0.1:{self.port}"

    @property
    def tls_url(self) -> str:
        # The name that its certificate is made out to.
        return f"ldaps://localhost:{self.tls_port}"

    def start(self) -> None:
        told = map(str, (self.folder, self.port, self.certificate, self.key, self.tls_port))
        subprocess.run(
            ["sh", ROOT / "scripts" / "ldap_up.sh", *told],
            check=True,
            timeout=30,
            stdout=subprocess.DEVNULL,
        )

    def stop(self) -> None:
        with suppress(ProcessLookupError, FileNotFoundError):
            pid = int((self.folder / "slapd.pid").read_text())
            os.kill(pid, signal.SIGTERM)
            while (self.folder / "slapd.pid").exists():
                time.sleep(0.02)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It takes connections and answers nothing."""
        pid = int((self.folder / "slapd.pid").read_text())
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def change(self, ldif: str) -> None:
        """Apply a change as the administrator, who is not the copilot."""
        subprocess.run(
            [
                "ldapmodify", "-x", "-H", self.url, "-D", f"cn=admin,{BASE}", "-y", self.folder / "rootpw",
                "-e", "relax", "-M",
            ],
            input=ldif, text=True, check=True, stdout=subprocess.DEVNULL, timeout=20,
        )  # fmt: skip


@contextmanager
def slapd(folder: Path) -> Iterator[Slapd]:
    if shutil.which("slapd", path=_PATH) is None or shutil.which("ldapadd") is None:
        pytest.skip("needs OpenLDAP (Debian: slapd, ldap-utils)")
    folder.mkdir(parents=True, exist_ok=True)
    certificate, key = certificate_of(folder, "localhost")
    server = Slapd(folder, free_port(), free_port(), certificate, key)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def certificate_of(folder: Path, host: str) -> tuple[Path, Path]:
    """A certificate that vouches for itself, and its key."""
    certificate, key = folder / f"{host}.pem", folder / f"{host}.key"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    named = ["-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}"]
    subprocess.run(
        [*made, *named, "-out", certificate, "-keyout", key], check=True, capture_output=True
    )
    return certificate, key


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


@contextmanager
def scim2_server(token: str) -> Iterator[str]:
    """The base address of an empty SCIM server."""
    program = Path(sys.executable).with_name("scim2-server")
    if not program.exists():
        pytest.skip("needs scim2-server (extra 'dev')")
    port = free_port()
    process = subprocess.Popen(
        [program, "--port", str(port), "--bearer-token", token],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait_for(port: int) -> None:
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=0.5):
            return
        time.sleep(0.1)
    raise AssertionError("The server did not start.")


@pytest.fixture(scope="session")
def ldap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    """One for all tests of a process that only read, or that put back what they change."""
    with slapd(tmp_path_factory.mktemp("slapd")) as server:
        yield server
