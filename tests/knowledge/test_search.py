from datetime import date
from pathlib import Path

import pytest

from knowledge.embedding import Embedder
from knowledge.findings import Findings, Reader
from knowledge.search import CONFIDENCE_FILE, Library, UnknownArticleError
from knowledge.versions import IndexUnavailableError, version_dir
from tests.knowledge.conftest import Build
from tests.knowledge.house import BODY, article_text, write_article

TODAY = date(2026, 11, 22)


class Asker:
    """Asks one library the same way."""

    def __init__(self, library: Library, embedder: Embedder) -> None:
        self.library = library
        self.embedder = embedder

    def __call__(self, text: str, reader: Reader = Reader(), **options: object) -> Findings:  # noqa: B008
        vector = self.embedder.embed_queries([text])
        given = {"at": TODAY} | options
        return self.library.search(text, vector, reader, **given)  # type: ignore[arg-type]


@pytest.fixture
def ask(library: Library, embedder: Embedder) -> Asker:
    return Asker(library, embedder)


def rebuilt(build: Build, index_dir: Path, embedder: Embedder) -> Asker:
    build()
    return Asker(Library.open(index_dir), embedder)


def ids(findings: Findings) -> list[str]:
    return [hit.article_id for hit in findings.hits]


def test_the_article_about_the_thing_comes_first_with_its_passages(ask: Asker) -> None:
    found = ask("my headset stays silent, what do I do with the cable?")
    hit = found.hits[0]
    assert (hit.article_id, hit.title, hit.stale) == (
        "kb-0004",
        "The headset does not start",
        False,
    )
    assert (hit.reviewed_on, hit.version) == (date(2026, 6, 1), "1")
    assert {passage.article_id for passage in hit.passages} == {"kb-0004"}
    assert hit.passages[0].score >= hit.passages[-1].score
    assert found.version == ask.library.version
    assert 0 < found.confidence < 1
    assert found.signals["cosine_top"] > 0.4


def test_the_same_question_gives_the_same_findings(ask: Asker) -> None:
    assert ask("badge reader beeps") == ask("badge reader beeps")


def test_no_more_than_the_limit(ask: Asker) -> None:
    assert len(ask("does not start", limit=2).hits) == 2
    assert len(ask("does not start", limit=50).hits) == 6


@pytest.mark.parametrize("text", ["", "   ", "\x00\ufffd", "qwxz " * 3000, "((((", "日本語の質問"])
def test_odd_questions_find_something_or_nothing_but_never_fail(ask: Asker, text: str) -> None:
    assert isinstance(ask(text), Findings)


def test_only_the_readers_audience_region_and_platform(
    articles: Path, build: Build, index_dir: Path, embedder: Embedder
) -> None:
    write_article(articles, 20, "payment terminal", audience="[finance]")
    write_article(articles, 21, "lab scanner", regions="[Boston]")
    write_article(articles, 22, "pocket beamer", platforms="[macos, ios]")
    write_article(articles, 23, "web kiosk", platforms="[web]")
    ask = rebuilt(build, index_dir, embedder)
    finance = Reader(groups=frozenset({"all_staff", "finance"}))
    assert "kb-0020" not in ids(ask("the payment terminal does not start", limit=20))
    assert ids(ask("the payment terminal does not start", finance))[0] == "kb-0020"
    leeds, boston = Reader(region="Leeds"), Reader(region="Boston")
    assert "kb-0021" not in ids(ask("the lab scanner does not start", leeds, limit=20))
    assert ids(ask("the lab scanner does not start", boston))[0] == "kb-0021"
    assert ids(ask("the lab scanner does not start"))[0] == "kb-0021"
    windows, mac = Reader(platform="windows"), Reader(platform="macos")
    assert "kb-0022" not in ids(ask("the pocket beamer does not start", windows, limit=20))
    assert ids(ask("the pocket beamer does not start", mac))[0] == "kb-0022"
    assert ids(ask("the web kiosk does not start", windows))[0] == "kb-0023"
    assert ids(ask("anything", Reader(groups=frozenset()), limit=20)) == []
    ask.library.close()


def test_stale_articles_are_found_apart(
    articles: Path, build: Build, index_dir: Path, embedder: Embedder
) -> None:
    write_article(articles, 20, "fax machine", reviewed_on="2024-01-01")
    write_article(articles, 21, "secret fax", reviewed_on="2024-01-01", audience="[finance]")
    ask = rebuilt(build, index_dir, embedder)
    found = ask("the fax machine does not start", limit=20)
    assert "kb-0020" not in ids(found)
    assert [(hit.article_id, hit.stale) for hit in found.stale_hits] == [("kb-0020", True)]
    earlier = ask("the fax machine does not start", at=date(2024, 6, 1))
    assert ids(earlier)[0] == "kb-0020"
    assert earlier.stale_hits == ()
    later = ask("the fax machine does not start", at=date(2030, 1, 1), limit=20)
    assert (later.hits, later.confidence, later.answerable) == ((), 0.0, False)
    assert len(later.stale_hits) == 7
    ask.library.close()


def test_an_article_is_found_however_many_nearer_ones_may_not_be_read(
    articles: Path, build: Build, index_dir: Path, embedder: Embedder
) -> None:
    body = dict.fromkeys(BODY, "- The safe in the vault is locked.")
    for number in range(100, 180):
        text = article_text(number, f"safe {number}", body, audience="[guards]")
        (articles / f"safe-{number}.md").write_text(text)
    ask = rebuilt(build, index_dir, embedder)
    found = ask("the safe in the vault is locked", limit=5)
    assert len(found.hits) == 5
    assert all(not article_id.startswith("kb-01") for article_id in ids(found))
    ask.library.close()


def test_aliases_in_other_languages_find_their_article_and_are_never_shown(
    articles: Path, build: Build, index_dir: Path, embedder: Embedder
) -> None:
    write_article(
        articles, 20, "whiteboard", aliases='{de: ["Die Tafel reagiert nicht auf den Stift"]}'
    )
    ask = rebuilt(build, index_dir, embedder)
    found = ask("tafel reagiert nicht mehr auf den stift", language="de")
    assert ids(found)[0] == "kb-0020"
    shown = [passage for hit in found.hits for passage in hit.passages]
    assert shown
    assert not any("Tafel" in passage.text for passage in shown)
    assert all(hit.passages for hit in found.hits)
    ask.library.close()


def test_articles_of_a_likely_label_are_candidates_whatever_their_wording(
    articles: Path, build: Build, index_dir: Path, embedder: Embedder
) -> None:
    for number in range(100, 140):
        write_article(articles, number, f"gadget {number}")
    write_article(articles, 20, "oddity", subcategory="rare")
    ask = rebuilt(build, index_dir, embedder)
    question = "the gadget does not start"
    assert "kb-0020" not in ids(ask(question, limit=40))
    vector = embedder.embed_queries([question])
    rated = ask.library.rate(question, vector, prior={"devices.rare": 0.9})
    found = [ask.library.cards[number].id for number in rated.ranked.articles.tolist()]
    assert "kb-0020" in found
    ask.library.close()


def test_articles_and_sentences_are_read_by_id(library: Library, embedder: Embedder) -> None:
    assert library.article("kb-0001").title == "The projector does not start"
    vector = embedder.embed_queries(["may I open it?"])
    found = library.sentences("kb-0001", vector)
    assert found[0][:2] == ("Never open the projector yourself.", "Good to know")
    assert [cosine for *_, cosine in found] == sorted((c for *_, c in found), reverse=True)
    assert len(found) == 3
    with pytest.raises(UnknownArticleError, match=r"Article 'kb-9999' is not in index version"):
        library.article("kb-9999")


def test_open_library_follows_a_new_version(
    library: Library, articles: Path, build: Build, embedder: Embedder
) -> None:
    write_article(articles, 20, "scanner")
    version = build().version
    assert library.refresh()
    assert library.version == version
    assert ids(Asker(library, embedder)("the scanner does not start"))[0] == "kb-0020"


def test_damaged_new_version_leaves_the_open_one_serving(
    library: Library, articles: Path, build: Build, index_dir: Path, embedder: Embedder
) -> None:
    before = library.version
    write_article(articles, 20, "scanner")
    (version_dir(index_dir, build().version) / "cards.json").write_text("[")
    assert not library.refresh()
    assert library.version == before
    assert library.problem is not None
    assert "is damaged: cards.json has 1 bytes" in library.problem
    assert Asker(library, embedder)("the headset does not start").hits


@pytest.mark.parametrize(
    "name", ["shelf.sqlite", "vectors.npy", "cards.json", "lexical/rows/params.index.json"]
)
def test_damaged_files_are_told_at_opening(build: Build, index_dir: Path, name: str) -> None:
    path = version_dir(index_dir, build().version) / name
    path.write_bytes(b"\x00" * path.stat().st_size)
    with pytest.raises(IndexUnavailableError, match=r"can't be read .* or build again"):
        Library.open(index_dir)


def test_damaged_vector_store_is_told(build: Build, index_dir: Path) -> None:
    path = version_dir(index_dir, build().version) / "chroma" / "chroma.sqlite3"
    path.write_bytes(path.read_bytes()[:100] + b"\x00" * 5000)
    with pytest.raises(IndexUnavailableError, match="can't be opened"):
        Library.open(index_dir)


@pytest.mark.parametrize("text", ["{", "{}", '{"fingerprint": "another", "names": []}'])
def test_confidence_of_another_index_is_refused(build: Build, index_dir: Path, text: str) -> None:
    def extras(folder: Path) -> None:
        (folder / CONFIDENCE_FILE).write_text(text)

    build(extras=extras)
    with pytest.raises(IndexUnavailableError):
        Library.open(index_dir)
