"""Files that people write, read: text in UTF-8, lines as other programs count them, YAML whose keys stand once."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from evals.errors import BenchmarkError, Finding

if TYPE_CHECKING:
    from yaml import Node


class EncodingError(BenchmarkError):
    """A file is not UTF-8."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding
        super().__init__(str(finding))


def text_of(file: Path) -> str:
    """The text of a file, without a byte order mark. Raises `EncodingError` that names the line, and `OSError`."""
    raw = file.read_bytes()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        message = (
            f"The byte {raw[error.start]:#04x} is no UTF-8. Save the file as UTF-8 "
            "(a spreadsheet calls it 'CSV UTF-8')."
        )
        raise EncodingError(Finding(str(file), line, message)) from error


def lines_of(text: str) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, with their numbers. Only a line feed ends one: JSON may hold the other signs."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line.removesuffix("\r")


def parsed(text: str) -> object:
    """The data of a YAML document, with libyaml where it is there: ten times as fast. Raises `yaml.YAMLError`."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(text, Loader=loader)  # noqa: S506  # a safe loader


def composed(text: str) -> "Node | None":
    """The nodes of a YAML document, which know their lines. Raises `yaml.YAMLError`."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.compose(text, Loader=loader)


def repeated(root: "Node | None") -> Iterator[tuple[int, str]]:
    """Line and name of every key that stands twice in one mapping: YAML would silently take the last."""
    import yaml

    seen: set[int] = set()
    pending = [root] if root is not None else []
    while pending:
        node = pending.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            names = set()
            for key, value in node.value:
                if key.value in names:
                    yield key.start_mark.line + 1, str(key.value)
                names.add(str(key.value))
                pending.append(value)
        elif isinstance(node, yaml.SequenceNode):
            pending += node.value
