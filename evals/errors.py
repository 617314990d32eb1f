"""What can be wrong with what people give the benchmark. Every text says what to do.

BenchmarkError
├── SuiteError         a suite: file, line and mend of everything that is wrong in it
├── SystemConfigError  a system under test: its configuration does not fit
└── RunError           a file of results: unreadable, of another suite, or half a line
"""

from collections.abc import Sequence
from dataclasses import dataclass


class BenchmarkError(Exception):
    """The base: its text is shown to the person at the command line."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault in a file that people write."""

    path: str
    line: int | None
    message: str

    def __str__(self) -> str:
        place = self.path if self.line is None else f"{self.path}:{self.line}"
        return f"{place}: {self.message}"


class SuiteError(BenchmarkError):
    """Everything that is wrong with a suite, at once."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(str(finding) for finding in self.findings))


class SystemConfigError(BenchmarkError):
    """A system under test is not described well enough to be asked."""


class RunError(BenchmarkError):
    """A file of results can't be used as it is."""
