"""Kill a batch of questions at a chance moment, and look at what the next start makes of it."""

import json
import random
import sqlite3
import subprocess
import time
from pathlib import Path

from tests.terminal import COPILOT, run

TEXTS = (
    "I lost my laptop on the train",
    "My VPN says certificate validation failure",
    "I clicked a link in a strange mail and typed my password",
    "Please reset the MFA of my colleague",
    "The printer on the second floor jams",
    "Talk to a human please",
)
_LINES = 400
"""More than a process gets through before it is killed."""


def kill_within_a_batch(home: Path, prefix: str, chance: random.Random, *, handoffs: bool) -> None:
    """Ask until killed: within the first questions, or (`handoffs`) only ones that make tickets."""
    texts = [TEXTS[0], TEXTS[2], TEXTS[3]] if handoffs else list(TEXTS)
    source = home.parent / f"{prefix}.jsonl"
    out = home.parent / f"{prefix}.out.jsonl"
    with source.open("w", encoding="utf-8") as file:
        for number in range(_LINES):
            text = texts[number % len(texts)]
            line = {"id": f"{prefix}-{number}", "text": text, "user": "dana.reed"}
            file.write(json.dumps(line) + "\n")
    command: list[str | Path] = [COPILOT, "ask", "--batch", source, "--out", out, "--home", home]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        _await_first_line(process, out)
        time.sleep(chance.uniform(0, 0.4))
        process.kill()
    assert process.returncode == -9


def _await_first_line(process: "subprocess.Popen[bytes]", out: Path) -> None:
    deadline = time.monotonic() + 60
    while not (out.is_file() and out.stat().st_size):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)


def assert_nothing_lost(home: Path) -> int:
    """After the next start every accepted inquiry has its reply, and none has two tickets.

    Returns how many had no reply when the process was killed.
    """
    left = _count(home, "select count(*) from turns where reply is null")
    done = run("ask", "--home", home, "--user", "omar.haddad", "hello")
    assert done.code == 0, done.err
    assert _count(home, "select count(*) from turns where reply is null") == 0
    rows = _rows(home, "select inquiry_id, reply from turns")
    replies = {name: json.loads(text) for name, text in rows}
    given = [reply["ticket"]["id"] for reply in replies.values() if reply["ticket"]]
    for reply in replies.values():
        assert (reply["disposition"] == "escalate") == bool(reply["ticket"] and reply["handoff"])
    assert len(given) == len(set(given))
    assert set(given) == {name for (name,) in _rows(home, "select id from tickets")}
    for file in ("records.sqlite", "checkpoints.sqlite"):
        assert _rows(home, "pragma integrity_check", file) == [("ok",)]
    return left


def assert_accepted_lines_are_kept(home: Path, prefix: str) -> None:
    """What was printed before the kill is in the record, word for word."""
    kept = {
        name: json.loads(text) for name, text in _rows(home, "select inquiry_id, reply from turns")
    }
    printed = (home.parent / f"{prefix}.out.jsonl").read_bytes().split(b"\n")[:-1]
    for line in printed:
        reply = json.loads(line)
        assert kept[reply["inquiry_id"]] == reply


def _count(home: Path, query: str) -> int:
    ((number,),) = _rows(home, query)
    assert isinstance(number, int)
    return number


def _rows(home: Path, query: str, file: str = "records.sqlite") -> list[tuple[str, ...]]:
    connection = sqlite3.connect(home / file)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()
