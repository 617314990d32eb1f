from datetime import UTC, datetime, timedelta

import pytest

from integrations.shown.moments import day, due, moment, span
from integrations.shown.text import blocks, spans

AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


def shape(text: str) -> list[tuple[str, int]]:
    return [(block.kind, len(block.items)) for block in blocks(text)]


def links(text: str) -> list[str]:
    return [span.text for span in spans(text) if span.is_link]


def test_neighbouring_lines_of_a_kind_become_one_list() -> None:
    text = "What to do:\n1. Sync.\n2. Restart.\n\n- Either\n- or\nDone."
    assert shape(text) == [("paragraph", 1), ("numbers", 2), ("bullets", 2), ("paragraph", 1)]


def test_a_list_that_counts_anew_is_another_list() -> None:
    assert [block.start for block in blocks("1. a\n2. b\n1. c\n7. d")] == [1, 1, 7]


def test_a_paragraph_that_announces_a_list_is_marked() -> None:
    assert [block.leads_in for block in blocks("Do:\n- a\nNote:\nend")] == [
        True,
        False,
        False,
        False,
    ]


def test_a_number_at_the_start_of_a_sentence_is_no_list() -> None:
    assert shape("2026 was long\n3.5 hours\n-5 degrees") == [("paragraph", 1)] * 3


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("See https://id.example/a?b=1&c=2.", ["https://id.example/a?b=1&c=2"]),
        ("(https://id.example/x), then", ["https://id.example/x"]),
        ("https://id.example/wiki/A_(b) ok", ["https://id.example/wiki/A_(b)"]),
        ("http://id.example javascript:alert(1) data:x ftp://a", []),
        ('https://id.example/"onclick=', ["https://id.example/"]),
        ("https://a.example https://b.example!", ["https://a.example", "https://b.example"]),
    ],
)
def test_only_https_addresses_become_links(text: str, found: list[str]) -> None:
    assert links(text) == found
    assert "".join(span.text for span in spans(text)) == text


def test_times_are_words() -> None:
    assert moment(AT) == "22 Nov 2026, 09:30 UTC"
    assert day("2026-09-01") == "1 Sep 2026"
    assert day("unknown") == "unknown"
    assert span(timedelta(days=1, hours=2, minutes=3)) == "1 day 2 hours"
    assert span(timedelta(seconds=59)) == "less than a minute"
    assert due(AT + timedelta(hours=1), AT) == "in 1 hour"
    assert due(AT - timedelta(minutes=20), AT) == "overdue by 20 minutes"
