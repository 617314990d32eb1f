"""A run's folder: `run.json` says what was asked, `episodes.jsonl` holds a row for each case, epoch and system.

Rows are appended as they come, each in one write; a process that is killed loses the cases in flight and no more. A half
line at the end is what such a death leaves: it is dropped, and its case is asked again. When all is there, the rows are put
in order: systems and epochs as they were asked, cases as the suite has them.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NamedTuple, cast

from pydantic import AwareDatetime, Field, ValidationError

from evals.case import Split, Value
from evals.episode import Episode, Status
from evals.errors import RunError
from evals.suite import Suite

RUN, EPISODES, GRADES, SUMMARY = "run.json", "episodes.jsonl", "grades.jsonl", "summary.json"
FAILED: frozenset[Status] = frozenset({"vendor_error", "timeout", "harness_error"})
"""What asking again may mend."""
Key = tuple[str, str, int]
"""System, case, epoch."""


class SystemRun(Value):
    """A system as it was asked."""

    name: str
    kind: str
    source: str
    """As it was named on the command line: built in, or a file."""
    hash: str
    versions: dict[str, str] = Field(default_factory=dict)


class Run(Value):
    """`run.json`."""

    suite: str
    """Folder of the suite."""
    suite_name: str
    suite_hash: str
    said_hash: str
    """Of what systems see of the cases; labels may change and rows be graded again."""
    rubric_hash: str
    split: Split | None = None
    limit: int | None = None
    blocked: tuple[str, ...] = ()
    """Cases left out because their label passes differ and nobody has settled it."""
    systems: tuple[SystemRun, ...]
    epochs: int = Field(ge=1)
    seed: int
    versions: dict[str, str]
    command: str
    started: AwareDatetime

    @classmethod
    def read(cls, folder: Path) -> "Run":
        """Raises `RunError` for a folder that holds no run."""
        file = folder / RUN
        try:
            return cls.model_validate_json(file.read_text("utf-8"))
        except OSError as error:
            raise RunError(
                f"{file} can't be read: {error.strerror}. Name the folder of a run, as `evals run` printed it."
            ) from error
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            key = ".".join(map(str, fault["loc"])) or "the file"
            raise RunError(f"{file}: {key}: {fault['msg']}. Start the run again.") from error

    def write(self, folder: Path) -> None:
        _replaced(folder / RUN, self.model_dump_json(indent=1).encode() + b"\n")


class Place(NamedTuple):
    """Where a row lies in the file."""

    start: int
    length: int
    status: Status


@dataclass(slots=True)
class Rows:
    """The rows of a run that one process writes. The last row of a key counts."""

    folder: Path
    places: dict[Key, Place] = field(default_factory=dict)
    dropped: str | None = None
    """What was dropped on opening, as a sentence."""
    _file: IO[bytes] | None = None

    @classmethod
    def opened(cls, folder: Path, *, suite: str) -> "Rows":
        """The rows so far. Raises `RunError` for a damaged file or rows of another suite."""
        path = folder / EPISODES
        path.touch()
        places, whole, lines = _indexed(path, suite)
        rows = cls(folder, places)
        size = path.stat().st_size
        if whole < size:
            os.truncate(path, whole)
            rows.dropped = (
                f"{path}:{lines + 1}: The last line is only half there ({size - whole} bytes), as a killed run "
                "leaves it. It was dropped; its case is asked again."
            )
        rows._file = path.open("ab", buffering=0)
        return rows

    def append(self, episode: Episode) -> None:
        """One row, in one write."""
        assert self._file is not None  # noqa: S101  # opened by the one way to make it
        line = episode.model_dump_json().encode() + b"\n"
        start = self._file.tell()
        self._file.write(line)
        self.places[episode.key] = Place(start, len(line), episode.status)

    def done(self, *, but_failed: bool = False) -> frozenset[Key]:
        """What need not be asked."""
        return frozenset(
            key for key, row in self.places.items() if not (but_failed and row.status in FAILED)
        )

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def put_in_order(self, order: Sequence[Key]) -> None:
        """Rewrite the file with every row once, in order. What is in no order stays at the end."""
        self.close()
        path = self.folder / EPISODES
        wanted = {key: number for number, key in enumerate(order)}
        keys = sorted(self.places, key=lambda key: (wanted.get(key, len(wanted)), key))
        draft = path.with_suffix(".draft")
        with path.open("rb") as old, draft.open("wb") as new:
            for key in keys:
                place = self.places[key]
                old.seek(place.start)
                new.write(old.read(place.length))
            new.flush()
            os.fsync(new.fileno())
        draft.replace(path)


def said_hash(suite: Suite) -> str:
    """Hash of what is said, by whom, when and with what around it."""
    seen = {"id", "turns", "user", "at", "display_name", "environment", "channel", "attack"}
    parts: list[object] = [suite.at.isoformat()]
    parts += [{"id": name, **suite.people[name].model_dump()} for name in sorted(suite.people)]
    cases = sorted(suite.cases, key=lambda case: case.id)
    parts += [case.model_dump(mode="json", include=seen) for case in cases]
    return _digest(parts)


def rubric_hash(suite: Suite) -> str:
    return _digest(suite.rubric.model_dump(mode="json"))


def _digest(told: object) -> str:
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def order_of(suite: Suite, systems: Sequence[str], epochs: int) -> list[Key]:
    """The order of a finished file."""
    return [
        (system, case.id, epoch)
        for system in systems
        for epoch in range(epochs)
        for case in suite.cases
    ]


def episodes(folder: Path) -> Iterator[Episode]:
    """Every row once, one at a time. Raises `RunError` with file and line."""
    path = folder / EPISODES
    if not path.is_file():
        raise RunError(f"{path} is not there. Name the folder of a run, as `evals run` printed it.")
    places, _, _ = _indexed(path, None)
    with path.open("rb") as file:
        for place in places.values():
            file.seek(place.start)
            line = file.read(place.length)
            try:
                yield Episode.model_validate_json(line)
            except ValidationError as error:
                fault = error.errors(include_url=False)[0]
                key = ".".join(map(str, fault["loc"]))
                number = _line_at(path, place.start)
                raise RunError(f"{path}:{number}: {key}: {fault['msg']}. {_MEND}") from error


def cost_of(episode: Episode) -> float:
    """What the episode cost in US dollars when it was asked."""
    return sum(exchange.cost_usd for exchange in episode.exchanges)


_MEND = "Take the line out and go on with `evals run --resume`: its case is asked again."


def _indexed(path: Path, suite: str | None) -> tuple[dict[Key, Place], int, int]:
    """The rows by key, the bytes that are whole lines, and how many lines these are."""
    places: dict[Key, Place] = {}
    start = number = 0
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                break
            number += 1
            row = _row(path, number, line)
            if suite is not None and row.get("suite") != suite:
                raise RunError(
                    f"{path}:{number}: The row is of another suite ({str(row.get('suite'))[:12]}…, this one is "
                    f"{suite[:12]}…). Rows of two suites can't be compared: begin a new run."
                )
            key, place = _placed(path, number, row, start, len(line))
            places[key] = place
            start += len(line)
    return places, start, number


def _row(path: Path, number: int, line: bytes) -> Mapping[str, object]:
    try:
        row = json.loads(line)
    except ValueError as error:
        message = f"{path}:{number}: This is no JSON, and not the end of the file. {_MEND}"
        raise RunError(message) from error
    if not isinstance(row, dict):
        raise RunError(f"{path}:{number}: This is no row of a run. {_MEND}")
    return row


def _placed(
    path: Path, number: int, row: Mapping[str, object], start: int, length: int
) -> tuple[Key, Place]:
    try:
        key = (str(row["system"]), str(row["case"]), int(str(row["epoch"])))
        return key, Place(start, length, cast(Status, row["status"]))
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"{path}:{number}: The row lacks {error}. {_MEND}") from error


def _line_at(path: Path, start: int) -> int:
    with path.open("rb") as file:
        return file.read(start).count(b"\n") + 1


def _replaced(path: Path, content: bytes) -> None:
    draft = path.with_suffix(".draft")
    draft.write_bytes(content)
    draft.replace(path)
