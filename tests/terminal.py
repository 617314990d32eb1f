"""The command as a person or a script runs it: a process of its own."""

import ctypes
import json
import os
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

COPILOT = Path(sys.executable).with_name("copilot")
ROOT = Path(__file__).parents[1]
SECONDS = 120
LONG_SECONDS = 1800
"""For a command that trains: it ends a hang, and is no measure of speed."""


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str
    cpu: float
    """Seconds of processor time."""

    @property
    def data(self) -> dict[str, object]:
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found


def run(
    *arguments: str | bytes | Path,
    given: bytes = b"",
    settings: Mapping[str, str] | None = None,
    file_bytes: int | None = None,
    powerless: bool = False,
    seconds: float = SECONDS,
) -> Done:
    """Run `copilot`; `file_bytes` is the largest file it may write, as on a full disk.

    `powerless`: where it runs as root, the rights of files bind it all the same.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [COPILOT, *arguments],
        input=given,
        capture_output=True,
        timeout=seconds,
        check=False,
        env=_environment(settings or {}),
        preexec_fn=lambda: _limit(file_bytes, powerless=powerless),  # one thread
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    out, err = done.stdout.decode("utf-8"), done.stderr.decode("utf-8")
    assert "Traceback" not in err, err
    return Done(done.returncode, out, err, cpu)


def modules_after(statements: str) -> Sequence[str]:
    """Top-level modules that a fresh interpreter holds after the statements."""
    program = (
        f"{statements}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
        env=_environment({}),
    )
    return done.stdout.split()


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("COPILOT_")}  # noqa: TID251  # a child's
    return {**kept, **settings}


def _limit(file_bytes: int | None, *, powerless: bool) -> None:
    if file_bytes is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    if powerless and os.geteuid() == 0:
        for capability in _OVER_RIGHTS:
            ctypes.CDLL(None).prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)


_PR_CAPBSET_DROP = 24
_OVER_RIGHTS = (1, 2, 3)
"""CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH and CAP_FOWNER."""
