"""`evals run` as a process: killed and resumed, stopped, estimated, refused, regraded."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from evals.caching import Cache
from evals.episode import Episode
from evals.progress import Terminal
from evals.results import Rows
from evals.run import Asking
from evals.suite import Suite
from evals.systems.config import specs
from tests.evals.runs import ROOT, Quiet, asked, command, environment, read, untimed
from tests.evals.small_suite import case, mandatory, suite
from tests.evals.vendors import STEPS, Answered, chat, http, vendor, written


def slow_bot(folder: Path, seconds: float = 0.01) -> Path:
    """A program that takes its time and remembers whom it was asked by."""
    (folder / "bot.py").write_text(
        "import json, sys, time; asked = json.load(sys.stdin)\n"
        f"time.sleep({seconds})\n"
        "with open('calls', 'a') as calls: calls.write(asked['message'] + '\\n')\n"
        "print(json.dumps({'text': 'You said ' + asked['text'], 'disposition': 'answer'}))",
        "utf-8",
    )
    return written(folder, "bot", kind="command", command=[sys.executable, "-S", "bot.py"])


def many(folder: Path, number: int = 30) -> Suite:
    cases = [case(f"vpn-{n}", turns=[f"help {n}"]) for n in range(number)]
    return suite(folder, *cases)


def test_a_run_killed_three_times_ends_as_one_that_was_not(tmp_path: Path) -> None:
    many(tmp_path / "s")
    bot = slow_bot(tmp_path)
    base = ("run", "--suite", tmp_path / "s", "--system", bot, "--system", "silent",
            "--epochs", "2", "--concurrency", "3", "--no-grade")  # fmt: skip
    whole = command(*base, "--out", tmp_path / "whole")
    assert whole.returncode == 0, whole.stderr
    run = tmp_path / "killed"
    arguments: tuple[str | Path, ...] = (*base, "--out", run)
    seen = 0
    for more in (15, 20, 12):
        seen = _killed_after(arguments, run / "episodes.jsonl", seen + more)
        arguments = ("run", "--resume", run, "--concurrency", "3", "--no-grade")
    with (run / "episodes.jsonl").open("ab") as file:
        file.write(b'{"suite": "half')
    done = command(*arguments)
    assert done.returncode == 0, done.stderr
    assert "The last line is only half there" in done.stderr
    assert untimed(run) == untimed(tmp_path / "whole")
    assert len(untimed(run)) == 120
    assert len({row.key for row in read(run)}) == 120


def _killed_after(arguments: tuple[str | Path, ...], rows: Path, wanted: int) -> int:
    """Kill the process once so many rows are there; how many there were."""
    process = subprocess.Popen(
        [sys.executable, "-m", "evals.cli", *arguments],
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env=environment(),
        cwd=ROOT,
    )
    deadline = time.monotonic() + 60
    while _lines(rows) < wanted and time.monotonic() < deadline:
        assert process.poll() is None, "it ended before it was killed"
        time.sleep(0.005)
    process.kill()
    process.wait()
    return _lines(rows)


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def test_ctrl_c_leaves_a_valid_file_and_says_how_to_go_on(tmp_path: Path) -> None:
    many(tmp_path / "s")
    run = tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, "-m", "evals.cli", "run", "--suite", tmp_path / "s",
         "--system", slow_bot(tmp_path, 0.05), "--out", run, "--no-grade"],
        stderr=subprocess.PIPE, text=True, env=environment(), cwd=ROOT,
    )  # fmt: skip
    while _lines(run / "episodes.jsonl") < 3:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=30)
    assert process.returncode == 130
    rows = read(run)
    assert 3 <= len(rows) < 30
    assert f"Stopped with {len(rows)} of 30 rows; every one of them is kept." in told
    assert f"Go on with: evals run --resume {run}" in told
    assert "Traceback" not in told
    assert command("run", "--resume", run, "--no-grade").returncode == 0
    calls = (tmp_path / "calls").read_text().splitlines()
    assert len(read(run)) == 30
    assert len(set(calls)) == 30
    assert len(calls) <= 34


def test_a_finished_run_is_not_asked_again_and_two_runs_never_share_a_folder(
    tmp_path: Path,
) -> None:
    many(tmp_path / "s", 3)
    bot, run = slow_bot(tmp_path), tmp_path / "run"
    arguments = (
        "run", "--suite", tmp_path / "s", "--system", bot, "--out", run, "--no-grade",
    )  # fmt: skip
    assert command(*arguments).returncode == 0
    again = command(*arguments)
    assert again.returncode == 3
    assert f"{run} holds a run already. Go on with it: evals run --resume {run}" in again.stderr
    assert command("run", "--resume", run, "--no-grade").returncode == 0
    assert len((tmp_path / "calls").read_text().splitlines()) == 3


def test_what_was_changed_between_is_refused(tmp_path: Path) -> None:
    many(tmp_path / "s", 3)
    bot, run = slow_bot(tmp_path), tmp_path / "run"
    command("run", "--suite", tmp_path / "s", "--system", bot, "--out", run, "--no-grade")
    text = bot.read_text()
    bot.write_text(text + "cost_per_call: 1\n")
    changed = command("run", "--resume", run)
    assert (changed.returncode, "The system 'bot'" in changed.stderr) == (3, True)
    bot.write_text(text)
    file = tmp_path / "s" / "cases" / "cases.yaml"
    file.write_text(file.read_text().replace("help 2", "help me"))
    changed = command("run", "--resume", run)
    assert changed.returncode == 3
    assert "has changed since" in changed.stderr
    changed = command("regrade", run)
    assert changed.returncode == 3
    assert "some are new, gone or reworded" in changed.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "No system is named. Add --system copilot"),
        (("--system", "gpt"), "There is no system 'gpt'. Name copilot, calibrating, one of oracle,"),
        (("--system", "no.yaml"), "The file no.yaml of a system is not there. Correct the path."),
        (("--system", "silent", "--suite", "nowhere"), "nowhere: There is no such folder."),
    ],
)  # fmt: skip
def test_wrong_calls_say_what_to_do(
    arguments: tuple[str, ...], sentence: str, tmp_path: Path
) -> None:
    many(tmp_path / "s", 1)
    done = command("run", "--suite", tmp_path / "s", "--out", tmp_path / "r", *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(sentence), done.stderr
    assert not (tmp_path / "r").exists()


def test_a_malformed_case_is_told_with_file_and_line(tmp_path: Path) -> None:
    many(tmp_path / "s", 1)
    file = tmp_path / "s" / "cases" / "more.jsonl"
    file.write_text('{"id": "x1", "family": "x"}\n{"id":\n')
    done = command("run", "--suite", tmp_path / "s", "--system", "silent")
    assert done.returncode == 2
    assert f"{file}:1: x1: split: Field required" in done.stderr
    assert f"{file}:2: This is no JSON" in done.stderr


def test_two_systems_of_one_name_are_refused(tmp_path: Path) -> None:
    many(tmp_path / "s", 1)
    other = tmp_path / "other"
    other.mkdir()
    done = command("run", "--suite", tmp_path / "s", "--system", slow_bot(tmp_path), "--system", slow_bot(other))  # fmt: skip
    assert done.returncode == 2
    assert "Two systems are called 'bot'" in done.stderr


@pytest.mark.enable_socket
@pytest.mark.allow_hosts(["127.0.0.1"])
def test_an_unreachable_vendor_is_told_and_mended_by_resuming(tmp_path: Path) -> None:
    many(tmp_path / "s", 7)
    with vendor(lambda _b, _n: Answered(chat(STEPS))) as known:
        config = http(tmp_path, "${VENDOR}", retries={"times": 0})
        run = tmp_path / "run"
        off = command("run", "--suite", tmp_path / "s", "--system", config, "--system", "silent",
                      "--out", run, env=environment(VENDOR="http://127.0.0.1:9"))  # fmt: skip
        assert off.returncode == 3
        assert "'vendor' was asked no more after failures in a row" in off.stderr
        assert (
            f"What it was not asked is not recorded. Mend it, then: evals run --resume {run}"
            in off.stderr
        )
        assert {row.system for row in read(run)} == {"silent"}
        on = command("run", "--resume", run, "--no-grade", env=environment(VENDOR=known.url))
    assert on.returncode == 0, on.stderr
    assert [row.system for row in read(run)] == ["vendor"] * 7 + ["silent"] * 7
    assert {row.status for row in read(run)} == {"ok"}


@pytest.mark.enable_socket
@pytest.mark.allow_hosts(["127.0.0.1"])
def test_failed_rows_are_asked_again_on_demand(tmp_path: Path) -> None:
    small = many(tmp_path / "s", 3)
    with vendor(lambda _b, number: Answered({}, 500) if number == 2 else Answered(chat(STEPS))) as known:  # fmt: skip
        config = http(tmp_path, known.url, retries={"times": 0})
        _, rows = asked(small, tmp_path / "r", config, concurrency=1)
        assert [row.status for row in rows] == ["ok", "vendor_error", "ok"]
        _, rows = asked(small, tmp_path / "r", config, concurrency=1)
        assert [row.status for row in rows] == ["ok", "vendor_error", "ok"]
        _, rows = asked(small, tmp_path / "r", config, concurrency=1, but_failed=True)
        assert [row.status for row in rows] == ["ok", "ok", "ok"]
        assert len(known.received) == 4


def test_a_dry_run_estimates_and_asks_nobody(tmp_path: Path) -> None:
    suite(tmp_path / "s", case(turns=["a", "b"]), mandatory())
    config = http(tmp_path, "http://127.0.0.1:9", cost={"per_call": 0.25})
    done = command("run", "--suite", tmp_path / "s", "--system", config, "--system", "silent",
                   "--epochs", "2", "--out", tmp_path / "r", "--dry-run")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "vendor: 4 cases, 6 calls at most, $1.50 (by the call)",
        "silent: 4 cases, 6 calls at most, $0.00 (costs nothing)",
        "Together $1.50. Nobody was asked.",
    ]
    assert not (tmp_path / "r").exists()


def test_what_is_asked_is_graded_summarised_and_graded_again_with_new_labels(
    tmp_path: Path,
) -> None:
    cases = [case(f"vpn-{n}", turns=[f"help {n}"]) for n in range(4)]
    suite(tmp_path / "s", *cases, mandatory(subcategory="certificate_expired"))
    run = tmp_path / "run"
    done = command("run", "--suite", tmp_path / "s", "--system", "oracle", "--system", "silent", "--out", run)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{run}\n"
    assert len((run / "grades.jsonl").read_text().splitlines()) == 10
    summary = json.loads((run / "summary.json").read_text())
    assert [system["name"] for system in summary["systems"]] == ["oracle", "silent"]
    known = json.loads((run / "run.json").read_text())
    assert (known["suite_name"], known["epochs"]) == ("small", 1)
    before = (run / "episodes.jsonl").read_bytes()
    file = tmp_path / "s" / "cases" / "cases.yaml"
    file.write_text(file.read_text().replace("- answer", "- clarify"))
    again = command("regrade", run)
    assert again.returncode == 0, again.stderr
    assert "what was said is the same" in again.stderr
    assert (run / "episodes.jsonl").read_bytes() == before
    regraded = json.loads((run / "summary.json").read_text())
    assert regraded["provenance"]["deviations"][0].startswith("Asked with labels or rubric of ")
    assert regraded["provenance"]["suite_hash"] != summary["provenance"]["suite_hash"]


def test_a_defect_of_ours_is_a_row_with_its_cause(tmp_path: Path) -> None:
    small = suite(tmp_path / "s", case(), case("vpn-2", kinds=["attack"], attack={"channel": "message", "markers": ["X1"]}))  # fmt: skip

    class Broken:
        async def play(self, ask: object) -> None:
            raise ZeroDivisionError("of the harness")

    async def all_of() -> None:
        rows = Rows.opened(tmp_path, suite=small.hash)
        asking = Asking(small, specs(["silent"])[0], Broken(), rows, Cache(None), Quiet())  # type: ignore[arg-type]
        await asking.all([(0, each) for each in small.cases], 1)

    asyncio.run(all_of())
    assert {(row.status, row.cause) for row in read(tmp_path)} == {
        ("harness_error", "ZeroDivisionError: of the harness")
    }


def test_the_command_is_light() -> None:
    program = "import evals.cli, sys; print({name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(),
        cwd=ROOT,
        check=True,
        timeout=60,
        capture_output=True,
        text=True,
    )
    assert not {"pydantic", "yaml", "httpx", "numpy", "tqdm"} & set(done.stdout.split("'"))


def test_a_bar_shows_the_cost_so_far_and_what_failed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def cost(usd: float) -> list[dict[str, object]]:
        response = {"text": "x", "disposition": "answer"}
        return [{"said": "x", "response": response, "latency_ms": 1, "cost_usd": usd}]

    told = {"suite": "s", "system": "a", "epoch": 0, "status": "ok"}
    terminal = Terminal(bar=True)
    terminal.began(3)
    for more in (
        {"case": "c1", "exchanges": cost(0.5)},
        {"case": "c2", "exchanges": cost(9.0), "cached": True},
        {"case": "c3", "status": "timeout"},
    ):
        terminal.recorded(Episode.model_validate(told | more))
    terminal.ended()
    assert terminal.cost == 0.5
    last = capsys.readouterr().err.split("\r")[-1]
    assert "3/3" in last
    assert "$0.50, 1 failed" in last
