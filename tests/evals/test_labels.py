"""Two label passes: read with line numbers, compared field by field."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from evals import labels
from evals.commands.agreement import command
from evals.errors import SuiteError


def _label(name: str, **given: object) -> dict[str, object]:
    whole: dict[str, object] = {
        "id": name,
        "annotator": "one",
        "dispositions": ["answer"],
        "mandatory": False,
        "queue": None,
        "action_type": "instructions",
        "label": "vpn.client",
        "priority": "P3",
        "solvable_by_bot": True,
    }
    return whole | given


def _written(file: Path, *rows: dict[str, object] | str) -> Path:
    lines = (row if isinstance(row, str) else json.dumps(row) for row in rows)
    file.parent.mkdir(exist_ok=True)
    file.write_text("\n".join(lines) + "\n")
    return file


def test_passes_are_compared_field_by_field(tmp_path: Path) -> None:
    escalated = {
        "dispositions": ["escalate"],
        "mandatory": True,
        "queue": "identity",
        "priority": "P2",
    }
    first = [_label("a"), _label("b", **escalated), _label("c"), _label("d")]
    second = [
        _label("a", priority="P4"),
        _label("b", **escalated),
        _label("c", **escalated),
        _label("e"),
    ]
    _written(tmp_path / "labels" / labels.FIRST, *first)
    _written(tmp_path / "labels" / labels.SECOND, *second)
    found = {one.field: one for one in labels.of(tmp_path, seed=1)}
    assert (found["disposition"].n, found["disposition"].differing) == (3, ("c",))
    assert found["priority"].differing == ("a", "c")
    assert found["priority"].level == "ordinal"
    assert found["action type"].alpha is None, "all of them say instructions"
    assert found["mandatory"].kappa == pytest.approx(0.4)


def test_a_suite_without_passes_has_no_agreement(tmp_path: Path) -> None:
    assert labels.of(tmp_path, seed=1) == ()


def test_what_is_wrong_in_a_pass_is_said_with_its_line(tmp_path: Path) -> None:
    rows: list[dict[str, object] | str] = [
        _label("a"),
        "{half",
        _label("b", priority="P9"),
        _label("a"),
    ]
    file = _written(tmp_path / "pass.jsonl", *rows)
    with pytest.raises(SuiteError) as caught:
        labels.read(file)
    said = str(caught.value)
    assert f"{file}:2: This is no JSON" in said
    assert f"{file}:3: priority: Input should be" in said
    assert f"{file}:4: Case 'a' is labelled twice in one pass. Keep one." in said
    with pytest.raises(SuiteError, match="The label pass is not there"):
        labels.read(tmp_path / "none.jsonl")


def test_the_command_prints_a_line_a_field(tmp_path: Path) -> None:
    first = _written(tmp_path / "1.jsonl", _label("a"), _label("b", dispositions=["clarify"]))
    second = _written(tmp_path / "2.jsonl", _label("a"), _label("b"))
    done = CliRunner().invoke(command, [str(first), str(second)])
    assert done.exit_code == 0
    assert "disposition: alpha 0.000" in done.output
    assert "50.0% of 2 alike, 1 differ: b" in done.output
    assert "priority: nothing varies, 100.0% of 2 alike, 0 differ" in done.output
    wrong = CliRunner().invoke(
        command, [str(first), str(_written(tmp_path / "3.jsonl", _label("z")))]
    )
    assert wrong.exit_code == 2
    assert "share no case" in wrong.output
