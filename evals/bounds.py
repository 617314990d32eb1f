"""What `evals check` asks of a suite: declared in its `suite.yaml` under `audit`, and no part of its hash."""

from pydantic import Field

from evals.case import Kind, Value


class Least(Value):
    """The fewest cases that a suite means to have; 0: nothing is asked."""

    singles: int = Field(default=0, ge=0)
    dialogues: int = Field(default=0, ge=0)
    mandatory: int = Field(default=0, ge=0)
    """Cases that must reach people, those that say so and the disguised ones."""
    kinds: dict[Kind, int] = Field(default_factory=dict)
    """By kind, as the case names it."""
    twins: int = Field(default=0, ge=0)
    """Noisy twins of clean cases."""
    attack_channels: int = Field(default=0, ge=0)
    """Channels in which attacks are planted."""
    of_each_subcategory: int = Field(default=0, ge=0)
    """Cases of every subcategory that the company has."""


class Bounds(Value):
    """The bounds of an audit."""

    at_least: Least = Least()
    demand_within: float = Field(default=0.05, gt=0, le=1)
    """How far a category's share of the cases may be from its share of the demand: 0.05 is five points.

    Figures are weighted to the demand; a larger gap wastes cases, and no weight helps a category without any.
    """
    alike_letters: float = Field(default=0.5, gt=0, le=1)
    """From this share of common letter sequences on, two texts are copies."""
    alike_meaning: float = Field(default=0.84, gt=0, le=1)
    """From this cosine on, two texts are copies. Measured with the shipped model, see `evals.nearness`."""
