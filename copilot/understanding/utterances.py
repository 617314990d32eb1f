"""Utterance files: what people write, by label and language. Data, validated on load."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from copilot.errors import CopilotError
from copilot.understanding.training import Sample

ByLanguage = dict[str, list[str]]


class UtteranceError(CopilotError):
    """An utterance file can't be used; the message names every fault by file."""


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    label: str


class CategoryFile(_File):
    """`<category>.yaml`: messages by subcategory."""

    category: str
    subcategories: dict[str, ByLanguage]


class ActsFile(_File):
    """`_acts.yaml`: what a message does in a conversation."""

    acts: dict[str, ByLanguage]


class ToneFile(_File):
    """`_tone.yaml`: how a message sounds, and how pressing it is."""

    tone: dict[str, ByLanguage]
    urgency: dict[str, ByLanguage]


class Unanswerable(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    text: str
    language: str
    nearest: str | None = None


class UnanswerableFile(_File):
    """`_unanswerable.yaml`: IT questions that the knowledge base does not answer."""

    unanswerable: list[Unanswerable]


class Ambiguous(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    text: str
    language: str
    between: list[str]


class Privileged(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    text: str
    language: str
    action: str


class PrivilegedFile(_File):
    """`_privileged.yaml`: utterances of the other files that ask for what only people may decide."""

    privileged: list[Privileged]


class HarmlessFile(_File):
    """`_harmless.yaml`: ordinary messages that only sound like something people must decide."""

    harmless: ByLanguage


class AmbiguousFile(_File):
    """`_ambiguous.yaml`: messages that one question would settle."""

    ambiguous: list[Ambiguous]


@dataclass(frozen=True, slots=True)
class Utterances:
    """Everything that the classifiers and the calibration learn from."""

    labels: tuple[Sample, ...]
    acts: tuple[Sample, ...]
    tone: tuple[Sample, ...]
    urgency: tuple[Sample, ...]
    ambiguous: tuple[Ambiguous, ...]
    unanswerable: tuple[Unanswerable, ...]
    privileged: tuple[Privileged, ...] = ()
    harmless: tuple[Sample, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every general file is there: acts, tone, ambiguous and unanswerable messages."""
        return all((self.acts, self.tone, self.urgency, self.ambiguous, self.unanswerable))

    def merged_with(self, general: "Utterances") -> "Utterances":
        """Own labels with the general files of another folder where the own folder has none."""
        return Utterances(
            labels=self.labels,
            acts=self.acts or general.acts,
            tone=self.tone or general.tone,
            urgency=self.urgency or general.urgency,
            ambiguous=self.ambiguous or general.ambiguous,
            unanswerable=self.unanswerable or general.unanswerable,
            privileged=self.privileged,
            harmless=self.harmless or general.harmless,
        )


def load_utterances(folder: Path) -> Utterances:
    """Read a folder of utterance files. Every fault of every file is listed at once."""
    problems: list[str] = []
    found: dict[str, BaseModel] = {}
    for path in sorted(folder.glob("*.yaml")):
        try:
            found[path.stem] = TypeAdapter(_kind(path)).validate_python(
                yaml.safe_load(path.read_text("utf-8"))
            )
        except (ValidationError, yaml.YAMLError, UnicodeDecodeError) as error:
            problems.append(f"{path}: {error}")
    if problems:
        raise UtteranceError("Mend these utterance files:\n" + "\n".join(problems))
    return _collected(found)


def _kind(path: Path) -> type[BaseModel]:
    special: Mapping[str, type[BaseModel]] = {
        "_acts": ActsFile,
        "_tone": ToneFile,
        "_unanswerable": UnanswerableFile,
        "_ambiguous": AmbiguousFile,
        "_privileged": PrivilegedFile,
        "_harmless": HarmlessFile,
    }
    return special.get(path.stem, CategoryFile)


def _collected(found: Mapping[str, BaseModel]) -> Utterances:
    categories = [file for file in found.values() if isinstance(file, CategoryFile)]
    acts, tone = found.get("_acts"), found.get("_tone")
    missing, unclear = found.get("_unanswerable"), found.get("_ambiguous")
    asking, harmless = found.get("_privileged"), found.get("_harmless")
    return Utterances(
        labels=tuple(
            sample
            for file in categories
            for subcategory, texts in file.subcategories.items()
            for sample in _samples(f"{file.category}.{subcategory}", texts)
        ),
        acts=_flat(acts.acts) if isinstance(acts, ActsFile) else (),
        tone=_flat(tone.tone) if isinstance(tone, ToneFile) else (),
        urgency=_flat(tone.urgency) if isinstance(tone, ToneFile) else (),
        ambiguous=tuple(unclear.ambiguous) if isinstance(unclear, AmbiguousFile) else (),
        unanswerable=tuple(missing.unanswerable) if isinstance(missing, UnanswerableFile) else (),
        privileged=tuple(asking.privileged) if isinstance(asking, PrivilegedFile) else (),
        harmless=(
            tuple(_samples("harmless", harmless.harmless))
            if isinstance(harmless, HarmlessFile)
            else ()
        ),
    )


def _flat(classes: Mapping[str, ByLanguage]) -> tuple[Sample, ...]:
    return tuple(sample for name, texts in classes.items() for sample in _samples(name, texts))


def _samples(label: str, texts: ByLanguage) -> Iterator[Sample]:
    for language, items in texts.items():
        yield from (Sample(text, label, language) for text in items)
