from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.article import parse_text
from knowledge.chunking import (
    MAX_TOKENS,
    TARGET_WORDS,
    chunks,
    estimate_tokens,
    sentences,
    split,
    split_sentences,
)
from knowledge.embedding import Embedder
from tests.knowledge.house import BODY, article_text

words = st.text(st.characters(exclude_categories=["Cs", "Z", "Cc"]), min_size=1, max_size=40)
lines = st.lists(words, min_size=1, max_size=60).map(" ".join)
texts = st.lists(lines, min_size=1, max_size=15).map("\n".join) | st.lists(lines, max_size=6).map(
    "\n\n- ".join
)


def squeezed(text: str) -> str:
    return "".join(text.split())


@settings(max_examples=60, deadline=None)
@given(text=texts)
def test_no_text_is_lost_and_sizes_are_held(text: str) -> None:
    pieces = split(text, "A title of some words\n")
    assert squeezed("".join(pieces)) == squeezed(text)
    assert all(len(piece.split()) <= TARGET_WORDS for piece in pieces)
    assert all(estimate_tokens("A title of some words\n" + piece) <= MAX_TOKENS for piece in pieces)


@settings(max_examples=40, deadline=None)
@given(text=texts)
def test_with_the_tokenizer_the_model_reads_every_passage_whole(
    text: str, embedder: Embedder
) -> None:
    for piece in split(text, "title\n", embedder.count_tokens):
        assert embedder.count_tokens("title\n" + piece) <= MAX_TOKENS


def test_long_section_is_cut_between_items() -> None:
    items = [
        f"{n}. Press the button number {n} and wait until its light is green." for n in range(1, 41)
    ]
    pieces = split("\n".join(items))
    assert len(pieces) > 1
    assert all(piece.endswith("green.") for piece in pieces)


def test_one_endless_word_is_cut() -> None:
    pieces = split("x" * 5000)
    assert "".join(pieces) == "x" * 5000
    assert all(estimate_tokens(piece) <= MAX_TOKENS for piece in pieces)


def test_chunks_follow_the_sections() -> None:
    article = parse_text(article_text(3, "projector"), "a.md")
    found = chunks(article)
    assert [c.id for c in found] == [f"kb-0003#{n}" for n in range(8)]
    assert found[3].section == "Steps"
    assert found[3].embedded == f"The projector does not start\n{found[3].text}"


def test_telling_sub_headings_are_embedded() -> None:
    body = BODY | {"Steps": "### If it is hot\n1. Wait."}
    found = chunks(parse_text(article_text(3, "projector", body), "a.md"))
    assert found[3].embedded == "The projector does not start\nIf it is hot\n1. Wait."


def test_digest_changes_with_the_text_only() -> None:
    one = chunks(parse_text(article_text(3, "projector"), "a.md"))
    same = chunks(parse_text(article_text(3, "projector", owner="print"), "b.md"))
    other = chunks(parse_text(article_text(3, "headset"), "a.md"))
    assert [c.digest for c in one] == [c.digest for c in same]
    assert not {c.digest for c in one} & {c.digest for c in other if c.kind != "if_not"}


def test_sentences_are_those_that_stand_alone() -> None:
    found = sentences(parse_text(article_text(3, "projector"), "a.md"))
    assert [(s.section, s.text) for s in found] == [
        ("In short", "The projector is fixed by restarting it."),
        ("In short", "Wait 5 minutes after projector restarts."),
        ("Good to know", "Never open the projector yourself."),
    ]


def test_sentences_lose_list_marks_and_emphasis_but_no_short_word() -> None:
    text = "- **Wait.** It takes 5 min. at most.\n- Yes.\n\nOpen `Settings` now, please."
    assert split_sentences(text) == [
        "Wait. It takes 5 min. at most.", "Yes.", "Open Settings now, please.",
    ]  # fmt: skip


def test_endless_title_in_another_script_leaves_room_for_the_text(embedder: Embedder) -> None:
    title = "保险柜的钥匙" * 60
    article = parse_text(article_text(3, "projector", title=title), "a.md")
    found = chunks(article, embedder.count_tokens, embedder.max_tokens)
    assert len(found) == 8
    assert all(embedder.count_tokens(chunk.embedded) <= embedder.max_tokens for chunk in found)


def test_model_that_reads_less_gets_shorter_passages(embedder: Embedder) -> None:
    article = parse_text(article_text(3, "projector"), "a.md")
    found = chunks(article, embedder.count_tokens, 30)
    assert all(embedder.count_tokens(chunk.embedded) <= 30 for chunk in found)
    assert squeezed("".join(chunk.text for chunk in found)) == squeezed(
        "".join(section.text for section in article.sections)
    )
