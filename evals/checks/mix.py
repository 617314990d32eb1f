"""Which cases there are: by demand, by kind, by subcategory, and where they come from."""

from collections import Counter
from collections.abc import Iterator, Mapping

from evals.bounds import Least
from evals.checks.line import Line, Product, judged
from evals.suite import Suite

_WHOLE = 1.0
_ROUNDING = 0.005
_DIGITS = 6


def lines(suite: Suite, product: Product) -> Iterator[Line]:
    """Representativeness, counts, coverage and origin."""
    yield _demand(suite)
    yield _counts(suite)
    yield _subcategories(suite, product)
    yield _origin(suite)


def _demand(suite: Suite) -> Line:
    """The suite's mix against the demand; every figure is weighted to it, so a category needs cases to weigh."""
    demand, within = suite.header.demand, suite.header.audit.demand_within
    shares = _shares(suite)
    measured = {case.category for case in suite.cases if case.split == "test"}
    measured = measured or set(shares)
    faults = []
    if abs(sum(demand.values()) - _WHOLE) > _ROUNDING:
        faults.append(f"The shares of the demand add up to {sum(demand.values()):.2f}. Make it 1.")
    for category, wanted in demand.items():
        got = shares.get(category, 0.0)
        if category not in measured:
            faults.append(
                f"{category}: {wanted:.1%} of the demand, and no case of the test split. Add some."
            )
        elif round(abs(got - wanted), _DIGITS) > within:
            more = "fewer" if got > wanted else "more"
            faults.append(
                f"{category}: {got:.1%} of the cases for {wanted:.1%} of the demand. Write {more}."
            )
    gaps = {category: abs(shares.get(category, 0.0) - share) for category, share in demand.items()}
    far = max(gaps, key=lambda category: gaps[category], default=None)
    widest = "" if far is None else f", the widest gap {gaps[far]:.1%} ({far})"
    well = f"{len(demand)} categories within {within:.0%} of their share of the demand{widest}."
    return judged("demand", faults, well, "The cases are not in the proportions of the demand.")


def _shares(suite: Suite) -> Mapping[str, float]:
    counted = Counter(case.category for case in suite.cases)
    return {category: number / len(suite.cases) for category, number in counted.items()}


def _counts(suite: Suite) -> Line:
    wanted = _wanted(suite.header.audit.at_least)
    found = _found(suite)
    faults = [
        f"{name}: {found[name]} of {number}. Write {number - found[name]} more."
        for name, number in wanted.items()
        if found[name] < number
    ]
    shown = ", ".join(f"{found[name]} {name}" for name in wanted)
    well = f"{shown}." if wanted else "suite.yaml asks for no numbers (audit: at_least)."
    return judged("counts", faults, well, f"Sorts of which there are too few cases: {len(faults)}.")


def _wanted(least: Least) -> Mapping[str, int]:
    named = {
        "singles": least.singles,
        "dialogues": least.dialogues,
        "mandatory, plain or disguised": least.mandatory,
        "twins": least.twins,
        "attack channels": least.attack_channels,
        **{f"of kind {kind}": number for kind, number in least.kinds.items()},
    }
    return {name: number for name, number in named.items() if number}


def _found(suite: Suite) -> Mapping[str, int]:
    kinds = Counter(f"of kind {kind}" for case in suite.cases for kind in case.kinds)
    return kinds | Counter(
        {
            "singles": sum(not case.dialogue for case in suite.cases),
            "dialogues": sum(case.dialogue for case in suite.cases),
            "mandatory, plain or disguised": sum(case.gold.mandatory for case in suite.cases),
            "twins": sum(case.twin_of is not None for case in suite.cases),
            "attack channels": len({case.attack.channel for case in suite.cases if case.attack}),
        }
    )


def _subcategories(suite: Suite, product: Product) -> Line:
    if not product.labels:
        told = "The company's subcategories are not known, so none can be missing."
        return Line(check="subcategories", state="warning", told=told)
    least = suite.header.audit.at_least.of_each_subcategory
    counted = Counter(case.label for case in suite.cases)
    faults = [
        f"{case.id}: the company has no subcategory '{case.label}'. Correct it."
        for case in suite.cases
        if case.label not in product.labels
    ]
    faults += [
        f"{label}: {counted[label]} of {least} cases. Write some."
        for label in product.labels
        if counted[label] < least
    ]
    used = sum(label in counted for label in product.labels)
    well = f"{used} of the company's {len(product.labels)} subcategories have cases, {least} of each wanted."
    return judged("subcategories", faults, well, f"Faults in the subcategories: {len(faults)}.")


def _origin(suite: Suite) -> Line:
    number = len(suite.cases)
    synthetic = sum(case.source == "synthetic" for case in suite.cases)
    right = "synthetic" if synthetic == number else "mixed" if synthetic else "real"
    told = f"{synthetic} of {number} cases are synthetic ({synthetic / number:.0%}); labelled '{suite.header.label}'."
    faults = []
    if suite.header.label != right:
        faults = [
            f"suite.yaml: label is '{suite.header.label}', and the cases are {right}. Correct it."
        ]
    return judged("synthetic", faults, told, told)
