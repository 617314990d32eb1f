"""Runs for tests: asked in this process, or by the command as a process of its own."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evals.caching import Cache
from evals.documents import lines_of
from evals.episode import Episode
from evals.results import Rows, order_of
from evals.run import Outcome, Plan, ask_all
from evals.suite import Suite
from evals.systems.config import specs

ROOT = Path(__file__).parents[2]


class Quiet:
    """A watch that keeps what it was told."""

    def __init__(self) -> None:
        self.rows: list[Episode] = []
        self.lines: list[str] = []

    def began(self, rows: int) -> None:
        """Nothing is shown."""

    def recorded(self, episode: Episode) -> None:
        self.rows.append(episode)

    def said(self, line: str) -> None:
        self.lines.append(line)


def asked(
    suite: Suite,
    folder: Path,
    *systems: str | Path,
    epochs: int = 1,
    concurrency: int = 4,
    variables: Mapping[str, str] | None = None,
    cache: Path | None = None,
    but_failed: bool = False,
) -> tuple[Outcome, list[Episode]]:
    """Ask, and read the rows back."""
    folder.mkdir(parents=True, exist_ok=True)
    chosen = specs([str(system) for system in systems])
    plan = Plan(suite, chosen, epochs, frozenset(suite.by_id), concurrency)
    rows = Rows.opened(folder, suite=suite.hash)
    values = variables or {}
    outcome = asyncio.run(
        ask_all(plan, rows, Cache(cache), values.get, Quiet(), but_failed=but_failed)
    )
    rows.put_in_order(order_of(suite, [spec.name for spec in chosen], epochs))
    return outcome, read(folder)


def read(folder: Path) -> list[Episode]:
    return [Episode.model_validate_json(line) for line in _lines(folder)]


def untimed(folder: Path) -> list[dict[str, Any]]:
    """The rows as they stand in the file, without their times."""
    rows = [json.loads(line) for line in _lines(folder)]
    for row in rows:
        for exchange in row["exchanges"]:
            del exchange["latency_ms"]
    return rows


def _lines(folder: Path) -> list[str]:
    """The rows as they are kept; a reply may hold signs that other programs take for the end of a line."""
    return [line for _, line in lines_of((folder / "episodes.jsonl").read_text("utf-8"))]


def command(*arguments: str | Path, **options: Any) -> "subprocess.CompletedProcess[str]":
    """`evals` as a process."""
    return subprocess.run(
        [sys.executable, "-m", "evals.cli", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        **{"env": environment(), "cwd": ROOT, **options},
    )


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}  # noqa: TID251  # a child's
