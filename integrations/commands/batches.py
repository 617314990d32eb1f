"""Files of JSON lines: one object a line in, one a line out, and a bad line never stops the rest."""

import json
from collections.abc import Iterator
from pathlib import Path

import click


def refusal_of(source: Path, out: Path | None) -> str | None:
    if not source.is_file():
        return f"The batch file {source} is not there."
    if out is not None and out.exists() and out.samefile(source):
        return "--out is the batch file itself. Name another file for the replies."
    if out is not None and not out.parent.is_dir():
        return f"The folder of {out} is not there. Make it, or name another file."
    return None


class BadLineError(Exception):
    """The line can't be read; the text says why and what to do."""


def object_of(line: bytes) -> dict[str, object]:
    try:
        data = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise BadLineError(
            f"The line is not UTF-8 (byte {error.start}). Save the file as UTF-8."
        ) from error
    except json.JSONDecodeError as error:
        raise BadLineError(
            f"The line is no JSON: {error.msg} at column {error.colno}. Write one object a line."
        ) from error
    except (ValueError, RecursionError) as error:
        raise BadLineError("The line holds a number too long or is nested too deeply.") from error
    if not isinstance(data, dict):
        raise BadLineError('The line is no JSON object. Write {"id": …, "text": …, "user": …}.')
    return data


def line_of(answer: dict[str, object]) -> str:
    """One line of JSON; half a surrogate pair, which UTF-8 can't carry, stays escaped."""
    text = json.dumps(answer, ensure_ascii=False)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(answer)
    return text


def fault(known: object, number: int, message: str) -> dict[str, object]:
    named = known if isinstance(known, str | int | float) else None
    return {"inquiry_id": named, "line": number, "error": message}


def lines(source: Path) -> Iterator[tuple[int, bytes]]:
    with source.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield number, line


class output:  # noqa: N801  # reads as a function at its one call
    def __init__(self, out: Path | None) -> None:
        self._file = out.open("w", encoding="utf-8") if out else None

    def __enter__(self):  # type: ignore[no-untyped-def]
        return self._write

    def _write(self, line: str) -> None:
        if self._file:
            self._file.write(line + "\n")
            self._file.flush()
        else:
            click.echo(line)

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.close()
