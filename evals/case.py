"""A benchmark case: what is said, by whom, and what a good reply to it is.

Cases are data that people write (`evals/suites/`); unknown keys are refused. Everything a grader may
decide by rule is a `Check`; what needs a reader is left to a judge or to people by `decider`.
"""

import re
from datetime import date
from typing import Annotated, Literal, get_args

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

Disposition = Literal["answer", "clarify", "escalate", "decline"]
ActionType = Literal["instructions", "form", "citation", "escalation", "none"]
Priority = Literal["P1", "P2", "P3", "P4"]
Dimension = Literal["accuracy", "completeness", "policy", "clarity"]
Decider = Literal["rule", "judge", "human"]
Split = Literal["dev", "test"]
Tone = Literal["neutral", "polite", "frustrated", "angry", "anxious", "terse", "cheerful"]
Urgency = Literal["low", "normal", "high", "critical"]
Noise = Literal["clean", "typos", "abbreviated", "rambling", "half_finished", "pasted", "mixed"]
AttackChannel = Literal["message", "kb_article", "ticket_text", "display_name", "thread_history"]
Kind = Literal[
    "everyday",  # an ordinary question with an answer
    "mandatory",  # must reach people, and says so plainly
    "disguised",  # must reach people, and does not look like it
    "lookalike",  # sounds privileged or dangerous, and is harmless
    "ambiguous",  # one question back changes the route
    "outside",  # the knowledge base holds no answer
    "attack",  # somebody tries to bend the system
    "secret",  # the employee typed a secret or personal data
    "contextual",  # the same words as another case, in another context
]
FailureTag = Literal[
    "hallucinated_step",
    "policy_violation",
    "stale_documentation",
    "incomplete_troubleshooting",
    "over_escalation",
    "under_escalation",
    "poor_summarisation",
    "wrong_queue",
    "wasted_question",
    "missed_device_step",
    "ungrounded_claim",
    "leak",
    "injection_obeyed",
]
FAILURE_TAGS: tuple[FailureTag, ...] = get_args(FailureTag)
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)

Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,79}$")]
Said = Annotated[str, StringConstraints(min_length=1, max_length=16_000, pattern=r"\S")]
Sentence = Annotated[str, StringConstraints(min_length=8, max_length=600)]
_REGEX = "re:"
DENIED = "not:"
"""A phrase that begins so is stated where the rest of it is denied."""


class Value(BaseModel):
    """A frozen value; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Phrases(Value):
    """What a text must state: of every group at least one alternative, and not denied.

    An alternative is matched as words, whatever the case and white space; one that starts with `re:` is a
    regular expression. "Do not restart" does not state "restart"; it states "not:restart".
    """

    all_of: tuple[tuple[str, ...], ...] = ()
    none_of: tuple[str, ...] = ()
    """What must not be stated. A denial of it ("never share the code") is fine."""

    @field_validator("all_of", mode="before")
    @classmethod
    def _one_is_a_group(cls, groups: object) -> object:
        if not isinstance(groups, (list, tuple)):
            return groups
        return tuple((group,) if isinstance(group, str) else group for group in groups)

    @model_validator(mode="after")
    def _can_be_read(self) -> "Phrases":
        if not self.all_of and not self.none_of:
            raise ValueError("A check of phrases needs all_of or none_of.")
        for phrase in (*(p for group in self.all_of for p in group), *self.none_of):
            _readable(phrase)
        return self


def _readable(phrase: str) -> None:
    if not phrase.removeprefix(DENIED).strip():
        raise ValueError("An empty phrase is found everywhere. Write the words, or take it out.")
    wanted = phrase.removeprefix(DENIED)
    if wanted.startswith(_REGEX):
        try:
            re.compile(wanted.removeprefix(_REGEX))
        except re.error as error:
            raise ValueError(f"{phrase!r} is no regular expression: {error}.") from error


class Check(Value):
    """How a rule decides a criterion. Exactly one key is set; the names are the kinds of rule."""

    says: Phrases | None = None
    """What the employee reads states these."""
    disposition: tuple[Disposition, ...] | None = None
    queue: tuple[str, ...] | None = None
    """The handoff's queue is one of these."""
    reason: tuple[str, ...] | None = None
    """The handoff's reason code is one of these."""
    action_type: tuple[ActionType, ...] | None = None
    cites: tuple[str, ...] | None = None
    """A cited article exists, is current, and carries one of these facts; `[]`: exists and is current."""
    asks: Phrases | None = None
    """The reply is one question that states these."""
    handoff: tuple[str, ...] | None = None
    """These fields of the handoff are filled and supported by what was said or is on record, or named missing."""
    handoff_says: Phrases | None = None
    """The handoff's summary, steps, errors and next step state these."""
    keeps_out: tuple[str, ...] | None = None
    """None of these stands in the reply, the handoff, the ticket or the log."""
    no_deed: bool | None = None
    """The reply claims no privileged deed as done or under way by the system, and has nobody do a harmful one that no
    article tells people to do."""
    grounded: bool | None = None
    """Every step, value, link and number of the reply stands in a cited or given source."""
    words_at_most: int | None = Field(default=None, ge=5, le=2_000)
    numbered_steps: bool | None = None
    confidence_at_most: float | None = Field(default=None, ge=0, le=1)

    @model_validator(mode="after")
    def _one_rule(self) -> "Check":
        if len(self.model_fields_set) != 1:
            kinds = ", ".join(sorted(self.model_fields_set)) or "none"
            raise ValueError(f"A check holds exactly one rule, this one: {kinds}. Split it.")
        return self

    @property
    def kind(self) -> str:
        return next(iter(self.model_fields_set))

    @property
    def forbids(self) -> bool:
        """Whether it only asks that something is not there."""
        unsaid = self.says is not None and not self.says.all_of
        return unsaid or self.kind in {"keeps_out", "no_deed"}


class Criterion(Value):
    """One yes/no question about a reply. Negative points are lost when it is met."""

    id: Identifier
    text: Sentence
    dimension: Dimension
    points: int = Field(default=1, ge=-10, le=10)
    critical: bool = False
    """Failing it (or, with negative points, meeting it) is harmful: the case is capped at 1."""
    decider: Decider = "rule"
    check: Check | None = None
    failure_tag: FailureTag

    @model_validator(mode="after")
    def _decidable(self) -> "Criterion":
        if self.points == 0:
            raise ValueError(f"Criterion '{self.id}' is worth 0 points. Give it points or drop it.")
        if (self.decider == "rule") != (self.check is not None):
            raise ValueError(
                f"Criterion '{self.id}': a rule needs a check, and a judge or human has none."
            )
        return self


class Turn(Value):
    """One message of the employee."""

    text: Said
    only_after: tuple[Disposition, ...] = ()
    """Said only if the reply before it had one of these dispositions; empty: said always."""
    minutes_later: int = Field(default=2, ge=0, le=60 * 24 * 30)


class Attack(Value):
    """What is planted, and where. `message` is planted in the turn itself."""

    channel: AttackChannel
    text: Said | None = None
    """`None` with `message`: the turn is the attack."""
    markers: tuple[str, ...] = Field(min_length=1)
    """Words that only a system that obeyed would write."""


class Outcome(Value):
    """How a dialogue ends, decided by what the employee got (D9, D12)."""

    solved_by: tuple[Identifier, ...] = ()
    """Criteria which, all met, mean that the problem is solved."""
    if_solved: Literal["says_fixed", "rates_well", "silent"] = "says_fixed"
    otherwise: Literal["abandons", "comes_back"] = "abandons"
    baseline_minutes: float | None = Field(default=None, gt=0)
    """What this case takes people today, question to closure; assumed, see `economics`."""


class Gold(Value):
    """The adjudicated label."""

    dispositions: tuple[Disposition, ...] = Field(min_length=1)
    """Accepted ones, the best first."""
    mandatory: bool = False
    """It must reach people, whatever the answer."""
    queues: tuple[str, ...] = ()
    """Accepted queues of a handoff, the best first; empty: any."""
    reasons: tuple[str, ...] = ()
    """Accepted reason codes of a handoff; empty: any."""
    action_type: ActionType
    priority: Priority = "P3"
    solvable_by_bot: bool
    facts: tuple[str, ...] = ()
    """Facts of the company that a full answer rests on."""
    reference: Sentence | Annotated[str, StringConstraints(max_length=4_000)]
    """What a good colleague would reply."""
    evidence: Sentence
    """Why this label: the fact, rule or article."""

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> "Gold":
        if self.mandatory and self.dispositions != ("escalate",):
            raise ValueError("A mandatory escalation accepts the disposition [escalate] only.")
        if self.mandatory and not self.queues:
            raise ValueError("A mandatory escalation names its queues.")
        return self


class Case(Value):
    """One ticket: one intent, one expected way to resolve it."""

    id: Identifier
    family: Identifier
    """Incident family: cases that share a cause or a wording history. Never on both splits."""
    split: Split
    category: str
    subcategory: str
    kinds: tuple[Kind, ...] = Field(min_length=1)
    turns: tuple[Turn, ...] = Field(min_length=1, max_length=8)
    user: str
    at: AwareDatetime | None = None
    """The clock of the first turn; the suite's where nothing is said."""
    display_name: str | None = None
    environment: dict[str, str | bool | None] = Field(default_factory=dict)
    """What the directory knows beside the suite's people file; the same goes to every system."""
    tone: Tone = "neutral"
    urgency: Urgency = "normal"
    noise: Noise = "clean"
    language: str = Field(default="en", pattern=r"^[a-z]{2}$")
    channel: str = "slack"
    twin_of: Identifier | None = None
    """The clean case of which this is the noisy twin."""
    pair: Identifier | None = None
    """Cases of one pair say the same words in different context."""
    attack: Attack | None = None
    secrets: tuple[str, ...] = ()
    """Secrets and personal data that the turns hold, as they stand there."""
    gold: Gold
    criteria: tuple[Criterion, ...] = ()
    """Its own; the rubric's standard criteria come on top."""
    outcome: Outcome | None = None
    valid_until: date
    source: Literal["synthetic", "real"]

    @field_validator("turns", mode="before")
    @classmethod
    def _plain_words_are_a_turn(cls, turns: object) -> object:
        if not isinstance(turns, (list, tuple)):
            return turns
        return tuple({"text": turn} if isinstance(turn, str) else turn for turn in turns)

    @property
    def label(self) -> str:
        return f"{self.category}.{self.subcategory}"

    @property
    def words(self) -> int:
        return sum(len(turn.text.split()) for turn in self.turns)

    @property
    def length(self) -> Literal["short", "medium", "long"]:
        if self.words <= _SHORT_WORDS:
            return "short"
        return "medium" if self.words <= _MEDIUM_WORDS else "long"

    @property
    def dialogue(self) -> bool:
        return len(self.turns) > 1

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> "Case":
        ids = [criterion.id for criterion in self.criteria]
        if len(set(ids)) != len(ids):
            raise ValueError("Two criteria have the same id. Rename one.")
        if self.outcome and not set(self.outcome.solved_by) <= set(ids):
            unknown = ", ".join(sorted(set(self.outcome.solved_by) - set(ids)))
            raise ValueError(f"solved_by names criteria that are not there: {unknown}.")
        said = "\n".join(turn.text for turn in self.turns)
        for secret in self.secrets:
            if secret not in said:
                raise ValueError(f"The secret {secret!r} is not in the turns as it stands.")
        if ("attack" in self.kinds) != (self.attack is not None):
            raise ValueError("An attack needs its `attack`, and only an attack has one.")
        if self.gold.mandatory != bool({"mandatory", "disguised"} & set(self.kinds)):
            raise ValueError("gold.mandatory and the kinds mandatory or disguised go together.")
        return self


_SHORT_WORDS = 12
_MEDIUM_WORDS = 40
