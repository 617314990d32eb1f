"""The check: a statement stands in its passage, or it is cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot.author.draft import Draft, Statement
from copilot.conversation import Citation
from copilot.grounding import check, covers

PASSAGE = (
    "A new password works for web sign-in within 5 minutes and for VPN, Wi-Fi and Windows sign-in "
    "within 15 minutes. Reset it at https://passwordreset.larkfield.example with two methods."
)


def quote(text: str, *, section: str = "In short", article: str = "kb-1") -> Statement:
    citation = Citation(
        article_id=article,
        title="t",
        section=section,
        quote=text,
        reviewed_on="2026-01-01",
        version="1",
    )
    return Statement(text, "quote", citation)


def served(article_id: str, section: str) -> str | None:
    return PASSAGE if (article_id, section) == ("kb-1", "In short") else None


@pytest.mark.parametrize(
    "invented",
    [
        "A new password works for VPN, Wi-Fi and Windows sign-in within 30 minutes.",
        "Reset it at https://reset.evil.example with two methods.",
        "Run gpupdate.exe /force and a new password works.",
        "Call FORM-ACC-01 and the password works within 15 minutes.",
        "Ask your manager to approve the reset and wait for the confirmation by letter.",
    ],
)
def test_what_the_passage_does_not_say_is_cut(invented: str) -> None:
    draft = check(Draft((quote(invented),)), served)
    assert draft.statements == ()
    assert not draft.grounded
    assert draft.cut == 1


def test_what_the_passage_says_stays() -> None:
    kept = quote("A new password works for web sign-in within 5 minutes")
    assert check(Draft((kept,)), served).statements == (kept,)


def test_an_article_that_is_not_served_supports_nothing() -> None:
    draft = check(Draft((quote("A new password works", article="kb-2"),)), served)
    assert not draft.grounded


def test_a_heading_goes_with_the_last_line_that_it_introduced() -> None:
    heading = Statement("What to do:", needs_next=True)
    draft = check(Draft((heading, quote("Dial 999 for help"))), served)
    assert draft.statements == ()


@given(st.integers(min_value=16, max_value=10_000))
def test_no_number_slips_through(number: int) -> None:
    assert not covers(PASSAGE, f"Windows sign-in within {number} minutes")


@given(st.text(max_size=200))
def test_a_text_supports_itself(text: str) -> None:
    assert covers(text, text)
