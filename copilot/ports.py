"""What the agent needs from the world. Implementations live in `integrations`, honest fakes in `testing`."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from copilot.conversation import Feedback, Handoff, Inquiry, Reply, TicketRef
from copilot.people import Person
from copilot.record import Begun, Held, PlannedHandoff, ThreadSummary, ThreadView, TurnRecord
from knowledge.article import Article
from knowledge.findings import Findings, Reader
from policies.model import Decision, PolicyRequest

Vector = NDArray[np.float32]


class Embedder(Protocol):
    """Text to vectors of length one, shape (n, dimensions)."""

    @property
    def fingerprint(self) -> str: ...

    def embed_queries(self, texts: Sequence[str]) -> Vector: ...

    def embed_in_context(
        self, text: str, parts: Sequence[str]
    ) -> tuple[Vector, Sequence[Vector | None]]:
        """The vector of a text, and of each part as read within it; `None` where that can't be had."""
        ...


class Library(Protocol):
    """The knowledge base as the agent sees it."""

    @property
    def version(self) -> str: ...

    def search(
        self,
        text: str,
        vector: Vector,
        reader: Reader,
        *,
        at: date,
        prior: Mapping[str, float] | None = None,
        language: str = "en",
        limit: int = 5,
    ) -> Findings:
        """Articles for a question. `prior` is the probability of each `category.subcategory`."""
        ...

    def article(self, article_id: str) -> Article: ...

    def sentences(self, article_id: str, vector: Vector) -> Sequence[tuple[str, str, float]]:
        """Self-contained sentences of an article: (sentence, section, cosine), nearest first."""
        ...


class Policy(Protocol):
    """The decision outside the model. Pure: same request, same decision."""

    @property
    def version(self) -> str: ...

    def decide(self, request: PolicyRequest) -> Decision: ...


class Directory(Protocol):
    """The company's people."""

    async def person(self, person_id: str) -> Person | None:
        """`None` is a definite no. Raises `DirectoryUnavailableError` when it can't be asked."""
        ...


class Journal(Protocol):
    """Every turn, durable before anything outside happens."""

    async def begin(self, inquiry: Inquiry, *, text_hash: str) -> Begun: ...

    async def finish(self, reply: Reply, record: TurnRecord) -> None: ...

    async def plan_handoff(self, inquiry_id: str, key: str, handoff: Handoff) -> None: ...

    async def handed_off(self, key: str, ticket: TicketRef) -> None: ...

    async def unopened(self) -> Sequence[PlannedHandoff]: ...

    async def unfinished(self) -> Sequence[Inquiry]: ...

    async def thread(self, thread_id: str, user: str | None) -> ThreadView | None: ...

    async def recent_threads(
        self, user: str, since: datetime, limit: int
    ) -> Sequence[ThreadSummary]: ...

    async def note_feedback(self, feedback: Feedback) -> TicketRef | None: ...


class Desk(Protocol):
    """Where handoffs become tickets. Every call carries a key: repeating it changes nothing."""

    async def open(
        self, handoff: Handoff, *, key: str, thread_id: str, opened_by: str, at: datetime
    ) -> TicketRef: ...

    async def update(
        self, ticket_id: str, handoff: Handoff, *, key: str, at: datetime
    ) -> TicketRef: ...

    async def resolve(self, ticket_id: str, *, key: str, by: str, at: datetime) -> TicketRef:
        """The employee says that it works: the ticket is resolved, and reopens with their next word."""
        ...

    async def held(self, thread_id: str) -> Held | None:
        """The case of this conversation that an agent has; the copilot is silent there meanwhile."""
        ...

    async def open_case(self, thread_id: str) -> str | None:
        """The id of the newest case of this conversation that is not done."""
        ...

    async def claim(self, ticket_id: str, agent: str, *, key: str, at: datetime) -> object:
        """Give the ticket to an agent, unless another has it or it is done."""
        ...

    async def release(self, ticket_id: str, *, key: str, by: str, at: datetime) -> TicketRef:
        """Nobody has the ticket any more: the copilot may speak again."""
        ...

    async def said(
        self, ticket_id: str, text: str, *, key: str, by: str, at: datetime
    ) -> TicketRef:
        """What the employee writes to the agent who has the ticket. The text is redacted already."""
        ...

    async def texts(self, ticket_ids: Sequence[str]) -> Mapping[str, str]:
        """What the tickets say now, summary and notes; unknown ids are left out. Untrusted text."""
        ...
