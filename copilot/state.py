"""The typed state of a conversation and of a turn.

`memory` and `reply` are checkpointed per thread. Everything else lives for one turn and is never written:
vectors, findings and drafts are rebuilt, texts that were not redacted do not exist here.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, TypedDict

from langgraph.channels import UntrackedValue

from copilot.author.draft import Draft
from copilot.conversation import AttemptedStep, Handoff, Inquiry, Reply, TicketRef, Value
from copilot.moves import Move
from copilot.people import Person
from copilot.record import Given, ThreadSummary
from copilot.understanding.message import Understanding
from knowledge.findings import Findings
from policies.model import Decision, PolicyRequest
from policies.redaction import Seen


class Pending(Value):
    """The clarifying question that waits for an answer."""

    question: str
    labels: tuple[str, ...]
    choices: tuple[str, ...]


class Case(Value):
    """A case that people have, under the topic it was filed with."""

    ticket: TicketRef
    label: str | None = None
    handoff: Handoff | None = None

    @property
    def category(self) -> str | None:
        return (self.label or "").partition(".")[0] or None


class Memory(Value):
    """What a conversation has come to so far."""

    turns: int = 0
    last_inquiry: str | None = None
    language: str | None = None
    problem: str = ""
    """The problem as last stated, redacted: the context of a follow-up."""
    label: str | None = None
    shown: tuple[str, ...] = ()
    """Articles already answered from, in order."""
    pending: Pending | None = None
    clarified: bool = False
    failures: int = 0
    attempted: tuple[AttemptedStep, ...] = ()
    error_messages: tuple[str, ...] = ()
    platform: str | None = None
    location: str | None = None
    frustration: int = 0
    vents: int = 0
    """How often anger alone brought the offer of a person."""
    probes: int = 0
    ticket: TicketRef | None = None
    handoff: Handoff | None = None
    set_aside: tuple[Case, ...] = ()
    """Open cases about other topics of this conversation, left as they are."""
    resolved: bool | None = None
    redactions: int = 0
    seen: Seen = Seen()
    """Secrets already named in this conversation, so that a placeholder keeps its number."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A turn's question with who asks it and what is known of earlier conversations."""

    inquiry: Inquiry
    thread_id: str
    person: Person
    earlier: tuple[ThreadSummary, ...] = ()
    lockouts_24h: int = 0
    redactions: int = 0
    secrets: tuple[str, ...] = ()
    """Kinds of secrets that were taken out of the message."""
    seen: Seen = field(default_factory=Seen)
    given: tuple[Given, ...] = ()
    """Untrusted texts beside the message, for whoever writes the reply. They decide nothing."""
    opens_thread: bool = False
    """Whether nothing can be remembered of this conversation yet."""
    tell: Callable[[str], None] | None = None
    """Is told the name of each step as it begins."""


class TurnState(TypedDict, total=False):
    """Channels of the graph."""

    memory: Memory
    reply: Reply
    asked: Annotated[Asked, UntrackedValue]
    turned: Annotated[bool, UntrackedValue]
    understanding: Annotated[Understanding, UntrackedValue]
    request: Annotated[PolicyRequest, UntrackedValue]
    decision: Annotated[Decision, UntrackedValue]
    move: Annotated[Move, UntrackedValue]
    findings: Annotated[tuple[Findings, ...], UntrackedValue]
    draft: Annotated[Draft, UntrackedValue]
    handoff: Annotated[Handoff, UntrackedValue]
