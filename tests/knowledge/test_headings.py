from knowledge.outline import kind_of, parts, platform_of, title_of


def paths(body: str) -> list[str]:
    return [" > ".join(part.path) for part in parts(body)]


def test_atx_and_setext_headings_nest() -> None:
    body = "Title\n=====\n\nintro\n\nPart\n----\n\ntext\n\n### Deep ###\n\nmore\n"
    assert paths(body) == ["Title", "Title > Part", "Title > Part > Deep"]


def test_skipped_levels_keep_their_parents() -> None:
    assert paths("# A\n\n#### D\n\n## B\n\n### C\n") == ["A", "A > D", "A > B", "A > B > C"]


def test_headings_inside_code_and_quotes_are_text() -> None:
    body = "## A\n\n```sh\n# comment\n```\n\n    ## indented\n\n> ## quoted\n"
    assert paths(body) == ["A"]
    assert "# comment" in parts(body)[0].text


def test_text_before_the_first_heading_is_kept() -> None:
    found = parts("hello\n\n## A\n\ntext")
    assert (found[0].path, found[0].text) == ((), "hello")


def test_only_line_feeds_end_a_line() -> None:
    found = parts("## A\r\n\r\nold\x0cpage\u2028break\x85here\r\n\r\n## B\r\n\r\nlast\r\n")
    assert [(p.path, p.text) for p in found] == [
        (("A",), "old\x0cpage\u2028break\x85here"),
        (("B",), "last"),
    ]


def test_lines_count_from_the_given_one() -> None:
    assert [part.line for part in parts("## A\n\ntext\n\n## B\n", first_line=10)] == [10, 14]


def test_one_heading_above_all_is_the_title() -> None:
    title, rest = title_of(parts("# T\n\nintro\n\n## A\n\ntext"))
    assert title == "T"
    assert [part.path for part in rest] == [(), ("A",)]


def test_several_headings_of_the_second_level_are_no_title() -> None:
    title, rest = title_of(parts("## A\n\n## B\n"))
    assert title is None
    assert [part.path for part in rest] == [("A",), ("B",)]


def test_links_and_marks_in_headings_are_not_read() -> None:
    assert paths("## [Set *up*](x.md) `code` {#anchor}\n") == ["Set up code"]


def test_kind_is_that_of_the_innermost_known_heading() -> None:
    assert kind_of(("Good to know", "Steps:")) == "steps"
    assert kind_of(("Cause", "Old cable")) == "cause"
    assert kind_of(("History",)) == "other"


def test_platform_is_named_by_one_heading_alone() -> None:
    assert platform_of(("Steps", "On your iPhone or iPad")) == "ios"
    assert platform_of(("Steps", "Mac OS X")) == "macos"
    assert platform_of(("Windows", "If it is off")) == "windows"
    assert platform_of(("Linux & macOS and Windows",)) is None
    assert platform_of(("The machine room",)) is None
