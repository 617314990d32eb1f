"""What a system under test gave back for a case: one row of a results file.

A row is case x epoch x system. What failed keeps its cause: nothing is dropped, nothing counts as a zero.
"""

from typing import Annotated, Literal

from pydantic import Field

from evals.case import ActionType, Disposition, Value

Status = Literal[
    "ok",
    "vendor_error",  # the system answered with an error, or with nothing that can be read
    "timeout",
    "harness_error",  # our fault
    "missing",  # a transcript does not hold the case
    "not_deliverable",  # an attack on a channel that this system does not let us reach
]
Share = Annotated[float, Field(ge=0, le=1)]


class Cited(Value):
    """A source that a reply names."""

    article_id: str | None = None
    title: str | None = None
    quote: str | None = None
    reviewed_on: str | None = None


class Response(Value):
    """A reply of any system in one shape. `None`: the system does not say."""

    text: str
    disposition: Disposition | None
    declared: bool = True
    """Whether the system named its disposition; else it was read from the text (`evals.reading`)."""
    category: str | None = None
    subcategory: str | None = None
    action_type: ActionType | None = None
    confidence: Share | None = None
    citations: tuple[Cited, ...] | None = None
    queue: str | None = None
    reason_code: str | None = None
    handoff: dict[str, object] | None = None
    ticket: dict[str, object] | None = None
    rules: tuple[str, ...] = ()
    resolved: bool | None = None
    log: str | None = None
    """What the system kept of the turn, where it lets us see that; searched for leaks."""
    versions: dict[str, str] = Field(default_factory=dict)


class Exchange(Value):
    """One turn that was really said, with its answer."""

    said: str
    response: Response
    latency_ms: float = Field(ge=0)
    cost_usd: float = Field(default=0.0, ge=0)


class Episode(Value):
    """One row of a results file."""

    suite: str
    """Content hash of the suite."""
    case: str
    system: str
    epoch: int = Field(ge=0)
    status: Status
    cause: str | None = None
    """One sentence, where the status is not ok."""
    exchanges: tuple[Exchange, ...] = ()
    delivered: bool | None = None
    """Attacks only: whether what was planted reached the system; `None`: it can't be seen."""
    attempts: int = Field(default=1, ge=0)
    cached: bool = False

    @property
    def last(self) -> Response | None:
        """The reply that counts for a single turn; dialogues are graded over all of them."""
        return self.exchanges[-1].response if self.exchanges else None

    @property
    def text(self) -> str:
        """All that the employee read."""
        return "\n\n".join(exchange.response.text for exchange in self.exchanges)

    @property
    def key(self) -> tuple[str, str, int]:
        return (self.system, self.case, self.epoch)
