"""What search learns from resolved tickets, with the real model and a real vector store."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from knowledge.corpus import load_corpus
from knowledge.embedding import Embedder
from knowledge.findings import Findings, Reader
from knowledge.index import build_version
from knowledge.memory import memories_dir, read_memory
from knowledge.ranking import Weights
from knowledge.remembering import (
    Changes,
    DamagedMemoryError,
    Limits,
    Resolution,
    cursor_of,
    take_in,
    use_memory,
)
from knowledge.search import Library
from knowledge.versions import (
    UnknownVersionError,
    list_versions,
    memory_of,
    read_pointer,
    use_version,
    version_dir,
)
from knowledge.voting import learn_trust, strengths
from tests.knowledge.conftest import Build
from tests.knowledge.house import write_article

TODAY = date(2026, 11, 22)
LIMITS = Limits()
HUM = "the grey thing under my desk hums and the screens go dark"
DOCK, PRINTER = "kb-0005", "kb-0006"
STAFF = ("all_staff",)
ANYBODY = Reader()


class Desk:
    """Resolves tickets and asks the library that learns from them."""

    def __init__(self, index_dir: Path, embedder: Embedder) -> None:
        self.index_dir = index_dir
        self.embedder = embedder
        self.seq = 0
        self.library = Library.open(index_dir)

    def resolution(
        self, problem: str, *articles: str, audience: Sequence[str] = STAFF
    ) -> Resolution:
        self.seq += 1
        return Resolution(self.seq, f"T-{self.seq}", problem, articles, tuple(audience))

    def hums(
        self, count: int = 30, article: str = DOCK, **given: Sequence[str]
    ) -> list[Resolution]:
        """Tickets about the same problem in different words, in an order of days."""
        rooms = ("Oslo", "Lima", "Cairo", "Quito", "Delhi")
        return [
            self.resolution(f"{HUM}, room {rooms[n % 5]} {n}", article, **given)
            for n in range(count)
        ]

    def take(self, *confirmed: Resolution, limits: Limits = LIMITS, **gone: frozenset[str]) -> str:
        self.seq += 1
        changes = Changes(self.seq, confirmed, **gone)
        memory = take_in(self.index_dir, changes, self.embedder, limits)
        self.library.refresh()
        return memory or ""

    def ask(
        self,
        text: str = HUM,
        reader: Reader = ANYBODY,
        library: Library | None = None,
    ) -> Findings:
        vector = self.embedder.embed_queries([text])
        return (library or self.library).search(text, vector, reader, at=TODAY, limit=10)


@pytest.fixture
def desk(build: Build, index_dir: Path, embedder: Embedder) -> Iterator[Desk]:
    build()
    opened = Desk(index_dir, embedder)
    yield opened
    opened.library.close()


def ids(findings: Findings) -> list[str]:
    return [hit.article_id for hit in findings.hits]


def score(findings: Findings, article: str) -> float:
    return next(hit.score for hit in findings.hits if hit.article_id == article)


def without_name(findings: Findings) -> Findings:
    return replace(findings, memory="")


def test_the_article_that_solved_such_tickets_comes_first(desk: Desk) -> None:
    before = desk.ask()
    assert ids(before)[0] != PRINTER
    memory = desk.take(*desk.hums(40, PRINTER))
    after = desk.ask()
    assert ids(after)[0] == PRINTER
    assert (before.memory, after.memory) == ("", memory)
    assert desk.library.memory == memory


def test_no_memory_and_an_empty_one_change_nothing_bit_for_bit(desk: Desk) -> None:
    questions = [HUM, "my headset stays silent", "", "badge reader beeps", "qwxz"]
    before = [desk.ask(text) for text in questions]
    assert desk.take() == ""
    assert not memories_dir(desk.index_dir).exists()
    (only,) = desk.hums(1, PRINTER)
    assert desk.take(only)
    assert desk.take(withdrawn=frozenset({only.ticket}))
    assert desk.library.memory
    assert [without_name(desk.ask(text)) for text in questions] == before


def test_a_weight_of_zero_opens_no_memory(desk: Desk) -> None:
    before = desk.ask()
    desk.take(*desk.hums(40, PRINTER))
    desk.library.close()
    with Library.open(desk.index_dir, weights=Weights(memory=0)) as library:
        assert desk.ask(library=library) == before


def test_few_tickets_lift_less_than_many(desk: Desk) -> None:
    before = desk.ask()
    desk.take(*desk.hums(3, PRINTER))
    few = score(desk.ask(), PRINTER) - score(before, PRINTER)
    desk.take(*desk.hums(40, PRINTER))
    many = score(desk.ask(), PRINTER) - score(before, PRINTER)
    assert 0 <= few < 0.03 < many < Weights().memory


def test_where_tickets_do_not_repeat_nothing_is_learnt(desk: Desk) -> None:
    before = desk.ask()
    subjects = [
        "mouse", "keyboard", "chair", "lamp", "fan", "phone", "tablet", "camera", "scanner", "safe",
    ]  # fmt: skip
    known = [f"kb-{number:04}" for number in range(1, 7)]
    desk.take(
        *(
            desk.resolution(f"my {subject} is broken, case {n}", known[n * 5 % 6])
            for n, subject in enumerate(subjects * 4)
        )
    )
    after = desk.ask()
    assert ids(after) == ids(before)
    assert abs(after.confidence - before.confidence) < 0.001


def test_an_article_that_ends_most_tickets_does_not_win_by_their_number(desk: Desk) -> None:
    often = [
        desk.resolution(f"please order {n} new {thing} for our team", PRINTER)
        for n in range(20)
        for thing in ("chairs", "monitors", "phones", "cables")
    ]
    desk.take(*often, *desk.hums(20, DOCK))
    after = desk.ask()
    assert ids(after)[0] == DOCK
    assert PRINTER not in ids(after)[:2]


def test_resolutions_lift_nothing_past_review_rights_or_removal(
    articles: Path, index_dir: Path, embedder: Embedder
) -> None:
    write_article(articles, 20, "fax machine", reviewed_on="2024-01-01")
    write_article(articles, 21, "payment terminal", audience="[finance]")
    build_version(index_dir, load_corpus([articles]), embedder)
    desk = Desk(index_dir, embedder)
    finance = Reader(groups=frozenset({"all_staff", "finance"}))
    before, allowed = desk.ask(), desk.ask(reader=finance)
    for article in ("kb-0020", "kb-0021", "kb-9999"):
        desk.take(*desk.hums(30, article))
        found = desk.ask()
        assert article not in ids(found)
        assert found.stale_hits == before.stale_hits
    lifted = desk.ask(reader=finance)
    assert score(lifted, "kb-0021") > score(allowed, "kb-0021") + 0.01
    desk.library.close()


def test_only_what_a_reader_may_profit_from_counts(desk: Desk) -> None:
    lawyers = Reader(groups=frozenset({"all_staff", "legal"}))
    before = desk.ask()
    desk.take(*desk.hums(40, PRINTER, audience=("legal",)))
    assert without_name(desk.ask()) == before
    assert ids(desk.ask(reader=lawyers))[0] == PRINTER


def test_near_tickets_of_others_do_not_hide_those_of_the_reader(desk: Desk) -> None:
    own = [desk.resolution(f"{HUM}, really loud, house {n}", PRINTER) for n in range(30)]
    desk.take(*own, *desk.hums(90, DOCK, audience=("legal",)))
    assert ids(desk.ask())[0] == PRINTER


def test_a_memory_raises_no_confidence_and_opens_no_gate(desk: Desk) -> None:
    questions = [
        HUM, "my headset stays silent, what about the cable?", "docking station hums",
        "label printer", "who won the match?", "the projector shows no signal", "it is dark",
    ]  # fmt: skip
    before = [desk.ask(text) for text in questions]
    desk.take(*desk.hums(40, PRINTER))
    for was, now in zip(before, map(desk.ask, questions), strict=True):
        assert now.confidence <= was.confidence
        assert was.answerable or not now.answerable
        if ids(was)[0] == ids(now)[0]:
            assert (now.confidence, now.signals) == (was.confidence, was.signals)


def test_the_first_article_is_doubted_by_its_own_signals(desk: Desk) -> None:
    before = desk.ask()
    desk.take(*desk.hums(40, PRINTER))
    after = desk.ask()
    assert ids(before)[0] != ids(after)[0] == PRINTER
    assert after.confidence < before.confidence
    assert after.signals["lead"] < before.signals["lead"]


def test_the_latest_word_on_a_ticket_counts(desk: Desk) -> None:
    first = desk.hums(40, PRINTER)
    desk.take(*first)
    assert ids(desk.ask())[0] == PRINTER
    desk.take(*(replace(r, seq=r.seq + 100, articles=(DOCK,)) for r in first))
    assert ids(desk.ask())[0] == DOCK
    desk.take(withdrawn=frozenset(r.ticket for r in first))
    assert score(desk.ask(), DOCK) < score(desk.ask(), ids(desk.ask())[0]) + 1
    manifest = read_memory(memories_dir(desk.index_dir) / desk.library.memory)
    assert manifest is not None
    assert manifest.entries == ()


def test_an_index_version_says_which_memory_it_is_used_with(desk: Desk, build: Build) -> None:
    first = desk.take(*desk.hums(5))
    (line,) = list_versions(desk.index_dir)
    assert line.memory == first
    old, before = line.id, desk.ask()
    build(extras_key="another")
    assert desk.library.refresh()
    assert desk.library.memory == first
    second = desk.take(*desk.hums(40, PRINTER))
    stated = {v.id: v.memory for v in list_versions(desk.index_dir)}
    assert stated == {old: first, read_pointer(desk.index_dir): second}

    use_version(desk.index_dir, old)
    assert desk.library.refresh()
    assert desk.library.memory == first
    assert desk.ask() == before
    nothing_new = Changes(cursor_of(desk.index_dir, desk.embedder.fingerprint, LIMITS))
    assert take_in(desk.index_dir, nothing_new, desk.embedder, LIMITS) == second
    desk.library.refresh()
    assert desk.library.memory == first


def test_a_memory_can_be_rolled_back_by_itself(desk: Desk) -> None:
    first = desk.take(*desk.hums(5))
    before = desk.ask()
    second = desk.take(*desk.hums(40, PRINTER))
    use_memory(desk.index_dir, first)
    assert not desk.library.refresh()
    assert desk.ask() == before
    with pytest.raises(UnknownVersionError, match=f"'nothere' is unknown.*{min(first, second)}"):
        use_memory(desk.index_dir, "nothere")


def test_what_must_be_forgotten_is_in_no_memory_that_is_kept(desk: Desk) -> None:
    kept, doomed = desk.hums(1), desk.resolution("my private trouble", PRINTER)
    first = desk.take(*kept)
    desk.take(doomed)
    build_id = read_pointer(desk.index_dir)
    last = desk.take(forgotten=frozenset({doomed.ticket}))
    there = {folder.name for folder in memories_dir(desk.index_dir).glob("*/")}
    assert there == {first, last}
    for name in there:
        manifest = read_memory(memories_dir(desk.index_dir) / name)
        assert manifest is not None
        assert doomed.ticket not in {entry.ticket for entry in manifest.entries}
    assert memory_of(version_dir(desk.index_dir, build_id or "")) == last == desk.library.memory


def test_what_a_crash_left_half_removed_goes_with_the_next_change(desk: Desk) -> None:
    first = desk.take(*desk.hums(1))
    half = shutil.copytree(
        memories_dir(desk.index_dir) / first, memories_dir(desk.index_dir) / "half"
    )
    (half / "memory.json").unlink()
    (memories_dir(desk.index_dir) / "abc.building").mkdir()
    last = desk.take(*desk.hums(1))
    there = {folder.name for folder in memories_dir(desk.index_dir).glob("*/")}
    assert there == {first, last}


def test_an_index_version_whose_memory_was_forgotten_gets_the_newest(
    desk: Desk, build: Build
) -> None:
    doomed = desk.resolution("my private trouble", PRINTER)
    desk.take(doomed)
    old = read_pointer(desk.index_dir) or ""
    build(extras_key="another")
    desk.library.refresh()
    last = desk.take(*desk.hums(1), forgotten=frozenset({doomed.ticket}))
    assert memory_of(version_dir(desk.index_dir, old)) == last


def test_no_words_of_a_ticket_lie_in_a_memory(desk: Desk) -> None:
    canary = "kingfisherquokka"
    desk.take(desk.resolution(f"my {canary} hums", PRINTER), *desk.hums(3))
    files = [file for file in memories_dir(desk.index_dir).rglob("*") if file.is_file()]
    assert any(file.name == "chroma.sqlite3" for file in files)
    assert [file for file in files if canary.encode() in file.read_bytes()] == []
    assert canary not in repr(desk.ask())


class Renamed:
    """The same model under another fingerprint."""

    fingerprint = "another-model"

    def __init__(self, embedder: Embedder) -> None:
        self.dimensions = embedder.dimensions
        self.embed_queries = embedder.embed_queries


def test_a_memory_of_another_model_has_no_say_and_is_made_anew(desk: Desk) -> None:
    tickets = desk.hums(5)
    desk.take(*tickets)
    other = Renamed(desk.embedder)
    assert cursor_of(desk.index_dir, desk.embedder.fingerprint, LIMITS) == desk.seq
    assert cursor_of(desk.index_dir, other.fingerprint, LIMITS) == 0
    memory = take_in(desk.index_dir, Changes(9, tuple(tickets)), other, LIMITS) or ""
    before = desk.library.memory
    desk.library.refresh()
    assert desk.library.memory in {"", before}
    assert read_memory(memories_dir(desk.index_dir) / memory) is not None


def test_a_damaged_memory_has_no_say_and_is_made_anew(desk: Desk) -> None:
    before = desk.ask()
    tickets = desk.hums(40, PRINTER)
    memory = desk.take(*tickets)
    desk.library.close()
    shutil.rmtree(memories_dir(desk.index_dir) / memory / "chroma")
    with Library.open(desk.index_dir) as library:
        assert desk.ask(library=library) == before
        assert "vector store" in (library.memory_problem or "")
    with pytest.raises(DamagedMemoryError, match="was removed"):
        take_in(desk.index_dir, Changes(99, tuple(desk.hums(1))), desk.embedder, LIMITS)
    assert cursor_of(desk.index_dir, desk.embedder.fingerprint, LIMITS) == 0
    assert take_in(desk.index_dir, Changes(99, tuple(tickets)), desk.embedder, LIMITS)
    with Library.open(desk.index_dir) as library:
        assert ids(desk.ask(library=library))[0] == PRINTER
        assert library.memory_problem is None


def test_only_the_latest_are_remembered_and_few_memories_kept(desk: Desk) -> None:
    limits = Limits(size=4, keep=2)
    for _ in range(4):
        memory = desk.take(*desk.hums(3), limits=limits)
    manifest = read_memory(memories_dir(desk.index_dir) / memory)
    assert manifest is not None
    assert [entry.seq for entry in manifest.entries] == [11, 13, 14, 15]
    assert len(list(memories_dir(desk.index_dir).glob("*/"))) == 2


def test_strengths_are_shares_and_split_between_the_articles_of_a_ticket() -> None:
    cosines = np.array([1.0, 1.0, 0.29, 0.1], dtype=np.float32)
    found = strengths(cosines, [("a",), ("a", "b"), ("c",), ("d",)])
    assert found == pytest.approx({"a": 0.75, "b": 0.25})
    assert strengths(cosines[3:], [("d",)]) == {}


def test_a_ticket_is_judged_by_those_before_it_alone() -> None:
    vectors = np.eye(4, dtype=np.float32)[[0, 0, 0, 1]]
    assert learn_trust(vectors[:1], [("a",)], 20) == learn_trust(vectors[:0], [], 20)
    agreeing = learn_trust(vectors, [("a",), ("a",), ("a",), ("b",)], 20)
    assert max(agreeing) == pytest.approx(2 / 22)
    assert max(learn_trust(vectors, [("a",), ("b",), ("c",), ("d",)], 20)) == 0


def test_a_ticket_solved_with_an_article_of_another_platform_counts_all_the_same(
    articles: Path, index_dir: Path, embedder: Embedder
) -> None:
    write_article(articles, 20, "apple cart", platforms="[macos]")
    build_version(index_dir, load_corpus([articles]), embedder)
    desk = Desk(index_dir, embedder)
    windows = Reader(platform="windows")
    before = desk.ask(reader=windows)
    desk.take(*(replace(r, articles=(PRINTER, "kb-0020")) for r in desk.hums(40)))
    after = desk.ask(reader=windows)
    assert score(after, PRINTER) > score(before, PRINTER)
    assert "kb-0020" not in ids(after)
    desk.library.close()


def test_a_ticket_solved_with_an_article_that_the_reader_has_no_right_to_does_not_count(
    articles: Path, index_dir: Path, embedder: Embedder
) -> None:
    write_article(articles, 20, "apple cart", audience="[it]")
    build_version(index_dir, load_corpus([articles]), embedder)
    desk = Desk(index_dir, embedder)
    before = desk.ask()
    desk.take(*(replace(r, articles=(PRINTER, "kb-0020")) for r in desk.hums(40)))
    assert without_name(desk.ask()) == before
    desk.library.close()
