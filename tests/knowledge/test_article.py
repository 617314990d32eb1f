from datetime import date
from pathlib import Path

import pytest

from knowledge.article import ANY_NAME, ArticleError, Vocabulary, parse_article, parse_text
from tests.knowledge.house import BODY, article_text

ROOT = Path(__file__).parents[2]


def problems_of(text: str, vocabulary: Vocabulary = ANY_NAME) -> list[str]:
    with pytest.raises(ArticleError) as caught:
        parse_text(text, "a.md", vocabulary)
    return [str(problem) for problem in caught.value.problems]


def test_house_article_keeps_its_metadata_and_sections() -> None:
    article = parse_text(article_text(7, "projector", aliases='{de: ["Beamer kaputt"]}'), "a.md")
    assert article.id == "kb-0007"
    assert article.aliases == {"de": ("Beamer kaputt",)}
    assert [section.kind for section in article.sections] == [
        "in_short", "symptoms", "cause", "steps", "good_to_know", "check", "if_not", "who",
    ]  # fmt: skip
    assert article.sections[3].text.startswith("1. Unplug the projector.\n2. ")


def test_sub_headings_give_path_and_platform() -> None:
    steps = "### Windows\n1. Press Start.\n\n### macOS\n1. Press the apple.\n\n### If it is off\n1. Turn it on."
    article = parse_text(article_text(1, "laptop", BODY | {"Steps": steps}), "a.md")
    found = [(s.path, s.kind, s.platform) for s in article.sections if s.kind == "steps"]
    assert found == [
        ("Steps > Windows", "steps", "windows"),
        ("Steps > macOS", "steps", "macos"),
        ("Steps > If it is off", "steps", None),
    ]


def test_all_problems_are_listed_at_once_with_their_lines() -> None:
    vocabulary = Vocabulary(
        labels={"vpn": frozenset({"install"})},
        owners=frozenset({"network"}),
        facts=frozenset({"VPN-01"}),
        regions=frozenset({"Leeds"}),
    )
    text = article_text(
        1, "projector", owner="nobody", facts="[VPN-99]", regions="[Mars]", platforms="[amiga]"
    )
    assert problems_of(text, vocabulary) == [
        "a.md:4: The category 'devices' is unknown. Known here: vpn.",
        "a.md:7: The platforms 'amiga' is unknown. Known here: android, any, ios, macos, web, windows.",
        "a.md:8: The regions 'Mars' is unknown. Known here: Leeds, any.",
        "a.md:9: The owner 'nobody' is unknown. Known here: network.",
        "a.md:13: The facts 'VPN-99' is unknown. Known here: VPN-01.",
    ]


def test_unknown_subcategory_is_a_problem_of_its_line() -> None:
    vocabulary = Vocabulary(labels={"devices": frozenset({"lost"})})
    assert problems_of(article_text(1, "projector"), vocabulary) == [
        "a.md:5: The subcategory 'broken' is unknown. Known here: lost."
    ]


def test_unknown_missing_double_and_unusable_keys_are_problems() -> None:
    text = article_text(1, "projector", owner="", reviewed_on="someday", exhibit="stale")
    text = text.replace("version: ", 'version: "0"\nversion: ')
    found = problems_of(text)
    assert found[0] == "a.md:1: The key 'owner' is missing. Add it to the front matter."
    assert found[1].startswith("a.md:9: The value 'someday' of 'reviewed_on' is not usable: ")
    assert found[2] == "a.md:12: The key 'version' stands twice. Remove one."
    assert found[3].startswith("a.md:16: The key 'exhibit' is unknown. Known keys: id, title,")


def test_sections_must_be_there_in_order_once_and_filled() -> None:
    wrong = {
        "Steps": "1. Go.",
        "Cause": "- **C.** d.",
        "Steps ": "1. Go.",
        "Gossip": "x",
        "Who can help": " ",
    }
    found = "\n".join(problems_of(article_text(1, "projector", wrong)))
    assert "The section 'Cause' must stand before 'Steps'." in found
    assert "The section 'Steps' stands twice. Merge them." in found
    assert "The section 'Gossip' is unknown. Known: In short, Symptoms," in found
    assert "The section 'Who can help' is empty. Write it." in found
    assert "The section 'Symptoms' is missing. Add it." in found


def test_text_and_title_above_the_sections_are_problems() -> None:
    text = article_text(1, "projector").replace("## In short", "Hello.\n\n# Title\n\n## In short")
    found = "\n".join(problems_of(text))
    assert "Text stands before the first heading." in found
    assert "The heading 'Title' has one #. The title stands in the front matter." in found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a.md:1: The file does not start with front matter (--- key: value ---)."),
        ("# Title\n", "a.md:1: The file does not start with front matter (--- key: value ---)."),
        ("---\n- a\n---\n", "a.md:2: The front matter is not a list of `key: value` lines."),
        ("---\nid: [a\n---\n", "a.md:3: The front matter is no YAML: "),
    ],
)
def test_what_is_no_front_matter_is_said(text: str, message: str) -> None:
    assert any(found.startswith(message) for found in problems_of(text))


def test_file_that_is_not_utf8_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_bytes(b"---\nid: caf\xe9\n---\n")
    with pytest.raises(ArticleError, match=r"a\.md:1: The file is not UTF-8 \(byte 11\)\."):
        parse_article(path)


def test_article_is_stale_the_day_after_its_review_is_due() -> None:
    article = parse_text(article_text(1, "projector", review_every_days="30"), "a.md")
    assert not article.is_stale(date(2026, 7, 1))
    assert article.is_stale(date(2026, 7, 2))


def test_every_exhibit_of_the_museum_is_refused() -> None:
    exhibits = sorted((ROOT / "knowledge" / "museum").glob("*-*.md"))
    assert exhibits
    for path in exhibits:
        with pytest.raises(ArticleError, match="The key 'exhibit' is unknown"):
            parse_article(path)
