import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from knowledge.corpus import load_corpus
from knowledge.embedding import Embedder
from knowledge.findings import Reader
from knowledge.index import BuildError, VectorIndex, build_version
from knowledge.search import Library
from knowledge.shelf import digests
from knowledge.versions import (
    IndexOwnedError,
    IndexUnavailableError,
    UnknownVersionError,
    list_versions,
    owning,
    read_pointer,
    use_version,
    version_dir,
)
from tests.knowledge.conftest import Build
from tests.knowledge.house import write_article

ROOT = Path(__file__).parents[2]


def serving(index_dir: Path) -> list[str]:
    with Library.open(index_dir) as library:
        return [card.id for card in library.cards]


def test_build_reports_what_it_did_and_serves(build: Build, index_dir: Path) -> None:
    report = build()
    assert (report.articles, report.passages, report.added, report.reused) == (6, 48, 48, False)
    assert read_pointer(index_dir) == report.version
    assert serving(index_dir) == [f"kb-{n:04}" for n in range(1, 7)]


def test_same_articles_give_the_same_version_at_once(build: Build) -> None:
    first = build()
    again = build()
    assert (again.version, again.reused, again.passages) == (first.version, True, 48)


def test_only_what_changed_is_embedded(
    build: Build, articles: Path, index_dir: Path, model_dir: Path, tmp_path: Path
) -> None:
    from knowledge.vectors import VectorStore

    embedder = Embedder(model_dir, cache=VectorStore("own", tmp_path / "vectors", None))
    first = build_version(index_dir, load_corpus([articles]), embedder)
    assert first.embedded > 48
    path = articles / "projector.md"
    path.write_text(path.read_text().replace("Unplug the projector.", "Switch the projector off."))
    second = build_version(index_dir, load_corpus([articles]), embedder)
    assert (second.added, second.unchanged, second.deleted, second.embedded) == (1, 47, 0, 1)
    build_version(index_dir, load_corpus([articles]), embedder, extras_key="other")
    fresh = Embedder(model_dir, cache=VectorStore("own", tmp_path / "vectors", None))
    assert fresh.uncached(["The projector does not start\n1. Switch the projector off."]) in {0, 1}
    path.write_text(path.read_text().replace("ten seconds", "a minute"))
    third = build_version(index_dir, load_corpus([articles]), fresh)
    assert third.embedded == 1


def test_deleted_article_is_gone_from_every_file(
    build: Build, articles: Path, index_dir: Path, embedder: Embedder
) -> None:
    build()
    (articles / "headset.md").unlink()
    report = build(keep=1)
    assert report.deleted == 8
    folder = version_dir(index_dir, report.version)
    assert not any(name.startswith("kb-0004") for name in digests(folder))
    kept = [p for p in index_dir.rglob("*") if p.is_file() and b"headset" in p.read_bytes()]
    assert kept == []
    with Library.open(index_dir) as library:
        question = "The headset does not start"
        found = library.search(
            question,
            embedder.embed_queries([question]),
            Reader(),
            at=load_corpus([articles]).articles[0].reviewed_on,
        )
    assert "kb-0004" not in {hit.article_id for hit in found.hits}


def test_only_the_last_versions_are_kept(build: Build, articles: Path, index_dir: Path) -> None:
    built = []
    for number in range(10, 15):
        write_article(articles, number, f"thing {number}")
        built.append(build(keep=3).version)
    assert [version.id for version in list_versions(index_dir)] == built[:1:-1]


def test_rolling_back_swaps_the_pointer_only(build: Build, articles: Path, index_dir: Path) -> None:
    first = build().version
    write_article(articles, 10, "scanner")
    second = build().version
    library = Library.open(index_dir)
    assert library.version == second
    assert not library.refresh()
    use_version(index_dir, first)
    assert library.refresh()
    assert library.version == first
    assert [version.current for version in list_versions(index_dir)] == [False, True]
    library.close()


def test_unknown_version_is_refused_and_names_those_there(build: Build, index_dir: Path) -> None:
    version = build().version
    with pytest.raises(UnknownVersionError, match=f"'nope' is unknown. Versions here: {version}"):
        use_version(index_dir, "nope")
    with pytest.raises(UnknownVersionError):
        use_version(index_dir, "../versions")


@pytest.mark.parametrize(
    "name", ["shelf.sqlite", "cards.json", "chroma/chroma.sqlite3", "manifest.json"]
)
def test_damaged_version_is_refused_and_built_again(
    build: Build, articles: Path, index_dir: Path, name: str
) -> None:
    first = build().version
    write_article(articles, 10, "scanner")
    second = build().version
    (version_dir(index_dir, first) / name).write_bytes(b"x")
    with pytest.raises(UnknownVersionError, match="is damaged: "):
        use_version(index_dir, first)
    assert read_pointer(index_dir) == second
    (articles / "scanner.md").unlink()
    assert not build().reused
    assert serving(index_dir) == [f"kb-{n:04}" for n in range(1, 7)]


def test_extras_are_part_of_the_version_and_may_search_it(
    build: Build, index_dir: Path, embedder: Embedder
) -> None:
    seen = []

    def extras(folder: Path) -> None:
        with Library.at(folder) as library:
            rated = library.rate("The headset", embedder.embed_queries(["The headset"])[0])
            seen.append(library.cards[int(rated.ranked.articles[0])].id)
        (folder / "extra.txt").write_text("more")

    version = build(extras=extras, extras_key="a").version
    assert seen == ["kb-0004"]
    assert (version_dir(index_dir, version) / "extra.txt").read_text() == "more"
    assert build(extras_key="b").version != version
    (version_dir(index_dir, version) / "extra.txt").unlink()
    with pytest.raises(UnknownVersionError, match=r"extra\.txt is missing"):
        use_version(index_dir, version)


def test_failing_extras_leave_the_old_version_serving(
    build: Build, articles: Path, index_dir: Path
) -> None:
    first = build().version
    write_article(articles, 10, "scanner")

    def extras(folder: Path) -> None:
        raise ValueError(folder.name)

    with pytest.raises(ValueError, match="building"):
        build(extras=extras)
    assert read_pointer(index_dir) == first
    assert [path.name for path in (index_dir / "versions").iterdir()] == [first]


def test_half_built_version_is_cleared_by_the_next_build(build: Build, index_dir: Path) -> None:
    (index_dir / "versions" / "abc.building").mkdir(parents=True)
    build()
    assert len(list((index_dir / "versions").iterdir())) == 1


def test_index_that_does_not_find_its_rows_fails_the_check(tmp_path: Path) -> None:
    vectors = np.eye(8, dtype=np.float32)
    with VectorIndex(tmp_path, create=True) as index:
        index.add(vectors[:6])
        index.check(vectors[:6])
        with pytest.raises(BuildError, match="holds 6 rows, expected 8"):
            index.check(vectors)
        with pytest.raises(BuildError, match="does not find row 0 by its own vector"):
            index.check(-vectors[:6])


def test_missing_index_says_what_to_do(index_dir: Path) -> None:
    with pytest.raises(IndexUnavailableError, match="Build one with `copilot index sync`"):
        Library.open(index_dir)


def test_second_process_is_refused_with_the_owners_pid(build: Build, index_dir: Path) -> None:
    build()
    program = (
        "from pathlib import Path\nfrom knowledge.search import Library\n"
        f"library = Library.open(Path({str(index_dir)!r}))\nprint('open', flush=True)\ninput()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert other.stdout
        assert other.stdout.readline() == "open\n"
        with pytest.raises(IndexOwnedError, match=f"in use by process {other.pid}"):
            Library.open(index_dir)
    finally:
        other.kill()
        other.communicate()
    assert serving(index_dir)


def test_a_dead_owner_owns_nothing(tmp_path: Path) -> None:
    program = (
        "import os\nfrom pathlib import Path\nfrom knowledge.versions import own\n"
        f"lock = own(Path({str(tmp_path)!r}))\nos.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False)
    assert done.returncode == -9
    with owning(tmp_path):
        assert str(os.getpid()) in (tmp_path / "owner.json").read_text()
