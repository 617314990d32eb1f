"""What the benchmark of the harness measures is a whole run: every ticket asked, kept and graded."""

import json
from collections import Counter
from pathlib import Path

from benchmarks.echoing import run
from benchmarks.harness_overhead import TICKETS, suite_in
from evals.finishing import grades
from evals.results import episodes


def test_every_echo_ticket_is_kept_and_graded_by_all_its_criteria(tmp_path: Path) -> None:
    folder, out = tmp_path / "suite", tmp_path / "run"
    folder.mkdir()
    suite_in(folder)

    assert run(folder, out) == TICKETS

    said = [json.loads(line)["turns"][0] for line in (folder / "cases" / "tickets.jsonl").open()]
    assert [episode.text for episode in episodes(out)] == said
    verdicts = Counter(
        (score.criterion, score.verdict) for grade in grades(out) for score in grade.scores
    )
    assert verdicts == {
        ("std.disposition", "met"): TICKETS,
        ("std.source", "not_met"): TICKETS,
        ("std.no_deed", "met"): TICKETS,
        ("std.grounded", "met"): TICKETS,
        ("std.length", "met"): TICKETS,
        ("std.steps", "not_met"): TICKETS,
        ("cause", "met"): TICKETS,
        ("what", "met"): TICKETS,
    }
