"""An independent Slack emulator (npm package `emulate`) as a child process, with a workspace of its own."""

import asyncio
import json
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp

_ROOT = Path(__file__).resolve().parents[1]
PROGRAM = _ROOT / ".cache/slack-emulator/node_modules/emulate/dist/index.js"
LOOPBACK = _ROOT / "scripts/loopback.cjs"
_START_SECONDS = 30.0
ALL, NARROW = "xoxb-everything", "xoxb-nearly-nothing"
BOT, EMAIL, ROOM = "U0EMULBOT", "dana.reed@emulated.example", "it-help"
SCOPES = (
    "channels:history", "channels:read", "chat:write", "im:history", "im:read", "im:write",
    "reactions:write", "users:read", "users:read.email",
)  # fmt: skip


def missing() -> str | None:
    """Why it cannot be run here."""
    if shutil.which("node") is None:
        return "needs node"
    return None if PROGRAM.exists() else "needs the Slack emulator (make servers)"


@asynccontextmanager
async def emulating(folder: Path) -> AsyncIterator[str]:
    """The emulator on a free port; yields the address of its Web API."""
    seed, port = folder / "seed.json", free_port()
    seed.write_text(json.dumps({"slack": _workspace()}), encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        "node", "--require", str(LOOPBACK), str(PROGRAM), "start", "--service", "slack",
        "--port", str(port), "--seed", str(seed), cwd=folder,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}/api/"
    try:
        await _answering(address, process)
        yield address
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _workspace() -> dict[str, object]:
    app = {"app_id": "A0EMUL", "client_id": "1.2", "bot_id": "B0EMUL", "bot_user_id": BOT}
    of_bot = {"user_id": BOT, "app_id": "A0EMUL", "bot_id": "B0EMUL", "bot_user_id": BOT}
    return {
        "team": {"name": "Simulated", "domain": "simulated"},
        "strict_scopes": True,
        "users": [{"name": "dana.reed", "real_name": "Dana Reed", "email": EMAIL}],
        "oauth_apps": [
            {**app, "client_secret": "unused", "name": "IT copilot", "bot_name": "copilot",
             "redirect_uris": ["http://localhost/unused"], "scopes": list(SCOPES)}
        ],
        "channels": [{"name": ROOM}],
        "tokens": [
            {**of_bot, "token": ALL, "scopes": list(SCOPES)},
            {**of_bot, "token": NARROW, "scopes": ["users:read"]},
        ],
    }  # fmt: skip


async def _answering(address: str, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(_START_SECONDS), aiohttp.ClientSession() as session:
        while process.returncode is None:
            with suppress(aiohttp.ClientConnectionError):
                async with session.post(f"{address}auth.test"):
                    return
            await asyncio.sleep(0.05)
    raise RuntimeError(f"The Slack emulator ended with {process.returncode} instead of serving.")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
