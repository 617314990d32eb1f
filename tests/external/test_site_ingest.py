"""Pages of three real organisations, as their repositories hold them."""

import json
import re
from datetime import date
from pathlib import Path

import pytest

from knowledge.chunking import chunks
from knowledge.corpus import Corpus, Source, load_corpus
from knowledge.sites import SourceProfile

pytestmark = pytest.mark.external

DATA = Path(__file__).parents[3] / "shared" / "data" / "it-kb"
CODE = re.compile(r"```.*?```|~~~.*?~~~|(`+)(?!`).+?(?<!`)\1", re.DOTALL)
LEFT_OVER = re.compile(
    r"\{%|%\}|\{\{|^(?:!!!|\?\?\?|===|:::)|<!--|\[TOC\]|--8<--|\{[:#.]|</?(?:div|table|details|br)\b",
    re.MULTILINE,
)


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    if not DATA.is_dir():
        pytest.skip(f"{DATA} is absent")
    found = {}
    for name in ("docs.jsonl", "distractors_tts_nonit.jsonl"):
        for line in (DATA / name).read_text("utf-8").splitlines():
            row = json.loads(line)
            found[f"{row['source']}/{row['path']}"] = row["text"]
    return found


@pytest.fixture(scope="module")
def corpus(pages: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    folder = tmp_path_factory.mktemp("site")
    for name, text in pages.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    profile = SourceProfile("kb", owner="service-desk", reviewed_on=date(2026, 1, 1))
    return load_corpus([Source(folder, profile)])


def test_every_page_becomes_an_article(pages: dict[str, str], corpus: Corpus) -> None:
    assert {article.source for article in corpus.articles} == pages.keys()
    assert corpus.skipped == ()
    assert all(article.title for article in corpus.articles)


def test_no_templating_is_left_outside_code(corpus: Corpus) -> None:
    left = [
        (article.source, match[0])
        for article in corpus.articles
        for section in article.sections
        for match in LEFT_OVER.finditer(CODE.sub("", section.text))
    ]
    assert left == []


def test_little_text_is_lost(pages: dict[str, str], corpus: Corpus) -> None:
    before = sum(len(text.split()) for text in pages.values())
    after = sum(
        len(f"{section.heading} {section.text}".split())
        for article in corpus.articles
        for section in article.sections
    )
    assert after >= 0.93 * before


def test_every_page_is_cut_into_passages(corpus: Corpus) -> None:
    assert all(chunks(article) for article in corpus.articles)
