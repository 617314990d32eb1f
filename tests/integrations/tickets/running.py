"""Real ticket systems for the tests: one of each for the whole run, shared by the processes that test."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from filelock import FileLock

ROOT = Path(__file__).parents[3]
_START_SECONDS = 120
_CANNOT_RUN = (2, 126)
"""Not installed; not to be run by the user to whom root gives it."""
_STOP_SECONDS = 15


@dataclass(frozen=True, slots=True)
class Running:
    """A system that runs, and the port at which it reports changes."""

    url: str
    folder: Path
    webhook_port: int

    def secret(self, name: str) -> str:
        return (self.folder / name).read_text().strip()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def shared(
    base: Path, name: str, settings: Mapping[str, str], is_ready: Callable[[Running], bool]
) -> Iterator[Running]:
    """The system that `scripts/{name}_up.sh` starts: the first who needs it starts it, the last stops it."""
    note, lock = base / f"{name}.json", FileLock(base / f"{name}.lock")
    with lock:
        told = json.loads(note.read_text()) if note.exists() else _started(name, settings, is_ready)
        note.write_text(json.dumps({**told, "users": told["users"] + 1}))
    try:
        yield _running(told)
    finally:
        with lock:
            told = json.loads(note.read_text())
            note.write_text(json.dumps({**told, "users": told["users"] - 1}))
            if told["users"] == 1:
                _stop(told)
                note.unlink()


def _running(told: Mapping[str, Any]) -> Running:
    return Running(told["url"], Path(told["folder"]), told["webhook_port"])


def _started(
    name: str, settings: Mapping[str, str], is_ready: Callable[[Running], bool]
) -> dict[str, Any]:
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    folder.chmod(0o755)
    port, webhook_port = free_port(), free_port()
    given = {key: value.format(webhook_port=webhook_port) for key, value in settings.items()}
    log = (folder / "up.log").open("wb")
    process = subprocess.Popen(
        [ROOT / "scripts" / f"{name}_up.sh", folder / "home", str(port)],
        env=_environment(given),
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    log.close()
    told = {"url": f"http://127.0.0.1:{port}", "folder": str(folder / "home"),
            "webhook_port": webhook_port, "pid": process.pid, "users": 0}  # fmt: skip
    deadline = time.monotonic() + _START_SECONDS
    while not _answers(is_ready, _running(told)):
        if process.poll() in _CANNOT_RUN:
            pytest.skip(f"{name} can't run here: {(folder / 'up.log').read_text().strip()}")
        if process.poll() is not None or time.monotonic() > deadline:
            _stop(told)
            pytest.fail(f"{name} did not start: {(folder / 'up.log').read_text()}")
        time.sleep(0.1)
    return told


def _environment(given: Mapping[str, str]) -> dict[str, str]:
    """A child's; Roundup lies beside the Python that tests."""
    ours = dict(os.environ)  # noqa: TID251
    return {**ours, **given, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{ours['PATH']}"}


def _answers(is_ready: Callable[[Running], bool], running: Running) -> bool:
    try:
        return is_ready(running)
    except (httpx.HTTPError, OSError):
        return False


def _stop(told: Mapping[str, Any]) -> None:
    """The server and what it started."""
    try:
        first = psutil.Process(told["pid"])
        family = [first, *first.children(recursive=True)]
    except psutil.NoSuchProcess:
        family = []
    for process in family:
        _end(process.terminate)
    deadline = time.monotonic() + _STOP_SECONDS
    while any(map(_lives, family)) and time.monotonic() < deadline:
        time.sleep(0.05)
    for process in filter(_lives, family):
        _end(process.kill)
    shutil.rmtree(Path(told["folder"]).parent, ignore_errors=True)


def _end(how: Callable[[], None]) -> None:
    with suppress(psutil.NoSuchProcess):
        how()


def _lives(process: psutil.Process) -> bool:
    """One that has ended stays in the list until the testing process that started it ends too."""
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False
