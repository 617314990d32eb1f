"""Which systems are asked: names of those that are built in, or files that describe others.

What is wrong in a file is told with its line and what to do.
"""

import hashlib
import json
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from pydantic import ValidationError

from evals.case import Value
from evals.documents import DocumentError, unambiguous
from evals.environment import Variables
from evals.errors import Finding, SystemConfigError
from evals.suite import Suite
from evals.systems import calibrating
from evals.systems.system import System

Kind = Literal["copilot", "http", "transcript", "command", "calibrating"]
SHIPPED = Path(__file__).parent / "configs"
_FILES = (".yaml", ".yml", ".jsonl", ".csv")
_KINDS = ("copilot", "http", "transcript", "command")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")


class CalibratingConfig(Value):
    """One of the calibrating systems; its name is all there is to say."""

    kind: Literal["calibrating"] = "calibrating"
    name: str


@dataclass(frozen=True, slots=True)
class Spec:
    """A system as it is described, before it is opened."""

    name: str
    kind: Kind
    config: Value
    source: str
    """As it was named: a built-in name or a file."""
    hash: str
    """Of all that shapes what the system is asked and how its replies are read."""

    @property
    def remote(self) -> bool:
        """Whether others do the work: such systems are asked beside each other."""
        return self.kind in ("http", "command")

    @property
    def caches(self) -> bool:
        return bool(getattr(self.config, "cache", False))

    @property
    def gives_up_after(self) -> int:
        """How many hopeless failures in a row end the asking."""
        return int(getattr(self.config, "give_up_after", 5))


@dataclass(frozen=True, slots=True)
class Opening:
    """What a system needs when it is opened."""

    suite: Suite
    """The cases that will be played."""
    known: frozenset[str]
    """Ids of all cases, those that are not played too."""
    variables: Variables


def specs(named: Sequence[str]) -> tuple[Spec, ...]:
    """The systems of a command line; `calibrating` names all six. Raises `SystemConfigError`."""
    wanted = [
        each for name in named for each in (calibrating.NAMES if name == "calibrating" else (name,))
    ]
    found = tuple(_spec(name) for name in dict.fromkeys(wanted))
    names = [spec.name for spec in found]
    for spec in found:
        if names.count(spec.name) > 1:
            raise SystemConfigError(
                f"Two systems are called '{spec.name}' ({spec.source}). Give one of them another `name`."
            )
    return found


@asynccontextmanager
async def opened(spec: Spec, opening: Opening) -> AsyncIterator[System]:
    """The system, ready to be asked. Raises `SystemConfigError` when that can't be."""
    from evals.systems import command, http, inprocess, transcript

    door: AbstractAsyncContextManager[System]
    if isinstance(spec.config, CalibratingConfig):
        door = calibrating.opened(spec.name)
    elif isinstance(spec.config, http.HttpConfig):
        door = http.opened(spec.config, opening.variables, spec.source)
    elif isinstance(spec.config, command.CommandConfig):
        door = command.opened(spec.config)
    elif isinstance(spec.config, transcript.TranscriptConfig):
        door = transcript.opened(spec.config, opening.known)
    else:
        config = cast(inprocess.CopilotConfig, spec.config)
        door = inprocess.opened(config, opening.suite.cases)
    async with door as system:
        yield system


def _spec(name: str) -> Spec:
    if name in calibrating.NAMES:
        return _of(CalibratingConfig(name=name), name)
    if name == "copilot":
        from evals.systems.inprocess import CopilotConfig

        return _of(CopilotConfig(), name)
    path = Path(name)
    if path.suffix not in _FILES:
        raise SystemConfigError(
            f"There is no system '{name}'. Name copilot, calibrating, one of {', '.join(calibrating.NAMES)}, "
            "or a file: a .yaml that describes a system, or a transcript as .jsonl or .csv."
        )
    if not path.is_file():
        shipped = ", ".join(sorted(str(each) for each in SHIPPED.glob("*.yaml")))
        raise SystemConfigError(
            f"The file {name} of a system is not there. Correct the path. Shipped ones to copy: {shipped}."
        )
    if path.suffix in (".jsonl", ".csv"):
        from evals.systems.transcript import TranscriptConfig

        return _of(TranscriptConfig(name=_slug(path.stem), file=path), name)
    return _of(_read(path), name)


def _of(config: Value, source: str) -> Spec:
    name, kind = cast(str, config.name), cast(Kind, config.kind)  # type: ignore[attr-defined]
    told = config.model_dump(mode="json", exclude={"file", "home"})
    content = getattr(config, "file", None)
    if content is not None:
        told["content"] = hashlib.sha256(Path(content).read_bytes()).hexdigest()
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
    return Spec(name, kind, config, source, digest)


def _read(path: Path) -> Value:
    """The configuration of a file, checked; paths in it start at the file's folder."""
    try:
        found = unambiguous(path)
    except DocumentError as error:
        raise SystemConfigError(str(error)) from error
    data, root = found.data, found.root
    if not isinstance(data, dict) or data.get("kind") not in _KINDS:
        kinds = ", ".join(_KINDS)
        raise _wrong(path, 1, f"The file says no known `kind`. Write one of {kinds}.")
    data.setdefault("name", _slug(path.stem))
    return _checked(path, data, root)


def _checked(path: Path, data: dict[str, object], root: object) -> Value:
    from evals.systems import command, http, inprocess, transcript

    models: dict[object, type[Value]] = {
        "copilot": inprocess.CopilotConfig,
        "http": http.HttpConfig,
        "transcript": transcript.TranscriptConfig,
        "command": command.CommandConfig,
    }
    try:
        config = models[data["kind"]].model_validate(data, context={"folder": path.parent})
    except ValidationError as error:
        findings = []
        for fault in error.errors(include_url=False):
            key = ".".join(str(part) for part in fault["loc"]) or "the file"
            said = fault["msg"].removeprefix("Value error, ")
            line = _line(root, fault["loc"])
            findings.append(Finding(str(path), line, f"{key}: {said}"))
        raise SystemConfigError("\n".join(map(str, findings))) from error
    if not _NAME.fullmatch(cast(str, data["name"])):
        raise _wrong(
            path, _line(root, ("name",)), "name: Use small letters, digits, dots and dashes."
        )
    return config


def _line(node: object, place: Sequence[int | str]) -> int:
    """The line of a key, or of the nearest thing around it that is there."""
    line = 1
    for part in place:
        found = next(_below(node, part), None)
        if found is None:
            break
        line, node = found
    return line


def _below(node: object, part: int | str) -> Iterator[tuple[int, object]]:
    import yaml

    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == part:
                yield key.start_mark.line + 1, value
    elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
        yield node.value[part].start_mark.line + 1, node.value[part]


def _wrong(path: Path, line: int | None, message: str) -> SystemConfigError:
    return SystemConfigError(str(Finding(str(path), line, message)))


def _slug(stem: str) -> str:
    return "".join(c if c.isalnum() or c in ".-_" else "-" for c in stem.lower())
