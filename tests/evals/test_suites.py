"""What is wrong with a suite is told at once, with file and line; nothing of it is silently taken otherwise."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from evals.errors import SuiteError
from evals.suite import Suite, load
from tests.evals.small_suite import GOLD, case, mandatory, suite


def refused(folder: Path) -> str:
    with pytest.raises(SuiteError) as told:
        load(folder)
    return str(told.value)


def edited(tmp_path: Path, file: str, old: str, new: str) -> Path:
    folder = suite(tmp_path / "s", case(), mandatory()).folder
    path = folder / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    return folder


def test_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    told = refused(edited(tmp_path, "cases/cases.yaml", "- category: vpn", "- category: mfa\n  category: vpn"))  # fmt: skip
    assert "cases.yaml:2: The key 'category' stands twice in one entry." in told


def test_cases_in_another_encoding_are_refused(tmp_path: Path) -> None:
    folder = suite(tmp_path / "s", case()).folder
    file = folder / "cases" / "more.jsonl"
    file.write_bytes('{"id": "é"}\n'.encode("latin-1"))
    assert "more.jsonl:1: The byte 0xe9 is no UTF-8." in refused(folder)


@pytest.mark.parametrize(
    ("gold", "said"),
    [
        ({"reasons": ["bogus"]}, "the reason 'bogus' is no class and no code of reasons.yaml"),
        ({"queues": ["idntity-desk"]}, "the queue 'idntity-desk' is not among the queues"),
    ],
)
def test_labels_that_name_nothing_are_refused(
    tmp_path: Path, gold: dict[str, Any], said: str
) -> None:
    def made() -> Suite:
        return suite(
            tmp_path / "s", case(gold=GOLD | gold), queues=["identity-desk", "service-desk"]
        )

    with pytest.raises(SuiteError, match=said):
        made()


def test_a_suite_that_lists_no_queues_takes_any(tmp_path: Path) -> None:
    assert suite(tmp_path / "s", case(gold=GOLD | {"queues": ["whatever"]})).cases


@pytest.mark.parametrize("demand", [{"vpn": 5, "mfa": -1}, {"vpn": 0, "mfa": 0}])
def test_shares_that_are_none_are_refused_with_their_line(
    tmp_path: Path, demand: dict[str, float]
) -> None:
    folder = suite(tmp_path / "s", case()).folder
    header = yaml.safe_load((folder / "suite.yaml").read_text("utf-8")) | {"demand": demand}
    (folder / "suite.yaml").write_text(yaml.safe_dump(header, sort_keys=False), "utf-8")
    line = list(header).index("demand") + 1
    assert f"suite.yaml:{line}: demand: " in refused(folder)
