from datetime import date
from pathlib import Path

import pytest

from knowledge.corpus import CorpusError, Source, load_corpus
from knowledge.sites import SourceProfile
from tests.knowledge.house import article_text, write_article

SITE = SourceProfile("intranet", owner="service-desk", reviewed_on=date(2026, 1, 1))


def test_folder_is_read_with_its_sub_folders_in_the_order_of_ids(tmp_path: Path) -> None:
    write_article(tmp_path / "b" / "c", 1, "projector")
    write_article(tmp_path / "a", 2, "headset")
    (tmp_path / "README.md").write_text("For authors.")
    (tmp_path / ".drafts").mkdir()
    (tmp_path / ".drafts" / "x.md").write_text("half")
    corpus = load_corpus([tmp_path])
    assert [article.id for article in corpus.articles] == ["kb-0001", "kb-0002"]
    assert corpus.by_id["kb-0001"].source == "b/c/projector.md"


def test_problems_of_all_files_are_listed_together(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("no front matter")
    (tmp_path / "b.md").write_text(article_text(1, "projector", owner=""))
    with pytest.raises(CorpusError) as caught:
        load_corpus([tmp_path, tmp_path / "absent"])
    text = str(caught.value)
    assert text.startswith("3 problems in the knowledge base. Mend them and run the command again:")
    assert "a.md:1: The file does not start with front matter" in text
    assert "b.md:1: The key 'owner' is missing." in text
    assert "absent:1: The folder does not exist." in text


def test_double_ids_and_titles_are_problems(tmp_path: Path) -> None:
    write_article(tmp_path, 1, "projector")
    write_article(tmp_path / "x", 1, "headset")
    write_article(tmp_path / "y", 2, "projector", title='"The  Projector does not START"')
    with pytest.raises(CorpusError) as caught:
        load_corpus([tmp_path])
    assert [str(problem) for problem in caught.value.problems] == [
        "x/headset.md:1: The id 'kb-0001' is also that of projector.md.",
        "y/projector.md:1: The title 'The  Projector does not START' is also that of projector.md.",
    ]


def test_folder_without_articles_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="No article was found"):
        load_corpus([tmp_path])


def test_digest_changes_with_what_articles_say_not_with_where_they_lie(tmp_path: Path) -> None:
    path = write_article(tmp_path, 1, "projector")
    before = load_corpus([tmp_path]).digest
    path.rename(tmp_path / "moved.md")
    assert load_corpus([tmp_path]).digest == before
    write_article(tmp_path, 1, "projector", reviewed_on="2026-07-01")
    (tmp_path / "moved.md").unlink()
    assert load_corpus([tmp_path]).digest != before


def test_site_pages_stand_beside_house_articles(tmp_path: Path) -> None:
    write_article(tmp_path / "house", 1, "projector")
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "README.md").write_text("# Printing\n\nPress print.\n")
    (tmp_path / "site" / "empty.html").write_text("<html><nav>Home</nav></html>")
    corpus = load_corpus([tmp_path / "house", Source(tmp_path / "site", SITE)])
    assert [article.id for article in corpus.articles] == ["intranet/README", "kb-0001"]
    assert [str(problem) for problem in corpus.skipped] == [
        "empty.html:1: The page holds no text to quote. It is left out."
    ]


def test_shipped_articles_are_a_hundred_or_more_without_a_problem() -> None:
    corpus = load_corpus([Path(__file__).parents[2] / "knowledge" / "articles"])
    assert len(corpus.articles) >= 100
