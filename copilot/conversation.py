"""The values that cross the door: inquiries in, replies and handoffs out.

The JSON of `Reply` is the contract with everyone outside; its names are not changed lightly.
Unknown facts are `None` and are listed in `Handoff.missing`; they are never invented.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, field_validator

MAX_TEXT_CHARS = 16_000
"""The longest message that is read whole; more is refused with a clear error at every door."""
MAX_CHANNEL_CHARS = 60

Disposition = Literal["answer", "clarify", "escalate", "decline"]
ActionType = Literal["instructions", "form", "citation", "escalation", "none"]
Effect = Literal["permit", "escalate", "decline"]
Priority = Literal["P1", "P2", "P3", "P4"]
StepOutcome = Literal["worked", "failed", "unclear"]

Identifier = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$"
    ),
]


class Value(BaseModel):
    """A frozen value; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PastMessage(Value):
    """One earlier message of the conversation, as the channel reports it. Untrusted text."""

    user: str | None = None
    at: AwareDatetime | None = None
    text: str = Field(max_length=MAX_TEXT_CHARS)


class Inquiry(Value):
    """One message of one employee. `id` makes a repeat harmless; `at` is the clock of the turn."""

    id: Identifier
    text: str = Field(max_length=MAX_TEXT_CHARS)
    user: Identifier
    thread: Identifier | None = None
    """Conversation this message belongs to; an unseen id starts one, `None` starts a new one."""
    channel: str = Field(default="api", max_length=MAX_CHANNEL_CHARS)
    """A free label for reports. It changes no decision."""
    at: AwareDatetime
    display_name: str | None = Field(default=None, max_length=500)
    history: tuple[PastMessage, ...] = Field(default=(), max_length=50)

    @field_validator("text")
    @classmethod
    def _says_something(cls, text: str) -> str:
        if not any(character.isprintable() and not character.isspace() for character in text):
            message = "The message is empty. Describe the problem in a sentence or two."
            raise ValueError(message)
        return text


class Citation(Value):
    """A passage that supports the reply, quoted as it stands in the article."""

    article_id: str
    title: str
    section: str
    quote: str
    reviewed_on: str
    version: str


class PolicyOutcome(Value):
    """What the policy layer decided about this turn, with the rules that decided it."""

    effect: Effect
    rules: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    reason: str | None = None
    policy_version: str


class AttemptedStep(Value):
    """Something the employee says they tried. `source` says where that is known from."""

    step: str
    outcome: StepOutcome
    source: Literal["employee", "suggested_by_copilot"]


class Evidence(Value):
    """An article that was considered, and why it did not settle the case."""

    article_id: str
    why_not_enough: str


class EmployeeCard(Value):
    """The signed-in person, from the directory; never from text."""

    id: str
    name: str | None = None
    site: str | None = None
    manager: str | None = None
    known_at: datetime | None = None
    """When the directory said so, where it could not be asked for this case."""


class Environment(Value):
    """What is known about where the problem occurs; `None` is unknown."""

    device: str | None = None
    os: str | None = None
    network: str | None = None
    location: str | None = None
    app_version: str | None = None
    managed: bool | None = None
    application: str | None = None
    posture: str | None = None
    """Whether the device keeps the company's rules, and when that was checked."""


class Handoff(Value):
    """What tier 2 needs to pick the case up without asking again."""

    summary: str
    category: str | None
    subcategory: str | None
    priority: Priority
    queue: str
    reason_code: str
    employee: EmployeeCard
    environment: Environment
    attempted_steps: tuple[AttemptedStep, ...] = ()
    error_messages: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    ruled_out: tuple[str, ...] = ()
    suggested_next_step: str | None = None
    confidence: float = Field(ge=0, le=1)
    identity_verified: bool | None = None
    missing: tuple[str, ...] = ()
    transcript_url: str | None = None
    redactions: int = 0


class TicketRef(Value):
    """A ticket in the company's ticket system."""

    system: str
    id: str
    url: str | None = None
    queue: str
    status: str


class Versions(Value):
    """Everything that shaped the reply, so that a turn can be explained later."""

    code: str
    knowledge: str
    policy: str
    prompts: str
    model: str
    memory: str = ""
    """The memory of resolved tickets, empty where there was none."""


class Reply(Value):
    """What the employee gets, and what the benchmark grades."""

    inquiry_id: str
    thread_id: str
    disposition: Disposition
    text: str
    language: str
    category: str | None = None
    subcategory: str | None = None
    action_type: ActionType = "none"
    confidence: float = Field(default=0.0, ge=0, le=1)
    choices: tuple[str, ...] = ()
    """With `clarify`: the choices that the question offers."""
    citations: tuple[Citation, ...] = ()
    policy: PolicyOutcome
    handoff: Handoff | None = None
    ticket: TicketRef | None = None
    resolved: bool | None = None
    versions: Versions
    timing_ms: dict[str, float] = Field(default_factory=dict)
    cost_usd: float = 0.0


Outcome = Literal["fixed", "still_stuck", "talk_to_human"]
"""What became of the problem, as the employee says it."""
Rating = Literal["good_answer", "bad_answer"]
"""What the employee thinks of the answer, whatever became of the problem."""


class Feedback(Value):
    """An employee's reaction to a reply."""

    inquiry_id: Identifier
    user: Identifier
    verdict: Outcome | Rating
    at: datetime | None = None
    comment: str | None = Field(default=None, max_length=4_000)


class TicketEvent(Value):
    """Something that happened to a ticket in the ticket system."""

    ticket_id: Identifier
    status: str
    at: datetime
    note: str | None = None


class Takeover(Value):
    """A tier-2 agent takes a conversation over, or gives it back."""

    thread_id: Identifier
    agent: Identifier
    active: bool
    at: datetime
