"""Any program as a system."""

import sys
import time
from pathlib import Path

from tests.evals.runs import asked
from tests.evals.small_suite import case, suite
from tests.evals.vendors import written

READS = "import json, sys, time, os; asked = json.load(sys.stdin)\n"


def program(folder: Path, body: str, **more: object) -> Path:
    (folder / "bot.py").write_text(READS + body, "utf-8")
    command = [sys.executable, "bot.py"]
    return written(folder, "bot", kind="command", command=command, **more)


def test_a_program_reads_json_and_writes_json(tmp_path: Path) -> None:
    body = (
        "print(json.dumps({'text': asked['user']['name'] + ' said ' + asked['text'] + ' '"
        " + str(len(asked['turns'])), 'disposition': 'clarify', 'cost_usd': 0.01}))"
    )
    entry = case(turns=["it broke", "the vpn"])
    config = program(tmp_path, body, cost_per_call=0.02)
    _, (row,) = asked(suite(tmp_path / "s", entry), tmp_path / "r", config)
    assert [e.response.text for e in row.exchanges] == [
        "Ann Lee said it broke 1",
        "Ann Lee said the vpn 3",
    ]
    assert row.exchanges[0].cost_usd == 0.03
    assert row.last is not None
    assert (row.last.disposition, row.last.declared) == ("clarify", True)


def test_an_exit_code_is_an_error_with_what_the_program_said(tmp_path: Path) -> None:
    config = program(tmp_path, "sys.exit('no model loaded')")
    _, (row,) = asked(suite(tmp_path / "s", case()), tmp_path / "r", config)
    assert row.status == "vendor_error"
    assert row.cause == "The program ended with exit code 1. It said: no model loaded"


def test_a_program_that_hangs_is_ended_with_all_it_started(tmp_path: Path) -> None:
    body = (
        "import subprocess\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "open('pid', 'w').write(str(child.pid)); time.sleep(60)"
    )
    config = program(tmp_path, body, timeout_seconds=1.5)
    _, (row,) = asked(suite(tmp_path / "s", case()), tmp_path / "r", config)
    assert (row.status, row.cause) == ("timeout", "The program did not end within 1.5 seconds.")
    status = Path(f"/proc/{(tmp_path / 'pid').read_text()}/stat")
    deadline = time.monotonic() + 5
    while _lives(status) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _lives(status)


def _lives(status: Path) -> bool:
    try:
        return status.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_no_json_and_no_program_end_the_asking_with_what_to_do(tmp_path: Path) -> None:
    small = suite(tmp_path / "s", case())
    outcome, rows = asked(small, tmp_path / "r", program(tmp_path, "print('hello')"))
    assert rows == []
    assert outcome.stopped["bot"].startswith("The program wrote no JSON: hello")
    config = written(tmp_path, "bot", kind="command", command=["no-such-program-here"])
    outcome, _ = asked(small, tmp_path / "q", config)
    assert (
        outcome.stopped["bot"]
        == "The program 'no-such-program-here' can't be started: No such file or directory. Correct `command` or `folder`."
    )
    config = program(tmp_path, "print(json.dumps({'text': 'x', 'dispositon': 'answer'}))")
    outcome, _ = asked(small, tmp_path / "p", config)
    assert outcome.stopped["bot"].startswith("Unknown key(s) dispositon. Known are text,")
