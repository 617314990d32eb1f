"""Questions to start with, from the company's own labels."""

from copilot.company import CompanyFacts

COUNT = 3


def examples_of(company: CompanyFacts) -> tuple[str, ...]:
    """The first choice of each of the first categories: sentences that an employee would say."""
    found: dict[str, str] = {}
    for label, text in company.choices.items():
        if label not in company.out_of_scope:
            found.setdefault(label.partition(".")[0], text)
    return tuple(found.values())[:COUNT]
