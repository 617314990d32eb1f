"""Read the YAML files that experts edit, and list everything wrong in one of them at once, by line."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from copilot.errors import CopilotError

Model = TypeVar("Model", bound=BaseModel)
Place = tuple[str | int, ...]

_SHOWN_CHARS = 80


class DataFileError(CopilotError):
    """Files of the company are wrong; `problems` says what, one sentence each, with file and line."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True, slots=True)
class DataFile:
    """A YAML file as read: its content, and the line of every key in it."""

    path: Path
    content: object
    lines: Mapping[Place, int] = field(repr=False)

    def problem(self, place: Place, message: str) -> str:
        """A sentence with file and line; the line of the nearest key around a missing one."""
        around = place
        while around and around not in self.lines:
            around = around[:-1]
        where = ".".join(map(str, place))
        return f"{self.path}:{self.lines.get(around, 1)}: {f'{where}: ' if where else ''}{message}"

    def read_as(self, model: type[Model]) -> Model:
        """The content as a `model`. Raises `DataFileError` with every problem."""
        try:
            return model.model_validate(self.content)
        except ValidationError as error:
            raise DataFileError(
                self.problem(fault["loc"], _sentence(fault["msg"], fault["type"], fault["input"]))
                for fault in error.errors(include_url=False, include_context=False)
            ) from error


def read(path: Path) -> DataFile:
    """Raises `DataFileError` when the file is missing, is not YAML or has a key twice."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DataFileError([f"{path}:1: The file is not UTF-8. Save it as UTF-8."]) from error
    except OSError as error:
        raise DataFileError(
            [f"{path}:1: The file can't be read ({error.strerror}). Check the path and its rights."]
        ) from error
    loader = yaml.CSafeLoader(text)
    try:
        node = loader.get_single_node()
        content = loader.construct_document(node) if node is not None else None
    except yaml.YAMLError as error:
        raise DataFileError(
            [f"{path}:{_line(error)}: The file is not YAML: {_reason(error)}."]
        ) from error
    finally:
        loader.dispose()
    lines: dict[Place, int] = {}
    twice = [] if node is None else list(_walk(node, (), lines))
    file = DataFile(path, content, lines)
    if twice:
        raise DataFileError(
            file.problem(place, "The key is there twice. Keep one of the two.") for place in twice
        )
    return file


def _walk(node: yaml.Node, place: Place, lines: dict[Place, int]) -> Iterable[Place]:
    """Note the line of every key below; yields the keys that occur twice."""
    lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield from _walk(item, (*place, number), lines)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            below = (*place, str(key.value))
            if below in lines:
                yield below
            lines[below] = key.start_mark.line + 1
            yield from _walk(value, below, lines)


def _sentence(message: str, kind: str, given: object) -> str:
    if kind == "extra_forbidden":
        return "The key is unknown. Check its spelling or remove it."
    if kind == "missing":
        return "The key is missing. Add it."
    shown = repr(given)
    text = message.removeprefix("Value error, ").rstrip(".")
    return f"{text}." if len(shown) > _SHOWN_CHARS else f"{text} (given: {shown})."


def _line(error: yaml.YAMLError) -> int:
    mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
    return mark.line + 1 if mark else 1


def _reason(error: yaml.YAMLError) -> str:
    problem = error.problem if isinstance(error, yaml.MarkedYAMLError) else None
    return problem or "it holds a character that YAML does not allow"
