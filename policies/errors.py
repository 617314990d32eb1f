"""What can go wrong with policies: their files cannot be used, and a person has to mend them."""

from collections.abc import Iterable
from typing import NamedTuple


class Problem(NamedTuple):
    """One fault in one file, said so that the person who wrote the line can mend it."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}"


class PolicyLoadError(Exception):
    """The policies cannot be used; nothing was loaded. Lists every problem, not only the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        count = len(self.problems)
        head = f"The policies have {count} problem{'' if count == 1 else 's'}:"
        super().__init__("\n".join([head, *(f"  {problem}" for problem in self.problems)]))
