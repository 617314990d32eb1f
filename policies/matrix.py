"""Every action in every situation, as text: a change of policy shows as a diff in review.

`python -m policies.matrix > tests/policies/golden_matrix.txt` writes it for the policies here.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import get_args

from policies.engine import Policies, decide
from policies.loader import load_policies
from policies.model import (
    Asker,
    Location,
    PolicyRequest,
    Relation,
    RequestedAction,
    Situation,
)

VERIFIED: Mapping[str, bool] = {"verified": True, "unverified": False}
DEVICES: Mapping[str, bool | None] = {"managed": True, "personal": False, "device-unknown": None}
DIMENSIONS: tuple[tuple[str, ...], ...] = (
    get_args(Relation),
    tuple(VERIFIED),
    tuple(DEVICES),
    get_args(Location),
)
HEAD = """\
# Decisions by action, relation, verification, device and location, for an employee without groups,
# lockouts or earlier probes. "*" is any value; values with the same outcome share a line.
# Written by: python -m policies.matrix > tests/policies/golden_matrix.txt
"""


def matrix(policies: Policies) -> str:
    """The whole table; the same policies give the same text."""
    lines = (line for action in policies.catalogue.actions for line in _lines(action, policies))
    return HEAD + "".join(f"{line}\n" for line in lines)


def _lines(action: str, policies: Policies) -> Iterator[str]:
    for path, outcome in _collapsed(partial(_outcome, action, policies), ()):
        yield " | ".join([action, *path, outcome])


_Row = tuple[tuple[str, ...], str]


def _collapsed(outcome: Callable[..., str], chosen: tuple[str, ...]) -> list[_Row]:
    """The outcomes below a choice, with values of equal outcome on one line."""
    if len(chosen) == len(DIMENSIONS):
        return [((), outcome(*chosen))]
    values = DIMENSIONS[len(chosen)]
    below = {value: _collapsed(outcome, (*chosen, value)) for value in values}
    rows: list[_Row] = []
    for branch, alike in groupby(sorted(values, key=lambda v: (repr(below[v]), v)), below.get):
        together = set(alike)
        label = (
            "*" if len(together) == len(values) else ",".join(v for v in values if v in together)
        )
        rows += [((label, *path), result) for path, result in branch or []]
    return rows


def _outcome(
    action: str, policies: Policies, relation: Relation, verified: str, device: str, where: Location
) -> str:
    request = PolicyRequest(
        asker=Asker(id="somebody", employment="employee", verified=VERIFIED[verified]),
        actions=(RequestedAction(action=action, relation=relation),),
        situation=Situation(device_managed=DEVICES[device], location=where),
    )
    decision = decide(request, policies)
    told = (decision.effect, decision.queue, decision.priority, f"({' '.join(decision.rules)})")
    return " ".join(part for part in told if part)


def main() -> None:
    here = Path(__file__).parent
    sys.stdout.write(matrix(load_policies(here / "rules", here / "actions")))


if __name__ == "__main__":
    main()
