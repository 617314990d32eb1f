"""The label passes: there, complete, by two people, agreeing, and settled where they do not."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from evals.adjudication import FILE, Passes, Settlement, settlements
from evals.agreement import GOOD, USABLE, Agreement
from evals.checks.line import Line, judged
from evals.errors import SuiteError
from evals.labels import FIRST, FOLDER, SECOND, Label, compared, read
from evals.suite import Suite


def lines(suite: Suite) -> tuple[tuple[Line, ...], tuple[str, ...]]:
    """What there is to say of the labels, and the ids of the blocked cases."""
    place = suite.folder / FOLDER
    if not place.is_dir():
        told = (
            "one set only. The cases' own labels are all there is; nothing shows how far people agree. "
            f"Add {FOLDER}/{FIRST} and {FOLDER}/{SECOND}, each made from the text and the guide alone."
        )
        return (Line(check="labels", state="warning", told=told),), ()
    faults: list[str] = []
    first, second = (_read(place / name, faults) for name in (FIRST, SECOND))
    settled: Mapping[str, Settlement] = {}
    try:
        settled = settlements(place / FILE)
    except SuiteError as error:
        faults += map(str, error.findings)
    if faults or first is None or second is None:
        return (judged("labels", faults, "", f"Faults in the label files: {len(faults)}."),), ()
    both = Passes(first, second, settled)
    blocked = {case.id: both.open_on(case) for case in suite.cases}
    blocked = {case: reasons for case, reasons in blocked.items() if reasons}
    found = (
        _complete(suite, both),
        _annotators(both),
        _settled(suite, both, blocked),
        *_agreement(suite, both),
    )
    return found, tuple(blocked)


def _read(file: Path, faults: list[str]) -> Mapping[str, Label] | None:
    try:
        return read(file)
    except SuiteError as error:
        faults += map(str, error.findings)
        return None


def _complete(suite: Suite, both: Passes) -> Line:
    faults = []
    for name, labels in ((FIRST, both.first), (SECOND, both.second)):
        faults += [
            f"{case.id}: {name} has no label of it. Label it, from the text and the guide alone."
            for case in suite.cases
            if case.id not in labels
        ]
        faults += [
            f"{case}: {name} labels it, and it is no case. Correct the id or take the label out."
            for case in labels
            if case not in suite.by_id
        ]
    number = len(suite.cases)
    return judged(
        "labels",
        faults,
        f"{number} cases, each labelled in both passes.",
        f"Labels that are missing or of no case: {len(faults)}.",
    )


def _annotators(both: Passes) -> Line:
    people = [
        sorted({label.annotator for label in one.values()}) for one in (both.first, both.second)
    ]
    same = sorted(
        case
        for case, label in both.first.items()
        if case in both.second and both.second[case].annotator == label.annotator
    )
    faults = [
        f"{case}: both labels are by {both.first[case].annotator}. Have another person label it again."
        for case in same
    ]
    named = " and ".join(", ".join(names) for names in people)
    return judged(
        "annotators",
        faults,
        f"Two passes by {named}.",
        f"Cases that one person labelled twice: {len(same)}.",
    )


def _settled(suite: Suite, both: Passes, blocked: Mapping[str, tuple[str, ...]]) -> Line:
    faults = [f"{case}: {'; '.join(reasons)}." for case, reasons in blocked.items()]
    strange = [
        f"{case}: {FILE} settles it, and it is no case. Correct the id or take the entry out."
        for case in both.settlements
        if case not in suite.by_id
    ]
    ill = (
        f"Blocked: {len(blocked)} of {len(suite.cases)} cases, for their labels differ and nobody has settled it. "
        "No run asks them. "
        f"Settle them in {FOLDER}/{FILE} with one sentence of why, and bring the cases in line."
    )
    if not blocked:
        ill = f"Entries of {FILE} that are of no case: {len(strange)}."
    well = f"No case is blocked; settled: {len(both.settlements)}."
    return judged("adjudication", [*faults, *strange], well, ill)


def _agreement(suite: Suite, both: Passes) -> Iterator[Line]:
    if not both.first.keys() & both.second.keys():
        return
    for found in compared(both.first, both.second, seed=suite.header.seed):
        yield _agreed(found)


def _agreed(found: Agreement) -> Line:
    check = f"agreement: {found.field}"
    same = f"{found.same:.1%} of {found.n} alike"
    if found.alpha is None:
        return Line(check=check, state="ok", told=f"Nothing varies, so alpha says nothing; {same}.")
    span = f" [{found.interval.low:.2f}, {found.interval.high:.2f}]" if found.interval else ""
    kappa = "" if found.kappa is None else f", kappa {found.kappa:.2f}"
    told = f"alpha {found.alpha:.2f}{span}{kappa}, {same}."
    if not found.usable:
        mend = (
            f" Below {USABLE} the field is not reliably labelled: mend the guide and label again."
        )
        return Line(check=check, state="error", told=told + mend)
    if found.alpha < GOOD:
        return Line(check=check, state="warning", told=f"{told} Usable; good from {GOOD:.2f} on.")
    return Line(check=check, state="ok", told=told)
