"""One request under two policies: what a change of rules or catalogue would have decided otherwise."""

from typing import Literal

from policies.engine import Policies, decide
from policies.model import Decision, Effect, PolicyRequest, Priority, Value

Kind = Literal["effect", "part", "route", "rules"]
"""What differs most: the decision, that about one of several actions, where it goes, only why."""


class Outcome(Value):
    """What matters of a decision when two are compared."""

    effect: Effect
    queue: str | None
    priority: Priority | None
    rules: tuple[str, ...]
    parts: tuple[tuple[str, Effect], ...]
    """Every action with its own effect."""


class Change(Value):
    """The same request, decided differently."""

    kind: Kind
    old: Outcome
    new: Outcome


def compare(request: PolicyRequest, old: Policies, new: Policies) -> Change | None:
    """How the decision changes from `old` to `new`; `None` when nothing does."""
    before, after = _outcome(decide(request, old)), _outcome(decide(request, new))
    kind = _kind(before, after)
    return Change(kind=kind, old=before, new=after) if kind else None


def _kind(before: Outcome, after: Outcome) -> Kind | None:
    if before.effect != after.effect:
        return "effect"
    if before.parts != after.parts:
        return "part"
    if (before.queue, before.priority) != (after.queue, after.priority):
        return "route"
    return None if before.rules == after.rules else "rules"


def _outcome(decision: Decision) -> Outcome:
    return Outcome(
        effect=decision.effect,
        queue=decision.queue,
        priority=decision.priority,
        rules=tuple(sorted(decision.rules)),
        parts=tuple(sorted((ruling.action, ruling.effect) for ruling in decision.rulings)),
    )
