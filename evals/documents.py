"""Files that people write, read: text in UTF-8, lines as other programs count them, YAML whose keys stand once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evals.errors import BenchmarkError, Finding

if TYPE_CHECKING:
    from yaml import Node


class DocumentError(BenchmarkError):
    """A file can't be taken as it is; the findings say where and why."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(map(str, self.findings)))


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML file as data and as nodes, which know their lines."""

    data: object
    root: "Node | None"
    repeated: tuple[tuple[int, str], ...]
    """Line and name of every key that stands twice in one mapping: YAML silently takes the last."""

    @property
    def lines(self) -> Mapping[str, int]:
        """Where each key of the outermost mapping stands."""
        pairs = self.root.value if self.root is not None else ()
        return {str(key.value): key.start_mark.line + 1 for key, _ in pairs}


def text_of(file: Path) -> str:
    """The text of a file, without a byte order mark. Raises `DocumentError` that names the line, and `OSError`."""
    raw = file.read_bytes()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        message = (
            f"The byte {raw[error.start]:#04x} is no UTF-8. Save the file as UTF-8 "
            "(a spreadsheet calls it 'CSV UTF-8')."
        )
        raise DocumentError([Finding(str(file), line, message)]) from error


def document(file: Path) -> Document:
    """A YAML file, read once. Raises `DocumentError` for one that is not UTF-8 or no YAML, and `OSError`."""
    import yaml

    try:
        return _read(text_of(file))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "it can't be read"
        message = f"This is no YAML: {problem}. Correct it there."
        line = mark.line + 1 if mark else None
        raise DocumentError([Finding(str(file), line, message)]) from error


def unambiguous(file: Path) -> Document:
    """The same; a key that stands twice is a `DocumentError` too."""
    found = document(file)
    if found.repeated:
        raise DocumentError(
            [
                Finding(str(file), line, f"'{key}' stands twice. Keep one.")
                for line, key in found.repeated
            ]
        )
    return found


def lines_of(text: str) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, with their numbers. Only a line feed ends one: JSON may hold the other signs."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line.removesuffix("\r")


def parsed(text: str) -> object:
    """The data of a YAML document that we ship. Raises `yaml.YAMLError`."""
    import yaml

    return yaml.load(text, Loader=_loader())  # noqa: S506  # a safe loader


def _read(text: str) -> Document:
    loader = _loader()(text)
    try:
        root = loader.get_single_node()
        repeated = tuple(_repeated(root))
        return Document(loader.construct_document(root) if root else None, root, repeated)
    finally:
        loader.dispose()


def _loader() -> Any:
    """With libyaml where PyYAML was built with it: ten times as fast."""
    import yaml

    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _repeated(root: "Node | None") -> Iterator[tuple[int, str]]:
    import yaml

    seen: set[int] = set()
    pending = [] if root is None else [root]
    while pending:
        node = pending.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            pending += node.value
        elif isinstance(node, yaml.MappingNode):
            names: set[str] = set()
            for key, value in node.value:
                if key.value in names:
                    yield key.start_mark.line + 1, str(key.value)
                names.add(str(key.value))
                pending.append(value)
