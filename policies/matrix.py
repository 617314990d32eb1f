"""Every action in every situation, as text: a change of policy shows as a diff in review.

`python -m policies.matrix > tests/policies/golden_matrix.txt` writes it for the policies here.
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, Literal, get_args

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
HOURS: Mapping[str, bool] = {"working-hours": True, "off-hours": False}
SITES: Mapping[str, str | None] = {"another-site": "", "site-unknown": None}
"""Beside the sites that rules name."""
RECORDS: Mapping[str, Mapping[str, Any]] = {
    "1-lockout": {"lockouts_24h": 1},
    "2-lockouts": {"lockouts_24h": 2},
    "3-lockouts": {"lockouts_24h": 3},
    "1-probe": {"probes_in_thread": 1},
    "2-probes": {"probes_in_thread": 2},
    "3-probes": {"probes_in_thread": 3},
    "lockdown": {"lockdown": True},
    "nothing": {},
}
HEAD = """\
# Decisions by action, relation, verification, device, location and site, for an employee without
# groups, lockouts or earlier probes. "*" is any value; values with the same outcome share a line.
# Written by: python -m policies.matrix > tests/policies/golden_matrix.txt
"""
MIDDLE = """
# Decisions by action, employment, record, hours and location, for somebody verified who asks for
# themselves on a managed device.
"""

_Dimensions = Sequence[tuple[str, ...]]
_Row = tuple[tuple[str, ...], str]


def matrix(policies: Policies) -> str:
    """Both tables; the same policies give the same text."""
    return "".join(lines(policies))


def lines(policies: Policies) -> Iterator[str]:
    """The text line by line, as far as anybody reads."""
    where = (
        get_args(Relation),
        tuple(VERIFIED),
        tuple(DEVICES),
        get_args(Location),
        (*_named_sites(policies), *SITES),
    )
    when = (("employee", "contractor"), tuple(RECORDS), tuple(HOURS), get_args(Location))
    yield from HEAD.splitlines(keepends=True)
    yield from _table(where, _by_site, policies)
    yield from MIDDLE.splitlines(keepends=True)
    yield from _table(when, _by_hour, policies)


def _table(
    dimensions: _Dimensions, outcome: Callable[..., str], policies: Policies
) -> Iterator[str]:
    for action in policies.catalogue.actions:
        for path, result in _collapsed(partial(outcome, action, policies), dimensions, ()):
            yield " | ".join([action, *path, result]) + "\n"


def _named_sites(policies: Policies) -> tuple[str, ...]:
    """The sites that a rule compares the asker's with."""
    found = set[str]()
    for rule in policies.rules.values():
        found |= _compared_with_site(json.loads(rule.syntax))
    return tuple(sorted(found))


def _compared_with_site(syntax: object) -> set[str]:
    if isinstance(syntax, list):
        return set[str]().union(*map(_compared_with_site, syntax))
    if not isinstance(syntax, dict):
        return set()
    found = _compared_with_site(list(syntax.values()))
    sides = [syntax.get("left"), syntax.get("right")]
    if {".": {"attr": "site", "left": {"Var": "context"}}} in sides:
        found |= set(_texts(sides))
    return found


def _texts(syntax: object) -> Iterator[str]:
    if isinstance(syntax, list):
        for each in syntax:
            yield from _texts(each)
    elif isinstance(syntax, dict):
        if isinstance(syntax.get("Value"), str):
            yield syntax["Value"]
        yield from _texts(syntax.get("Set"))


def _collapsed(
    outcome: Callable[..., str], dimensions: _Dimensions, chosen: tuple[str, ...]
) -> list[_Row]:
    """The outcomes below a choice, with values of equal outcome on one line."""
    if len(chosen) == len(dimensions):
        return [((), outcome(*chosen))]
    values = dimensions[len(chosen)]
    below = {value: _collapsed(outcome, dimensions, (*chosen, value)) for value in values}
    rows: list[_Row] = []
    for branch, alike in groupby(sorted(values, key=lambda v: (repr(below[v]), v)), below.get):
        together = set(alike)
        label = (
            "*" if len(together) == len(values) else ",".join(v for v in values if v in together)
        )
        rows += [((label, *path), result) for path, result in branch or []]
    return rows


def _by_site(
    action: str,
    policies: Policies,
    relation: Relation,
    verified: str,
    device: str,
    where: Location,
    site: str,
) -> str:
    asker = Asker(
        id="somebody",
        employment="employee",
        verified=VERIFIED[verified],
        site=SITES.get(site, site),
    )
    situation = Situation(device_managed=DEVICES[device], location=where)
    return _outcome(action, relation, asker, situation, policies)


def _by_hour(
    action: str,
    policies: Policies,
    employment: Literal["employee", "contractor"],
    record: str,
    hours: str,
    where: Location,
) -> str:
    asker = Asker(id="somebody", employment=employment, verified=True)
    facts = {"device_managed": True, "location": where, "working_hours": HOURS[hours]}
    situation = Situation.model_validate({**facts, **RECORDS[record]})
    return _outcome(action, "self", asker, situation, policies)


def _outcome(
    action: str, relation: Relation, asker: Asker, situation: Situation, policies: Policies
) -> str:
    request = PolicyRequest(
        asker=asker,
        actions=(RequestedAction(action=action, relation=relation),),
        situation=situation,
    )
    decision = decide(request, policies)
    told = (decision.effect, decision.queue, decision.priority, f"({' '.join(decision.rules)})")
    return " ".join(part for part in told if part)


def main() -> None:
    here = Path(__file__).parent
    sys.stdout.write(matrix(load_policies(here / "rules", here / "actions")))


if __name__ == "__main__":
    main()
