"""YAML files that remember their lines, so that every fault can be named by file and line."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from policies.errors import Problem

try:
    from yaml import CSafeLoader as SafeLoader
except ImportError:  # PyYAML without libyaml: slower, same result
    from yaml import SafeLoader  # type: ignore[assignment]


Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Document:
    """The data of one YAML file and the nodes it came from."""

    file: str
    data: object
    root: yaml.Node | None

    def line_of(self, path: Sequence[int | str]) -> int:
        """The line of a value, or of the nearest part around it that the file has."""
        node, line = self.root, 1
        for step in path:
            found = _child(node, step)
            if found is None:
                break
            line, node = found
        return line

    def problem(self, path: Sequence[int | str], text: str) -> Problem:
        return Problem(self.file, self.line_of(path), text)


def yaml_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.yaml") if path.is_file())


def read_document(path: Path) -> Document | Problem:
    """Read one file. A fault in its form comes back as a problem, never as an exception."""
    try:
        loader = SafeLoader(path.read_text(encoding="utf-8"))
        root = loader.get_single_node()
        data = None if root is None else loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = error.problem or error.context or "it is not YAML"
        return Problem(path.name, mark.line + 1 if mark else 1, f"Not readable as YAML: {reason}.")
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        return Problem(path.name, 1, f"Not readable as UTF-8 YAML: {error}.")
    twice = next(_repeated_keys(root), None)
    if twice is not None:
        key, line = twice
        return Problem(path.name, line, f"The key '{key}' stands here a second time; keep one.")
    return Document(path.name, data, root)


def parse(
    document: Document, model: type[Model], data: object, at: Sequence[int | str] = ()
) -> Model | list[Problem]:
    """Validate a part of a document; every fault becomes a problem with its line."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        return [
            document.problem((*at, *fault["loc"]), _sentence(fault["loc"], fault["msg"]))
            for fault in error.errors(include_url=False, include_input=False)
        ]


def _sentence(path: Sequence[int | str], message: str) -> str:
    where = ".".join(str(step) for step in path)
    message = message.removeprefix("Value error, ").rstrip(".")
    if message == "Extra inputs are not permitted":
        message = "this key is unknown; check its spelling or remove it"
    elif message == "Field required":
        message = "this key is missing; add it"
    return f"{where}: {message}." if where else f"{message}."


def _child(node: yaml.Node | None, step: int | str) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return key.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        item: yaml.Node = node.value[step]
        return item.start_mark.line + 1, item
    return None


def _repeated_keys(node: yaml.Node | None) -> Iterator[tuple[str, int]]:
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _repeated_keys(item)
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield str(key.value), key.start_mark.line + 1
            seen.add(str(key.value))
            yield from _repeated_keys(value)
