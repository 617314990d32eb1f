"""What catalogue and rules say in other languages: one file a language, by the ids of what is said."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from policies.documents import Document, parse, read_document, yaml_files
from policies.engine import PASSED_ON, Policies
from policies.errors import PolicyLoadError, Problem

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class SentenceFile(BaseModel):
    """`sentences/<language>.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str | None = None
    passed_on: Text | None = None
    """What is said where neither an action nor a rule has a sentence."""
    actions: dict[str, Text] = Field(default_factory=dict)
    """The `say` of an action, by its id."""
    rules: dict[str, Text] = Field(default_factory=dict)
    """The `@reason` of a rule, by its `@id`."""
    steps: dict[str, Text] = Field(default_factory=dict)
    """Safe steps, by their English text: several actions share one."""


Translations = Mapping[str, Mapping[str, str]]
"""By language, then by the English sentence."""


def load_sentences(folder: Path, policies: Policies) -> Translations:
    """Read a company's translations; a folder that is not there holds none.

    Raises `PolicyLoadError` listing every problem, also an id that these policies do not have.
    """
    found: dict[str, Mapping[str, str]] = {}
    problems: list[Problem] = []
    for path in yaml_files(folder) if folder.is_dir() else ():
        document = read_document(path)
        if isinstance(document, Problem):
            problems.append(document)
            continue
        file = parse(document, SentenceFile, document.data)
        if isinstance(file, list):
            problems.extend(file)
            continue
        problems.extend(_unknown(document, file, policies))
        found[path.stem] = dict(_pairs(file, policies))
    if problems:
        raise PolicyLoadError(problems)
    return found


def _pairs(file: SentenceFile, policies: Policies) -> Iterator[tuple[str, str]]:
    """Each English sentence with its translation; what is said in the catalogue beats a rule's words."""
    if file.passed_on:
        yield PASSED_ON, file.passed_on
    for name, text in file.rules.items():
        if name in policies.rules:
            yield policies.rules[name].reason, text
    for name, text in file.actions.items():
        if name in policies.catalogue.actions:
            yield policies.catalogue.actions[name].say, text
    yield from file.steps.items()


def _unknown(document: Document, file: SentenceFile, policies: Policies) -> Iterator[Problem]:
    actions = policies.catalogue.actions
    steps = {step for action in actions.values() for step in action.safe_steps}
    known = {"actions": set(actions), "rules": set(policies.rules), "steps": steps}
    written = {"actions": file.actions, "rules": file.rules, "steps": file.steps}
    for part, names in written.items():
        for name in names:
            if name not in known[part]:
                text = f"{part}: '{name}' is not in these policies; correct or remove it."
                yield document.problem((part, name), text)
