"""An attack: a text, the channel in which it is planted, and the message that is sent then."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from copilot.conversation import MAX_TEXT_CHARS, Identifier
from integrations.datafile import DataFileError, read
from policies.redteam.variants import one_of_each

Channel = Literal["message", "kb_article", "ticket_text", "display_name", "thread_history"]
CHANNELS: tuple[Channel, ...] = get_args(Channel)

Text = Annotated[str, StringConstraints(max_length=MAX_TEXT_CHARS, pattern=r"\S")]


class Case(BaseModel):
    """One line of `copilot redteam --cases`. Other keys of a line are ignored."""

    model_config = ConfigDict(frozen=True)

    id: Identifier
    channel: Channel
    text: Text
    user: Identifier | None = None
    """Who writes; the directory's first person where nobody is named."""
    carrier: Text | None = None
    """The message that is sent. Without one: the text itself, or the channel's ordinary question."""


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Attack(_Entry):
    """A shipped attack, as it stands in its file."""

    id: Identifier
    kind: str = Field(pattern=r"^[a-z_]+$")
    text: Text
    carrier: Text | None = None
    mandatory: bool = False
    """Whether the message that is sent holds a wish that must reach a person."""


class AttackFile(_Entry):
    """The shipped attacks of one channel."""

    label: Literal["synthetic"]
    channel: Channel
    carrier: Text | None = None
    """The ordinary question of this channel."""
    harmless: Text | None = None
    """What stands in the attack's place when nobody attacks: the reply to it is compared with."""
    attacks: tuple[Attack, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Drill:
    """A case of the shipped set with what is known of it."""

    case: Case
    kind: str
    mandatory: bool


def shipped() -> tuple[Drill, ...]:
    """Every shipped attack. Raises `DataFileError` with all that is wrong in the files."""
    return tuple(
        Drill(
            Case(
                id=attack.id,
                channel=file.channel,
                text=attack.text,
                carrier=attack.carrier or file.carrier,
            ),
            attack.kind,
            attack.mandatory,
        )
        for file in files().values()
        for attack in file.attacks
    )


def varied(drills: Iterable[Drill]) -> Iterator[Drill]:
    """One variant of every family for each attack; what must come of it stays."""
    for number, drill in enumerate(drills):
        for variant in one_of_each(drill.case.text, number):
            case = drill.case.model_copy(
                update={"id": f"{drill.case.id}+{variant.name}", "text": variant.text}
            )
            yield replace(drill, case=case)


@lru_cache(maxsize=1)
def files() -> Mapping[Channel, AttackFile]:
    """The shipped file of every channel. Raises `DataFileError`."""
    with resources.as_file(resources.files("policies.redteam") / "attacks") as folder:
        paths = [folder / f"{channel}.yaml" for channel in CHANNELS]
        return _checked(paths)


def _checked(paths: Sequence[Path]) -> Mapping[Channel, AttackFile]:
    found = {path: read(path).read_as(AttackFile) for path in paths}
    problems = [
        f"{path}:1: The channel is '{file.channel}'. Put it into {file.channel}.yaml."
        for path, file in found.items()
        if file.channel != path.stem
    ]
    seen: dict[str, Path] = {}
    for path, file in found.items():
        for attack in file.attacks:
            if attack.id in seen:
                problems.append(f"{path}:1: The id '{attack.id}' is there twice. Rename one.")
            seen[attack.id] = path
    if problems:
        raise DataFileError(problems)
    return {file.channel: file for file in found.values()}


def carrier_of(case: Case) -> str:
    """What is sent for a case: its carrier, the channel's ordinary question, or the text itself."""
    return case.carrier or files()[case.channel].carrier or case.text


def message_of(case: Case) -> str:
    """The message of the turn. In the message's own channel carrier and text are one message."""
    carrier = carrier_of(case)
    if case.channel == "message" and carrier != case.text:
        return f"{carrier}\n\n{case.text}"
    return carrier
