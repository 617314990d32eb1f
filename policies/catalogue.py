"""What an employee may ask of IT: the catalogue of actions, read from YAML and checked.

The catalogue says what an action is, who may ask, where it goes and what the employee reads.
Whether it is permitted is said by the rules.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal, NamedTuple, Self, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from policies.documents import Document, parse, read_document, yaml_files
from policies.errors import PolicyLoadError, Problem
from policies.model import Priority, Relation, Tier

MandatoryClass = Literal[
    "no_working_factor",
    "lockout_review",
    "other_person_credential",
    "privileged_access",
    "other_person_data",
    "lost_device",
    "security_incident",
    "immediate_termination",
    "rule_exception",
]
MANDATORY_CLASSES: tuple[str, ...] = get_args(MandatoryClass)
TIERS: tuple[str, ...] = get_args(Tier)

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]
Sayings = Mapping[Language, tuple[Text, ...]]


class Action(BaseModel):
    """One thing that an employee may ask IT to do, or ask how to do."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Name
    title: Text
    tier: Tier
    mandatory_class: MandatoryClass | None
    relation: Annotated[tuple[Literal["self", "other", "any"], ...], Field(min_length=1)]
    """For whom it is recognised; asking for oneself and for others are usually two actions."""
    who: tuple[Literal["employee", "contractor"], ...]
    identity_proof: Literal["none", "signed_in", "live_proofing", "dual_control"]
    """What the executing queue will check. The copilot never checks it and never explains it."""
    queue: str | None
    priority: Priority | None
    reason_code: Name
    form: str | None
    subcategory: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+\.[a-z0-9_]+$")]
    say: Text
    safe_steps: tuple[Text, ...] = ()
    examples: Sayings
    near_misses: Sayings
    """Harmless messages that share words with the action and are not it."""

    @field_validator("examples", "near_misses", mode="after")
    @classmethod
    def _differ(cls, value: Sayings) -> Sayings:
        for language, texts in value.items():
            if len({_fold(text) for text in texts}) < len(texts):
                raise ValueError(f"two texts under '{language}' are alike; keep one")
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        faults = [fault for wrong, fault in self._faults() if wrong]
        if faults:
            raise ValueError(f"'{self.id}': " + "; ".join(faults))
        return self

    def _faults(self) -> Iterator[tuple[bool, str]]:
        incident = self.tier == "incident"
        yield incident and self.priority != "P1", "an incident has priority P1"
        yield incident and not self.safe_steps, "an incident needs safe_steps"
        yield (
            self.mandatory_class is not None and self.tier not in {"privileged", "incident"},
            "an action with a mandatory_class is of tier privileged or incident",
        )
        yield (
            self.tier in {"privileged", "incident"} and not (self.queue and self.priority),
            f"an action of tier {self.tier} needs a queue and a priority",
        )
        yield self.tier == "form" and not self.form, "an action of tier form names its form"
        yield (
            bool(self.safe_steps) and not incident and self.mandatory_class != "lost_device",
            "safe_steps are for incidents and lost devices only",
        )

    @property
    def category(self) -> str:
        return self.subcategory.partition(".")[0]

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups by which rules name this action: tier, class, category and who may ask."""
        classes = () if self.mandatory_class is None else (f"class:{self.mandatory_class}",)
        askers = tuple(f"who:{kind}" for kind in sorted(set(self.who)))
        return (f"tier:{self.tier}", *classes, f"category:{self.category}", *askers)


ASK_QUESTION = Action(
    id="ask_question",
    title="Ask a question or report a problem",
    tier="read_only",
    mandatory_class=None,
    relation=("any",),
    who=("employee", "contractor"),
    identity_proof="none",
    queue=None,
    priority=None,
    reason_code="plain_question",
    form=None,
    subcategory="other.question",
    say="Here is what I found.",
    examples={},
    near_misses={},
)
"""What a message without a recognised action asks. A catalogue may define its own."""


class Example(NamedTuple):
    """One hand-written message, for training and testing a recogniser."""

    action: str
    relation: Relation
    language: str
    text: str


@dataclass(frozen=True)
class Catalogue:
    """All actions by id, and the file and line where each is written."""

    actions: Mapping[str, Action]
    places: Mapping[str, tuple[str, int]]

    def relation_of(self, action: str) -> Relation:
        """For whom an action is asked when the action alone says it, else unknown."""
        kinds = set(self.actions[action].relation)
        if kinds == {"self"}:
            return "self"
        return "other" if kinds == {"other"} else "unknown"

    def examples(self) -> Iterator[Example]:
        """Messages that ask for an action."""
        for action in self.actions.values():
            yield from self._sayings(action, action.examples)

    def near_misses(self) -> Iterator[Example]:
        """Messages that resemble an action and are not it; `action` is the one they resemble."""
        for action in self.actions.values():
            yield from self._sayings(action, action.near_misses)

    def _sayings(self, action: Action, sayings: Sayings) -> Iterator[Example]:
        relation = self.relation_of(action.id)
        for language, texts in sayings.items():
            for text in texts:
                yield Example(action.id, relation, language, text)

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """Every group that rules may name; tiers and classes exist even without members."""
        fixed = {f"tier:{tier}" for tier in TIERS} | {f"class:{kind}" for kind in MANDATORY_CLASSES}
        used = {group for action in self.actions.values() for group in action.groups}
        return tuple(sorted(fixed | used | {"who:employee", "who:contractor"}))


def load_catalogue(folder: Path, queues: frozenset[str] | None = None) -> Catalogue:
    """Read every `*.yaml` of a folder; with `queues`, an unknown queue is a problem too.

    Raises `PolicyLoadError` with all problems at once.
    """
    files = yaml_files(folder)
    if not files:
        missing = f"The folder {folder} has no *.yaml file; put the action catalogue there."
        raise PolicyLoadError([Problem(folder.name, 1, missing)])
    actions: dict[str, Action] = {}
    places: dict[str, tuple[str, int]] = {}
    problems: list[Problem] = []
    for path in files:
        document = read_document(path)
        if isinstance(document, Problem):
            problems.append(document)
            continue
        for action, place in _actions(document, problems):
            if action.id in actions:
                text = f"The action id '{action.id}' is taken already; ids are unique."
                problems.append(document.problem((*place, "id"), text))
            if queues is not None and action.queue not in {None, *queues}:
                problems.append(
                    document.problem((*place, "queue"), unknown_queue(action.queue, queues))
                )
            actions.setdefault(action.id, action)
            places.setdefault(action.id, (document.file, document.line_of((*place, "id"))))
    if problems:
        raise PolicyLoadError(problems)
    actions.setdefault(ASK_QUESTION.id, ASK_QUESTION)
    return Catalogue(MappingProxyType(dict(sorted(actions.items()))), MappingProxyType(places))


def unknown_queue(queue: str | None, queues: Iterable[str]) -> str:
    return f"The queue '{queue}' is unknown; the queues are {', '.join(sorted(queues))}."


Place = tuple[str, int]


def _actions(document: Document, problems: list[Problem]) -> Iterator[tuple[Action, Place]]:
    data = document.data
    if not isinstance(data, dict) or not isinstance(data.get("actions"), list):
        problems.append(Problem(document.file, 1, "The file needs a list under the key 'actions'."))
        return
    problems.extend(
        document.problem((key,), f"The key '{key}' is unknown; remove it.")
        for key in sorted({str(key) for key in data} - {"label", "actions"})
    )
    for number, item in enumerate(data["actions"]):
        place = ("actions", number)
        action = parse(document, Action, item, place)
        if isinstance(action, Action):
            yield action, place
        else:
            problems.extend(action)


def _fold(text: str) -> str:
    return re.sub(r"\W+", " ", text).casefold().strip()
