"""What the harness itself costs: 500 echo tickets with rubric and log, beside inspect_ai in the same run.

    python -m benchmarks.harness_overhead [--rounds 5] [--peer-env FOLDER]

Every measurement is a process of its own; the two take turns. Processor time is user and system of that process;
memory is its peak over that of a bare interpreter. Ours loads the suite, asks a transcript that echoes the ticket,
writes every row, grades it by the shipped rubric and writes the grades; theirs evaluates the same tickets with a
solver that echoes and a scorer that looks for words. The peer lives in an environment of its own, made on first use.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import venv
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import platformdirs

TICKETS = 500
PEER = "inspect-ai==0.3.285"
_ROOT = Path(__file__).parents[1]
_BARE = "pass"
_IMPORT = "import evals"
_OURS = """
import asyncio, sys
from pathlib import Path
from evals.caching import Cache
from evals.finishing import grade
from evals.results import Rows
from evals.run import Plan, ask_all
from evals.sources import Register
from evals.suite import load
from evals.systems.config import specs

class Quiet:
    def began(self, rows): pass
    def recorded(self, episode): pass
    def said(self, line): print(line, file=sys.stderr)

folder, run = Path(sys.argv[1]), Path(sys.argv[2])
run.mkdir()
suite = load(folder)
rows = Rows.opened(run, suite=suite.hash)
plan = Plan(suite, specs([str(folder / "echo.jsonl")]), 1, frozenset(suite.by_id))
asyncio.run(ask_all(plan, rows, Cache(None), {}.get, Quiet()))
rows.close()
graded = grade(run, suite, Register(()))
assert graded == int(sys.argv[3]), graded
"""
_THEIRS = """
import json, sys
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.model import ModelOutput
from inspect_ai.scorer import includes
from inspect_ai.solver import solver

told = [json.loads(line) for line in open(sys.argv[1] + "/tickets.jsonl")]
samples = [Sample(id=one["id"], input=one["text"], target="certificate") for one in told]

@solver
def echo():
    async def solve(state, generate):
        state.output = ModelOutput.from_content("echo", state.input_text)
        return state
    return solve

task = Task(dataset=samples, solver=echo(), scorer=includes())
(log,) = eval(task, model="mockllm/model", log_dir=sys.argv[2], display="none")
assert log.status == "success" and len(log.samples) == int(sys.argv[3]), log.error
"""


class Spent(NamedTuple):
    """One process: seconds of processor time, peak memory in MiB."""

    seconds: float
    mib: float


def spent(python: Path, code: str, *arguments: str) -> Spent:
    """Run it and see what it took. Raises `CalledProcessError` where it fails."""
    process = subprocess.Popen(  # our own code
        [python, "-c", code, *arguments],
        cwd=_ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    told = process.stderr.read() if process.stderr else ""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, str(python), stderr=told)
    return Spent(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def suite_in(folder: Path) -> None:
    """The tickets as a suite, as a transcript that echoes them, and as plain lines for the peer."""
    shipped = _ROOT / "evals/suites/larkfield"
    for name in ("suite", "rubric", "people", "reasons"):
        (folder / f"{name}.yaml").write_bytes((shipped / f"{name}.yaml").read_bytes())
    (folder / "cases").mkdir()
    texts = [f"ticket {n}: the vpn says certificate validation failure" for n in range(TICKETS)]
    _lines(folder / "cases" / "tickets.jsonl", [_case(n, text) for n, text in enumerate(texts)])
    _lines(
        folder / "echo.jsonl",
        [{"case": f"vpn-{n}", "text": text} for n, text in enumerate(texts)],
    )
    _lines(
        folder / "tickets.jsonl",
        [{"id": f"vpn-{n}", "text": text} for n, text in enumerate(texts)],
    )


def _lines(file: Path, rows: list[dict[str, object]]) -> None:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


def _case(number: int, text: str) -> dict[str, object]:
    return {
        "id": f"vpn-{number}",
        "family": f"vpn-{number}",
        "split": "test",
        "category": "vpn",
        "subcategory": "certificate_expired",
        "kinds": ["everyday"],
        "turns": [text],
        "user": "dana.reed",
        "gold": {
            "dispositions": ["answer"],
            "queues": ["endpoint"],
            "action_type": "instructions",
            "priority": "P3",
            "solvable_by_bot": True,
            "facts": ["VPN-05"],
            "reference": "The device certificate has expired.",
            "evidence": "VPN-05 says what to do.",
        },
        "criteria": [
            {
                "id": name,
                "text": f"It mentions the {word}.",
                "dimension": "accuracy",
                "points": 2,
                "check": {"says": {"all_of": [[word]]}},
                "failure_tag": "incomplete_troubleshooting",
            }
            for name, word in (("cause", "certificate"), ("what", "vpn"))
        ],
        "valid_until": "2027-06-30",
        "source": "synthetic",
    }


def peer(folder: Path) -> Path:
    """The interpreter that has the peer; made where it is not there."""
    python = folder / "bin" / "python"
    if not python.exists():
        print(f"making the peer's environment in {folder} ({PEER})")
        venv.create(folder, with_pip=True)
        install = [str(python), "-m", "pip", "install", "--quiet", PEER]
        subprocess.run(install, check=True)
    return python


def main() -> None:
    """Print medians and ratios."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--peer-env",
        type=Path,
        default=Path(platformdirs.user_cache_dir("it-copilot-benchmarks")) / "inspect",
    )
    parser.add_argument("--alone", action="store_true", help="Without the peer.")
    options = parser.parse_args()
    here = Path(sys.executable)
    there = None if options.alone else peer(options.peer_env)
    found: dict[str, list[Spent]] = {"bare": [], "import": [], "ours": [], "theirs": []}
    with TemporaryDirectory() as name:
        suite = Path(name, "suite")
        suite.mkdir()
        suite_in(suite)
        for number in range(options.rounds):
            found["bare"].append(spent(here, _BARE))
            found["import"].append(spent(here, _IMPORT))
            told = (str(suite), f"{name}/ours-{number}", str(TICKETS))
            found["ours"].append(spent(here, _OURS, *told))
            if there:
                told = (str(suite), f"{name}/theirs-{number}", str(TICKETS))
                found["theirs"].append(spent(there, _THEIRS, *told))
    told_of(found)


def told_of(found: dict[str, list[Spent]]) -> None:
    """The table."""
    medians = {
        what: Spent(*(statistics.median(column) for column in zip(*rows, strict=True)))
        for what, rows in found.items()
        if rows
    }
    bare = medians["bare"]
    for what, one in medians.items():
        print(
            f"{what:7} {one.seconds:6.2f} CPU-s, {one.mib - bare.mib:6.1f} MiB over a bare interpreter"
        )
    if "theirs" in medians:
        ours, theirs = medians["ours"], medians["theirs"]
        print(
            f"ratio   {theirs.seconds / ours.seconds:6.1f} times the processor time, "
            f"{(theirs.mib - bare.mib) / (ours.mib - bare.mib):.1f} times the memory"
        )


if __name__ == "__main__":
    main()
