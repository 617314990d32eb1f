"""What is asked of the policy layer and what it answers. Pure values; no clock, no I/O."""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Effect = Literal["permit", "escalate", "decline"]
STRICTNESS: Mapping[Effect, int] = {"permit": 0, "decline": 1, "escalate": 2}
Relation = Literal["self", "other", "unknown"]
Tier = Literal["self_service", "read_only", "form", "privileged", "forbidden", "incident"]
Location = Literal["office", "home", "travelling", "unknown"]
Priority = Literal["P1", "P2", "P3", "P4"]


class Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Asker(Value):
    """The signed-in person, from the directory."""

    id: str
    employment: Literal["employee", "contractor", "unknown"] = "unknown"
    groups: tuple[str, ...] = ()
    site: str | None = None
    verified: bool = False
    """Whether the channel proved who is writing. Never set from text."""


class RequestedAction(Value):
    """One action that somebody (the recogniser or a chat model) saw in the message."""

    action: str
    relation: Relation = "unknown"
    seen_by: Literal["recogniser", "model", "caller"] = "recogniser"
    confidence: float = Field(default=1.0, ge=0, le=1)


class Situation(Value):
    """Facts of the turn, from directory and records; unknown is said as such."""

    device_managed: bool | None = None
    location: Location = "unknown"
    working_hours: bool | None = None
    """Whether it is working time at the asker's site, by the clock of the inquiry; there is none here."""
    topic: str | None = None
    """The `category.subcategory` that the message is about, as it was read; rules only hold back by it."""
    lockouts_24h: int = 0
    probes_in_thread: int = 0
    """How often this thread already asked for something that was escalated or declined by rule."""
    lockdown: bool = False
    """The company's switch that sends every account-recovery case to people."""


class PolicyRequest(Value):
    asker: Asker
    actions: tuple[RequestedAction, ...] = ()
    """Empty: a plain question, decided as the built-in read-only action `ask_question`."""
    situation: Situation = Situation()


class Ruling(Value):
    """The decision about one requested action."""

    action: str
    effect: Effect
    rules: tuple[str, ...]
    tier: Tier | None = None
    mandatory_class: str | None = None
    queue: str | None = None
    priority: Priority | None = None
    reason_code: str | None = None
    form: str | None = None
    say: str = ""
    """The sentence that the employee reads."""
    safe_steps: tuple[str, ...] = ()


class Decision(Value):
    """The strictest of the rulings, all of them listed, and a receipt to explain it later.

    Same request and same policies give the same decision, to the letter.
    """

    effect: Effect
    rulings: tuple[Ruling, ...]
    rules: tuple[str, ...]
    queue: str | None = None
    priority: Priority | None = None
    reason_code: str | None = None
    reason: str = ""
    policy_version: str
    input_hash: str

    @property
    def escalated(self) -> tuple[Ruling, ...]:
        return tuple(ruling for ruling in self.rulings if ruling.effect == "escalate")
