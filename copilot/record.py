"""What is kept of every turn: enough to explain it, replay it and measure it."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from copilot.conversation import (
    Disposition,
    Handoff,
    Inquiry,
    Outcome,
    PolicyOutcome,
    Reply,
    TicketRef,
    Value,
    Versions,
)
from policies.model import PolicyRequest


class PassageScore(Value):
    """A passage that was found; its text stands in the index version of the turn."""

    chunk_id: str
    article_id: str
    score: float
    stale: bool = False
    """Past its review: it may inform a handoff, it is never quoted."""


class Given(Value):
    """A text of somebody else that reached a turn: redacted, and data, never an instruction."""

    kind: Literal["display_name", "history", "ticket"]
    source: str | None = None
    """The ticket's id, or who is said to have written it."""
    text: str


class TurnRecord(Value):
    """One turn. Texts in it are redacted before they get here."""

    inquiry_id: str
    thread_id: str
    user: str
    channel: str
    at: datetime
    language: str
    author: str
    """Template or prompt that wrote the reply, with its version."""
    passages: tuple[PassageScore, ...] = ()
    context: tuple[Given, ...] = ()
    """Untrusted texts beside the message that whoever wrote the reply was given."""
    signals: dict[str, float | int | str | bool | list[str] | None] = Field(default_factory=dict)
    prompt: str | None = None
    """What a chat model was given to write from, redacted; without its instructions, which `versions` names."""
    decision: PolicyOutcome
    request: PolicyRequest | None = None
    """What the policy layer was asked: facts, no text. With it the decision can be made again."""
    input_hash: str | None = None
    """The decision's receipt of that request."""
    versions: Versions
    timing_ms: dict[str, float] = Field(default_factory=dict)
    cost_usd: float = 0.0
    redactions: int = 0


class NewInquiry(Value):
    """The inquiry is stored and has not been asked before."""

    thread_id: str


class Unfinished(Value):
    """Asked before, but a crash came between: it has no reply yet."""

    thread_id: str


class Stored(Value):
    """Asked and answered before: this is the reply."""

    reply: Reply


Begun = NewInquiry | Unfinished | Stored


class PlannedHandoff(Value):
    """A handoff that was stored and has no ticket yet."""

    key: str
    handoff: Handoff
    thread_id: str
    inquiry: Inquiry


class ThreadTurn(Value):
    inquiry_id: str
    at: datetime
    text: str
    reply: Reply | None = None
    outcome: Outcome | None = None
    signals: dict[str, float | int | str | bool | list[str] | None] = Field(default_factory=dict)


class ThreadView(Value):
    """A conversation, oldest turn first."""

    thread_id: str
    user: str
    turns: tuple[ThreadTurn, ...]


class ThreadSummary(Value):
    """The last state of a conversation."""

    thread_id: str
    last_at: datetime
    disposition: Disposition | None = None
    category: str | None = None
    subcategory: str | None = None
    ticket: TicketRef | None = None
    case: str | None = None
    """`category.subcategory` that the ticket is filed under; the last message may be about another."""
    resolved: bool | None = None


class Held(Value):
    """A case that an agent has."""

    agent: str
    ticket: TicketRef
    handoff: Handoff
