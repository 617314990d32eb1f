"""Replies that a vendor exported: a file of rows, a row a turn, as JSONL or CSV.

A row names its case and holds the reply; a dialogue has a row a turn, counted from 1. What the file lacks is reported as
missing and never left out.
"""

import csv
import io
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, cast

from pydantic import Field, ValidationInfo, model_validator

from evals.case import Value
from evals.documents import DocumentError, lines_of, text_of
from evals.episode import Exchange
from evals.errors import Finding, SystemConfigError
from evals.systems.responses import FIELDS, Words, response_of
from evals.systems.system import (
    Ask,
    HopelessError,
    MissingError,
    Played,
    Spoken,
    VendorError,
    conversed,
)

_OURS = ("case", "epoch", "turn", "said", "latency_ms", "cost_usd", "error", "delivered")
_OBJECTS = frozenset({"citations", "handoff", "ticket", "rules", "versions"})
_DELIMITERS = ",;\t"
_SHOWN = 20


class TranscriptConfig(Value):
    """`kind: transcript`."""

    kind: Literal["transcript"] = "transcript"
    name: str
    file: Path
    columns: dict[str, str] = Field(default_factory=dict)
    """Our name of a column, then the vendor's, where they differ: `{case: ticket_id, text: bot_reply}`."""
    words: Words = Words()
    full_confidence: float = Field(default=1.0, gt=0)
    unknown_ids: Literal["refuse", "ignore"] = "refuse"
    """What becomes of rows whose case is in no split of the suite."""

    @model_validator(mode="before")
    @classmethod
    def _starts_at_its_file(cls, data: object, info: ValidationInfo) -> object:
        folder = (info.context or {}).get("folder")
        if isinstance(data, dict) and folder is not None and isinstance(data.get("file"), str):
            return {**data, "file": Path(folder) / data["file"]}
        return data

    @model_validator(mode="after")
    def _can_be_read(self) -> "TranscriptConfig":
        unknown = sorted(set(self.columns) - {*FIELDS, *_OURS})
        if unknown:
            raise ValueError(
                f"columns: {', '.join(unknown)} is unknown. Known are {', '.join((*_OURS, *FIELDS))}."
            )
        if not self.file.is_file():
            raise ValueError(f"file: {self.file} is not there. Correct the path.")
        return self


class Key(NamedTuple):
    """Where a reply belongs."""

    case: str
    epoch: int
    turn: int


@asynccontextmanager
async def opened(
    config: TranscriptConfig, known: frozenset[str]
) -> AsyncIterator["TranscriptSystem"]:
    """The transcript, read whole. Raises `SystemConfigError` with all that is wrong, by line."""
    yield TranscriptSystem(config, _by_key(config, known))


@dataclass(frozen=True, slots=True)
class TranscriptSystem:
    """The rows of one file."""

    config: TranscriptConfig
    rows: Mapping[Key, Mapping[str, object]]

    async def play(self, ask: Ask) -> Played:
        row = self.rows.get(Key(ask.case.id, ask.epoch, 1))
        if row is None:
            which = f", epoch {ask.epoch}" if ask.epoch else ""
            raise MissingError(
                f"{self.config.file.name} holds no row of the case '{ask.case.id}'{which}."
            )

        async def answer(spoken: Spoken) -> Exchange:
            return self._exchange(ask, spoken)

        exchanges = await conversed(ask, answer)
        told = row.get("delivered") if ask.case.attack else None
        return Played(exchanges, delivered=None if told is None else _is_true(told))

    def _exchange(self, ask: Ask, spoken: Spoken) -> Exchange:
        row = self.rows.get(Key(ask.case.id, ask.epoch, spoken.number + 1))
        if row is None:
            raise MissingError(
                f"{self.config.file.name} holds no turn {spoken.number + 1} of the case '{ask.case.id}'."
            )
        if row.get("error"):
            raise VendorError(f"The transcript says: {row['error']}")
        told = {name: row[name] for name in FIELDS if name in row}
        response = response_of(told, self.config.words, full_confidence=self.config.full_confidence)
        return Exchange(
            said=spoken.text,
            response=response,
            latency_ms=_number(row, "latency_ms"),
            cost_usd=_number(row, "cost_usd"),
        )


def _by_key(config: TranscriptConfig, known: frozenset[str]) -> Mapping[Key, Mapping[str, object]]:
    findings: list[Finding] = []
    rows: dict[Key, Mapping[str, object]] = {}
    lines: dict[Key, int] = {}
    for number, raw in _rows(config, findings):
        row = _renamed(raw, config.columns)
        key = _key(row)
        fault = _fault(key, row, known, lines, ignoring=config.unknown_ids == "ignore")
        if fault:
            findings.append(Finding(str(config.file), number, fault))
        elif key is not None and key.case in known:
            rows[key], lines[key] = row, number
    if findings:
        findings.sort(key=lambda finding: finding.line or 0)
        more = f"\n… and {len(findings) - _SHOWN} more." if len(findings) > _SHOWN else ""
        raise SystemConfigError("\n".join(map(str, findings[:_SHOWN])) + more)
    return rows


def _fault(
    key: Key | None,
    row: Mapping[str, object],
    known: frozenset[str],
    lines: Mapping[Key, int],
    *,
    ignoring: bool,
) -> str | None:
    if key is None:
        return (
            "The row names no case, or its epoch (from 0) or turn (from 1) is no number. Its columns: "
            f"{', '.join(map(str, row))}. Map them under `columns`, for example `case: ticket_id`."
        )
    if key.case not in known:
        told = f"The suite has no case '{key.case}'. Correct the id, or set `unknown_ids: ignore`."
        return None if ignoring else told
    if key in lines:
        return f"The case '{key.case}' stands on line {lines[key]} already (same epoch and turn). Keep one."
    if "text" not in row and not row.get("error"):
        return (
            f"The row holds no reply. Its columns: {', '.join(map(str, row))}. Map one: `text: …`."
        )
    return None


def _rows(
    config: TranscriptConfig, findings: list[Finding]
) -> Iterator[tuple[int, Mapping[str, object]]]:
    if config.file.suffix == ".csv":
        yield from _csv_rows(config.file)
        return
    for number, line in lines_of(_text(config.file)):
        try:
            row = json.loads(line)
        except ValueError as error:
            said = getattr(error, "msg", str(error))
            findings.append(Finding(str(config.file), number, f"This is no JSON: {said}. Mend it."))
            continue
        if isinstance(row, dict):
            yield number, row
        else:
            findings.append(
                Finding(str(config.file), number, "A line holds one JSON object. Mend it.")
            )


def _csv_rows(file: Path) -> Iterator[tuple[int, Mapping[str, object]]]:
    text = _text(file)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    for row in reader:
        yield reader.line_num, {key: value for key, value in row.items() if key}


def _delimiter(text: str) -> str:
    """What separates the columns: the sign that the first line holds most of."""
    return max(_DELIMITERS, key=text.partition("\n")[0].count)


def _text(file: Path) -> str:
    try:
        return text_of(file)
    except DocumentError as error:
        raise SystemConfigError(str(error)) from error


def _renamed(row: Mapping[str, object], columns: Mapping[str, str]) -> dict[str, object]:
    """The row under our names; an empty cell tells nothing, but a reply may be empty."""
    theirs = {their: our for our, their in columns.items()}
    renamed = {theirs.get(name, name): value for name, value in row.items()}
    return {
        name: _object(value) if name in _OBJECTS else value
        for name, value in renamed.items()
        if value is not None and (value != "" or name == "text")
    }


def _object(value: object) -> object:
    """What a cell of CSV holds as JSON."""
    if not isinstance(value, str) or value.strip()[:1] not in ("[", "{"):
        return value
    try:
        return cast(object, json.loads(value))
    except ValueError:
        return value


def _key(row: Mapping[str, object]) -> Key | None:
    try:
        turn, epoch = int(str(row.get("turn", 1))), int(str(row.get("epoch", 0)))
    except ValueError:
        return None
    case = row.get("case")
    if case is None or turn < 1 or epoch < 0:
        return None
    return Key(str(case).strip(), epoch, turn)


def _number(row: Mapping[str, object], name: str) -> float:
    try:
        return max(0.0, float(str(row.get(name, 0))))
    except ValueError:
        raise HopelessError(f"The column {name} holds {row[name]!r}, no number.") from None


def _is_true(told: object) -> bool:
    return str(told).strip().lower() in ("true", "1", "yes")
