"""The rows of a run: half lines, order, and files that can't be used."""

from pathlib import Path

import pytest

from evals.episode import Episode
from evals.errors import RunError
from evals.results import Rows, Run, episodes
from tests.evals.runs import read


def row(case: str, epoch: int = 0, **more: object) -> Episode:
    told = {"suite": "s", "case": case, "system": "a", "epoch": epoch, "status": "ok"}
    return Episode.model_validate(told | more)


def filled(folder: Path, *rows: Episode) -> Path:
    writing = Rows.opened(folder, suite="s")
    for each in rows:
        writing.append(each)
    writing.close()
    return folder / "episodes.jsonl"


def test_half_a_line_is_dropped_with_a_message_and_the_rest_stays(tmp_path: Path) -> None:
    path = filled(tmp_path, row("c1"), row("c2"))
    whole = path.read_bytes()
    for cut in (1, 20, len(whole) - whole.index(b"\n") - 2):
        path.write_bytes(whole[:-cut])
        again = Rows.opened(tmp_path, suite="s")
        again.close()
        assert again.dropped is not None
        assert again.dropped.startswith(f"{path}:2: The last line is only half there")
        assert again.done() == {("a", "c1", 0)}
        assert read(tmp_path) == [row("c1")]


def test_a_row_is_added_behind_what_was_cut(tmp_path: Path) -> None:
    path = filled(tmp_path, row("c1"), row("c2"))
    path.write_bytes(path.read_bytes()[:-5])
    filled(tmp_path, row("c3"))
    assert [each.case for each in read(tmp_path)] == ["c1", "c3"]


def test_the_last_row_of_a_case_counts_and_all_are_put_in_order(tmp_path: Path) -> None:
    failed = row("c1", status="timeout", cause="No answer.")
    writing = Rows.opened(tmp_path, suite="s")
    for each in (row("c3"), failed, row("c2", 1), row("c2"), row("c1")):
        writing.append(each)
    assert [each.status for each in episodes(tmp_path) if each.case == "c1"] == ["ok"]
    order = [("a", case, epoch) for epoch in (0, 1) for case in ("c1", "c2", "c3")]
    writing.put_in_order(order)
    assert read(tmp_path) == [row("c1"), row("c2"), row("c3"), row("c2", 1)]
    assert [path.name for path in tmp_path.iterdir()] == ["episodes.jsonl"]


def test_failed_rows_can_be_asked_again(tmp_path: Path) -> None:
    writing = Rows.opened(tmp_path, suite="s")
    for status in ("ok", "timeout", "vendor_error", "harness_error", "missing", "not_deliverable"):
        writing.append(row(status.replace("_", "-"), status=status))
    writing.close()
    assert len(writing.done()) == 6
    assert {case for _, case, _ in writing.done(but_failed=True)} == {
        "ok",
        "missing",
        "not-deliverable",
    }


def test_damage_inside_a_file_is_told_with_its_line(tmp_path: Path) -> None:
    path = filled(tmp_path, row("c1"), row("c2"), row("c3"))
    lines = path.read_text().splitlines(keepends=True)
    path.write_text(lines[0] + lines[1][:30] + "\n" + lines[2])
    with pytest.raises(RunError, match=rf"^{path}:2: This is no JSON, and not the end"):
        Rows.opened(tmp_path, suite="s")
    path.write_text(lines[0] + '{"suite": "s", "case": "c2"}\n')
    with pytest.raises(RunError, match=rf"^{path}:2: The row lacks 'system'"):
        Rows.opened(tmp_path, suite="s")
    path.write_text(lines[0] + lines[1].replace('"ok"', '"fine"'))
    with pytest.raises(RunError, match=rf"^{path}:2: status: "):
        list(episodes(tmp_path))


def test_rows_of_another_suite_are_refused(tmp_path: Path) -> None:
    filled(tmp_path, row("c1"))
    with pytest.raises(RunError, match="Rows of two suites can't be compared: begin a new run"):
        Rows.opened(tmp_path, suite="other")


def test_a_folder_without_a_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"run.json can't be read: No such file"):
        Run.read(tmp_path)
    with pytest.raises(RunError, match=r"episodes.jsonl is not there"):
        list(episodes(tmp_path))
