"""An independent OpenID Connect provider (Okta as the npm package `emulate` plays it) as a child process."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from tests.slack_emulator import LOOPBACK, PROGRAM, free_port

CLIENT, SECRET = "copilot", "its-secret"
_START_SECONDS = 30.0


@contextmanager
def okta(folder: Path, redirect_uri: str, *people: str) -> Iterator[str]:
    """The provider with an account for each address; yields its issuer."""
    port = free_port()
    users = [{"login": p, "email": p, "first_name": "A", "last_name": "Person"} for p in people]
    client = {
        "client_id": CLIENT,
        "client_secret": SECRET,
        "name": "IT copilot",
        "redirect_uris": [redirect_uri],
    }
    seed = folder / "seed.json"
    seed.write_text(json.dumps({"okta": {"users": users, "oauth_clients": [client]}}), "utf-8")
    process = subprocess.Popen(
        ["node", "--require", LOOPBACK, PROGRAM, "start", "--service", "okta",
         "--port", str(port), "--seed", seed],
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait(f"http://127.0.0.1:{port}/.well-known/openid-configuration", process)
        yield f"http://localhost:{port}"
    finally:
        process.kill()
        process.wait()


def _wait(address: str, process: subprocess.Popen[bytes]) -> None:
    ends = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < ends:
        with suppress(httpx.TransportError):
            httpx.get(address, trust_env=False)
            return
        time.sleep(0.05)
    raise RuntimeError("The Okta emulator does not serve.")
