"""What time and the articles do to a suite: labels that have run out, facts that nothing serves any more."""

from collections.abc import Iterator
from datetime import date

from evals.case import Case
from evals.checks.line import Line, Product, judged
from evals.suite import Suite


def lines(suite: Suite, product: Product, at: date) -> Iterator[Line]:
    """Staleness at a date, and facts that are cited."""
    yield _staleness(suite, at)
    yield _facts(suite, product)


def _staleness(suite: Suite, at: date) -> Line:
    faults = [
        f"{case.id}: its label was valid until {case.valid_until}. Read it again, then set a new date."
        for case in suite.cases
        if case.valid_until < at
    ]
    first = min((case.valid_until for case in suite.cases), default=at)
    well = f"Every label is valid on {at}; the first runs out on {first}."
    return judged("staleness", faults, well, f"Labels that have run out by {at}: {len(faults)}.")


def _facts(suite: Suite, product: Product) -> Line:
    served = {fact for article in product.articles for fact in article.facts}
    faults = [
        f"{case.id}: fact '{fact}' stands in no served article. Correct the id, or write the article."
        for case in suite.cases
        for fact in _cited(case)
        if fact not in served
    ]
    used = {fact for case in suite.cases for fact in _cited(case)}
    well = f"{len(used)} facts are cited, each served by an article; {len(served - used)} served ones are not cited."
    return judged(
        "facts", faults, well, f"Cited facts that stand in no served article: {len(faults)}."
    )


def _cited(case: Case) -> tuple[str, ...]:
    """Facts that the label or a criterion rests on."""
    asked = (c.check.cites or () for c in case.criteria if c.check is not None)
    return tuple(dict.fromkeys((*case.gold.facts, *(fact for facts in asked for fact in facts))))
