"""What a run would cost, before anybody is asked."""

import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from evals.caching import Cache
from evals.case import Case
from evals.results import Key
from evals.run import Plan
from evals.systems import templates
from evals.systems.command import CommandConfig
from evals.systems.config import Spec
from evals.systems.http import Cost, HttpConfig
from evals.systems.system import Ask, Spoken, ask_of, turns_of

LETTERS_A_TOKEN = 4
REPLY_TOKENS = 250
"""Assumed; both are said beside the estimate."""


class Estimate(NamedTuple):
    """One system."""

    system: str
    cases: int
    cached: int
    """Of the cases, those whose reply is kept: they cost nothing."""
    turns: int
    """Calls at most: some turns are said only after certain replies."""
    usd: float
    note: str


def estimates(plan: Plan, cache: Cache, done: frozenset[Key]) -> Iterator[Estimate]:
    """What is still to be asked, by system."""
    for spec in plan.specs:
        yield _estimate(plan, spec, cache, plan.pending(spec, done))


def _estimate(
    plan: Plan, spec: Spec, cache: Cache, pending: Sequence[tuple[int, Case]]
) -> Estimate:
    asks = [ask_of(plan.suite, case, epoch) for epoch, case in pending]
    fresh = [ask for ask in asks if not (spec.caches and cache.get(spec.hash, ask))]
    turns = sum(len(ask.case.turns) for ask in fresh)
    usd, note = 0.0, "costs nothing"
    if isinstance(spec.config, CommandConfig):
        usd, note = turns * spec.config.cost_per_call, "by the call"
    elif isinstance(spec.config, HttpConfig):
        usd = sum(_cost(spec.config, ask) for ask in fresh)
        note = _note(spec.config.cost)
    return Estimate(spec.name, len(asks), len(asks) - len(fresh), turns, usd, note)


def _cost(config: HttpConfig, ask: Ask) -> float:
    """Every turn is said, and each sends what the template sends of it."""
    total = 0.0
    for number, turn in enumerate(turns_of(ask.case)):
        values = templates.values_of(ask, Spoken(number, turn.text, ask.at, ()), config.turn)
        sent = json.dumps(templates.filled(config.request, values), ensure_ascii=False)
        tokens = len(sent) / LETTERS_A_TOKEN + number * REPLY_TOKENS
        total += config.cost.per_call
        total += config.cost.per_million_input * tokens / 1_000_000
        total += config.cost.per_million_output * REPLY_TOKENS / 1_000_000
    return total


def _note(cost: Cost) -> str:
    if cost.input_tokens or cost.output_tokens:
        return f"assumed: {LETTERS_A_TOKEN} letters a token, {REPLY_TOKENS} tokens a reply"
    if cost.usd:
        return "and what the replies themselves say, which nobody knows before"
    return "by the call" if cost.per_call else "the file names no cost"
