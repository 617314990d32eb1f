"""A prepared home of the shipped company, made once for a test run, and the server over a copy of it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from filelock import FileLock

COPILOT = Path(sys.executable).with_name("copilot")
_START_SECONDS = 120


@pytest.fixture(scope="session")
def prepared_home(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The home as the first command leaves it. Copy it before writing."""
    base = tmp_path_factory.getbasetemp()
    home = (base if worker_id == "master" else base.parent) / "prepared-home"
    with FileLock(f"{home}.lock"):
        if not home.exists():
            draft = home.with_suffix(".draft")
            command: list[str | Path] = [
                COPILOT,
                "ask",
                "--home",
                draft,
                "--user",
                "lena.vos",
                "hello",
            ]
            subprocess.run(command, check=True, capture_output=True, timeout=_START_SECONDS * 3)
            draft.rename(home)
    return home


def copy_of(home: Path, target: Path) -> Path:
    shutil.copytree(home, target, ignore=shutil.ignore_patterns("owner.*"))
    return target


@contextmanager
def served(home: Path, log: Path, **settings: str) -> Iterator[str]:
    """The product as it is started by hand; yields the printed link."""
    command: list[str | Path] = [COPILOT, "serve", "--port", "0", "--home", home]
    with log.open("wb") as errors:
        environment = {**os.environ, **settings}  # noqa: TID251  # a child's
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment
        )
    assert process.stdout is not None
    try:
        greeting = process.stdout.readline()
        assert " is at http://127.0.0.1:" in greeting, log.read_text()
        yield greeting.strip().rpartition(" ")[2]
    finally:
        process.terminate()
        assert process.wait(timeout=30) == 0
        process.stdout.close()


def reworded_articles(folder: Path) -> Path:
    """The shipped articles with one sentence more; what the classifiers learn from stays."""
    from integrations.company import load_company, shipped_company

    shutil.copytree(load_company(shipped_company()).articles, folder)
    first = min(folder.rglob("[!R]*.md"))
    first.write_text(first.read_text("utf-8").rstrip() + " Ask them in chat.\n", "utf-8")
    return folder
