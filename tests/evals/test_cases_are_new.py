"""The shipped cases are no copies: not of each other, and not of what the product learns from. With the product's model."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from evals import subject
from evals.bounds import Bounds
from evals.checks import texts
from evals.checks.line import Product
from evals.nearness import Limits, Texts
from evals.suite import SHIPPED, load

if TYPE_CHECKING:
    from evals.nearness import Embed

SAME = [
    (
        "outlook closes itself right after i open it",
        "Outlook shuts itself down right after opening",
    ),
    ("How do I get a licence for Visio?", "how can i get a visio licence"),
    (
        "the printer on the third floor prints everything pink since monday",
        "Since Monday, everything the printer on the third floor prints is pink.",
    ),
    (
        "My badge is not recognised by the copier near the lifts",
        "the copier by the lifts doesn't recognise my badge",
    ),
    ("wifi is slow in meeting room Oak", "Slow Wi-Fi in the meeting room Oak"),
]
"""One request said twice."""
OTHER = [
    ("outlook closes itself right after i open it", "How large may an attachment in Outlook be?"),
    ("How do I get a licence for Visio?", "Visio asks me to sign in again every morning"),
    (
        "the printer on the third floor prints everything pink since monday",
        "the third floor's printer pulls two sheets at once and then jams",
    ),
    (
        "My badge is not recognised by the copier near the lifts",
        "I left my badge at home, who lets me into the building?",
    ),
    ("wifi is slow in meeting room Oak", "what's the guest wifi code for a visitor tomorrow"),
]
"""One topic and different problems."""


@pytest.fixture(scope="module")
def embed() -> "Embed":
    return subject.embedder()


@pytest.mark.parametrize("folder", sorted(path.parent for path in SHIPPED.glob("*/suite.yaml")))
def test_no_shipped_case_copies_another_or_what_the_product_learns_from(
    folder: Path, embed: "Embed"
) -> None:
    seen = {
        line.check: line
        for line in texts.lines(load(folder), Product(taught=subject.taught()), embed)
    }
    assert set(seen) == {"splits", "leakage", "copies of the product"}
    assert [detail for line in seen.values() for detail in line.details] == []


def test_the_bound_tells_one_request_said_twice_from_two_of_one_topic(embed: "Embed") -> None:
    bounds = Bounds()
    limits = Limits(bounds.alike_letters, bounds.alike_meaning)

    def copies(pairs: list[tuple[str, str]]) -> list[int]:
        one, other = ([pair[side] for pair in pairs] for side in (0, 1))
        found = Texts(other, embed(other)).copies(Texts(one, embed(one)), limits)
        return [copy.one for copy in found]

    assert copies(SAME) == [0, 1, 2, 3, 4]
    assert copies(OTHER) == []


def test_what_the_product_learns_from_is_all_there() -> None:
    """Utterances, examples of actions, titles, decision cases and attacks, each known by its origin."""
    taught = subject.taught()
    origins = {each.origin.partition(" ")[0] for each in taught}
    assert {"label", "action", "act", "ambiguity", "tone", "decision", "attack"} <= origins
    assert len({each.text for each in taught}) == len(taught) > 15_000
    known = {each.text for each in taught}
    assert {article.title for article in subject.register()} <= known
