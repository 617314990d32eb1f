"""What a run knows of itself and no row says: who was asked, how often, with what."""

from pydantic import AwareDatetime, Field

from evals.case import Value
from evals.summary import Agreement, Role


class Asked(Value):
    """A system that was asked."""

    name: str
    role: Role = "candidate"
    hash: str = ""
    """Of its configuration."""
    versions: dict[str, str] = Field(default_factory=dict)
    hashes: dict[str, str] = Field(default_factory=dict)
    """What must be the same for all systems of a comparison: suite, rubric, graders, policy (D11)."""


class Facts(Value):
    """A run."""

    epochs: int = Field(ge=1)
    systems: tuple[Asked, ...] = Field(min_length=1)
    """All that were asked: one without a single row is missing, not forgotten."""
    cases: tuple[str, ...] = ()
    """Ids that were asked; empty: the whole suite."""
    seed: int = 0
    command: str = ""
    started: AwareDatetime | None = None
    versions: dict[str, str] = Field(default_factory=dict)
    judge: str | None = None
    agreement: tuple[Agreement, ...] = ()
    deviations: tuple[str, ...] = ()
