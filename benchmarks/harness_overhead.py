"""What the harness itself costs: 500 echo tickets with rubric and log, beside inspect_ai in the same run.

    python -m benchmarks.harness_overhead [--rounds 5] [--peer-env FOLDER]

Every measurement is a process of its own, and the two take turns. Processor time is user and system of that process;
memory is its peak over that of a bare interpreter. Ours is `benchmarks.echoing`; theirs evaluates the same tickets with
a solver that echoes and a scorer that looks for words. The peer lives in an environment of its own, made on first use.
The work is not equal: theirs also records events for its viewer, ours decides eight criteria a ticket.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import venv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import platformdirs

from benchmarks.echoing import TRANSCRIPT
from evals.suite import named

TICKETS = 500
PEER = "inspect-ai==0.3.285"
_ROOT = Path(__file__).parents[1]
_CACHE = Path(platformdirs.user_cache_dir("it-copilot-benchmarks")) / "inspect"
_TICKETS = "tickets.jsonl"
_TARGET_S, _TARGET_MIB, _TARGET_IMPORT_S = 0.5, 64.0, 0.15
_BARE, _IMPORT, _OURS, _THEIRS = "bare interpreter", "import evals", "ours", "inspect_ai"
_STARTED = """
import os, sys
child = os.fork() or os.execv(sys.argv[1], sys.argv[1:])
_, status, used = os.wait4(child, 0)
print(used.ru_utime + used.ru_stime, used.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""Starts what is measured. A process counts the memory of the one it was started from as its own peak, so that one is
an interpreter that holds nothing."""
_PEER_CODE = """
import json, sys
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.model import ModelOutput
from inspect_ai.scorer import includes
from inspect_ai.solver import solver

told = [json.loads(line) for line in open(sys.argv[1])]
samples = [Sample(id=one["id"], input=one["text"], target="certificate") for one in told]

@solver
def echo():
    async def solve(state, generate):
        state.output = ModelOutput.from_content("echo", state.input_text)
        return state
    return solve

task = Task(dataset=samples, solver=echo(), scorer=includes())
(log,) = eval(task, model="mockllm/model", log_dir=sys.argv[2], display="none")
assert log.status == "success", log.error
print(len(log.samples))
"""


class Spent(NamedTuple):
    """One process: seconds of processor time, peak memory in MiB."""

    seconds: float
    mib: float


def spent(python: Path, *arguments: str) -> tuple[Spent, str]:
    """What running it took, and the last line that it wrote."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _STARTED, str(python), *arguments],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{python} {' '.join(arguments)} failed:\n{done.stderr.strip()}")
    *_, told, used = ["", *done.stdout.splitlines()]
    seconds, peak = used.split()
    return Spent(float(seconds), int(peak) / (2**20 if sys.platform == "darwin" else 2**10)), told


def graded(python: Path, *arguments: str) -> Spent:
    """The same of a run over all tickets. One that graded fewer measures nothing."""
    one, told = spent(python, *arguments)
    if told != str(TICKETS):
        raise SystemExit(f"{TICKETS} tickets were asked, and '{told}' graded.")
    return one


def suite_in(folder: Path) -> None:
    """The tickets as a suite, as a transcript that echoes them, and as plain lines for the peer."""
    shipped = named(None)
    for name in ("suite", "rubric", "people", "reasons"):
        shutil.copy(shipped / f"{name}.yaml", folder)
    (folder / "cases").mkdir()
    texts = [f"ticket {n}: the vpn says certificate validation failure" for n in range(TICKETS)]
    _lines(folder / "cases" / "tickets.jsonl", [_case(n, text) for n, text in enumerate(texts)])
    _lines(
        folder / TRANSCRIPT,
        [{"case": f"vpn-{n}", "text": text} for n, text in enumerate(texts)],
    )
    _lines(
        folder / _TICKETS,
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
    if _installed(python):
        return python
    print(f"Installing {PEER} in {folder} (once, some minutes)", file=sys.stderr)
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PEER]
    try:
        venv.create(folder, with_pip=True)
        subprocess.run(install, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        raise SystemExit(
            f"{PEER} can't be installed in {folder}; the cause stands above. Name another folder, or one that has it, "
            "with --peer-env; or measure ours alone with --alone."
        ) from error
    return python


def _installed(python: Path) -> bool:
    name, version = PEER.split("==")
    code = f"from importlib.metadata import version; assert version({name!r}) == {version!r}"
    return (
        python.exists()
        and not subprocess.run([python, "-c", code], capture_output=True, check=False).returncode
    )


def measured(rounds: int, there: Path | None) -> Mapping[str, Sequence[Spent]]:
    """What each of them took, round by round; `there`: the peer's interpreter."""
    here = Path(sys.executable)
    found: dict[str, list[Spent]] = {name: [] for name in (_BARE, _IMPORT, _OURS, _THEIRS)}
    with TemporaryDirectory() as name:
        work = Path(name)
        suite = work / "suite"
        suite.mkdir()
        suite_in(suite)
        for number in range(rounds):
            found[_BARE].append(spent(here, "-c", "pass")[0])
            found[_IMPORT].append(spent(here, "-c", "import evals")[0])
            out = str(work / f"ours-{number}")
            found[_OURS].append(graded(here, "-m", "benchmarks.echoing", str(suite), out))
            if there:
                told = (str(suite / _TICKETS), str(work / f"theirs-{number}"))
                found[_THEIRS].append(graded(there, "-c", _PEER_CODE, *told))
    return {name: taken for name, taken in found.items() if taken}


def lines(found: Mapping[str, Sequence[Spent]]) -> Iterator[str]:
    """The table of medians, and what is judged."""
    rounds = len(found[_BARE])
    yield f"{TICKETS} tickets, {rounds} rounds, interleaved; medians of user and system time, and of peak memory"
    medians = {
        name: Spent(*(statistics.median(column) for column in zip(*taken, strict=True)))
        for name, taken in found.items()
    }
    bare = medians[_BARE]
    for name, one in medians.items():
        over = "" if one is bare else f", {one.mib - bare.mib:.1f} over a bare interpreter"
        yield f"  {name:16} {one.seconds:6.2f} CPU-s, {one.mib:6.1f} MiB{over}"
    ours = medians[_OURS]
    if _THEIRS in medians:
        theirs = medians[_THEIRS]
        times, memory = (
            theirs.seconds / ours.seconds,
            (theirs.mib - bare.mib) / (ours.mib - bare.mib),
        )
        yield f"  theirs / ours    {times:.1f} by processor time, {memory:.1f} by memory"
    yield _verdict("tickets asked, kept and graded, CPU-s", ours.seconds, _TARGET_S)
    yield _verdict("memory over a bare interpreter, MiB", ours.mib - bare.mib, _TARGET_MIB)
    yield _verdict("import evals, CPU-s", medians[_IMPORT].seconds, _TARGET_IMPORT_S)


def _verdict(what: str, value: float, target: float) -> str:
    return f"{'met ' if value <= target else 'MISS'} {what}: {value:.2f}, at most {target:g}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.harness_overhead", description=__doc__
    )
    parser.add_argument("--rounds", type=int, default=5, help="how often each is started")
    parser.add_argument(
        "--peer-env", type=Path, default=_CACHE, help="environment that is made for the peer"
    )
    parser.add_argument("--alone", action="store_true", help="without the peer")
    given = parser.parse_args(arguments)
    there = None if given.alone else peer(given.peer_env)
    for line in lines(measured(given.rounds, there)):
        print(line)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
