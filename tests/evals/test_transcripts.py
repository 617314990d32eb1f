"""Replies exported from a vendor."""

import csv
import json
from pathlib import Path

import pytest

from evals.errors import SystemConfigError
from evals.systems.config import specs
from tests.evals.runs import asked
from tests.evals.small_suite import case, mandatory, suite
from tests.evals.vendors import STEPS, written


def jsonl(path: Path, *rows: object) -> Path:
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\n".join(lines), "utf-8")
    return path


def test_a_csv_export_under_the_vendors_own_names(tmp_path: Path) -> None:
    export = tmp_path / "export.csv"
    with export.open("w", newline="", encoding="utf-8-sig") as file:
        table = csv.writer(file)
        table.writerow(["ticket", "bot reply", "outcome", "sources", "ms", "price", "agent"])
        table.writerow(["vpn-1", STEPS, "", '[{"article_id": "kb-1"}]', "812.5", "0.02", "x"])
        table.writerow(["mfa-1", "[Bot] A person, now", "transfer", "", "", "", "y"])
    columns = {
        "case": "ticket",
        "text": "bot reply",
        "disposition": "outcome",
        "citations": "sources",
        "latency_ms": "ms",
        "cost_usd": "price",
    }
    config = written(
        tmp_path,
        "vendor",
        kind="transcript",
        file="export.csv",
        columns=columns,
        words={"disposition": {"Transfer": "escalate"}},
    )
    _, (answered, handed) = asked(suite(tmp_path / "s", case(), mandatory()), tmp_path / "r", config)  # fmt: skip
    assert answered.last is not None
    assert handed.last is not None
    assert (answered.last.text, answered.last.disposition, answered.last.declared) == (STEPS, "answer", False)  # fmt: skip
    assert answered.last.citations is not None
    assert answered.last.citations[0].article_id == "kb-1"
    assert (answered.exchanges[0].latency_ms, answered.exchanges[0].cost_usd) == (812.5, 0.02)
    assert (handed.last.text, handed.last.disposition) == ("[Bot] A person, now", "escalate")


def test_what_is_missing_is_a_row_and_never_left_out(tmp_path: Path) -> None:
    export = jsonl(tmp_path / "vendor.jsonl", {"case": "vpn-2", "text": STEPS})
    cases = [case("vpn-1"), case("vpn-2"), case("vpn-3")]
    _, rows = asked(suite(tmp_path / "s", *cases), tmp_path / "r", export, epochs=2)
    assert [(row.case, row.epoch, row.status) for row in rows] == [
        ("vpn-1", 0, "missing"),
        ("vpn-2", 0, "ok"),
        ("vpn-3", 0, "missing"),
        ("vpn-1", 1, "missing"),
        ("vpn-2", 1, "missing"),
        ("vpn-3", 1, "missing"),
    ]
    assert rows[0].cause == "vendor.jsonl holds no row of the case 'vpn-1'."
    assert rows[4].cause == "vendor.jsonl holds no row of the case 'vpn-2', epoch 1."


def test_a_dialogue_has_a_row_a_turn(tmp_path: Path) -> None:
    entry = case(turns=["it broke", {"text": "the vpn", "only_after": ["clarify"]}, "hello?"])
    rows = [
        {"case": "vpn-1", "turn": 1, "text": "Which one?"},
        {"case": "vpn-1", "turn": 2, "text": STEPS},
    ]
    _, (row,) = asked(
        suite(tmp_path / "s", entry), tmp_path / "r", jsonl(tmp_path / "v.jsonl", *rows)
    )
    assert row.status == "missing"
    assert row.cause == "v.jsonl holds no turn 3 of the case 'vpn-1'."
    assert [each.response.disposition for each in row.exchanges] == ["clarify", "answer"]


def test_a_vendors_own_error_is_an_error(tmp_path: Path) -> None:
    export = jsonl(tmp_path / "v.jsonl", {"case": "vpn-1", "error": "rate limited"})
    _, (row,) = asked(suite(tmp_path / "s", case()), tmp_path / "r", export)
    assert (row.status, row.cause) == ("vendor_error", "The transcript says: rate limited")


def test_everything_wrong_in_a_file_is_told_at_once_with_its_lines(tmp_path: Path) -> None:
    export = jsonl(
        tmp_path / "v.jsonl",
        {"case": "vpn-1", "text": "a"},
        {"case": "vpn-1", "text": "b"},
        {"case": "vpn-99", "text": "c"},
        '{"case": "vpn-1", "te',
        {"id": "vpn-1", "text": "d"},
        {"case": "mfa-1", "reply": "e"},
        [1],
    )
    small = suite(tmp_path / "s", case(), mandatory())
    with pytest.raises(SystemConfigError) as found:
        asked(small, tmp_path / "r", export)
    told = str(found.value).splitlines()
    assert [line.split(": ")[0] for line in told] == [f"{export}:{n}" for n in range(2, 8)]
    text = str(found.value)
    assert f"{export}:2: The case 'vpn-1' stands on line 1 already" in text
    assert f"{export}:3: The suite has no case 'vpn-99'. Correct the id, or set `unknown_ids: ignore`." in text  # fmt: skip
    assert f"{export}:4: This is no JSON" in text
    assert f"{export}:5: The row names no case" in text
    assert f"{export}:6: The row holds no reply. Its columns: case, reply." in text


def test_ids_of_nobody_can_be_ignored(tmp_path: Path) -> None:
    jsonl(tmp_path / "v.jsonl", {"case": "x", "text": "a"}, {"case": "vpn-1", "text": STEPS})
    told = {"kind": "transcript", "file": "v.jsonl", "unknown_ids": "ignore"}
    config = written(tmp_path, "vendor", **told)
    _, (row,) = asked(suite(tmp_path / "s", case()), tmp_path / "r", config)
    assert row.status == "ok"


def test_unknown_columns_and_files_are_refused(tmp_path: Path) -> None:
    config = written(
        tmp_path, "v", kind="transcript", file="not-there.csv", columns={"reply": "text"}
    )
    with pytest.raises(SystemConfigError, match=r"columns: reply is unknown\. Known are case,"):
        specs([str(config)])
    config = written(tmp_path, "v", kind="transcript", file="not-there.csv")
    with pytest.raises(
        SystemConfigError, match=r"not-there\.csv is not there\. Correct the path\."
    ):
        specs([str(config)])


@pytest.mark.parametrize("separator", [";", "\t"])
def test_a_spreadsheets_other_separators_are_understood(tmp_path: Path, separator: str) -> None:
    export = tmp_path / "export.csv"
    export.write_text(
        f"case{separator}text\nvpn-1{separator}Join the network, then sync.\n", "utf-8"
    )
    _, (row,) = asked(suite(tmp_path / "s", case()), tmp_path / "r", export)
    assert row.last is not None
    assert row.last.text == "Join the network, then sync."


def test_a_file_that_is_not_utf8_is_refused_with_its_line(tmp_path: Path) -> None:
    export = tmp_path / "export.csv"
    export.write_bytes("case,text\nvpn-1,Grüße\n".encode("latin-1"))
    with pytest.raises(SystemConfigError, match=r"export\.csv:2: The byte 0xfc is no UTF-8"):
        asked(suite(tmp_path / "s", case()), tmp_path / "r", export)


def test_only_a_line_feed_ends_a_line(tmp_path: Path) -> None:
    text = f"one{chr(0x2028)}two{chr(0x85)}three"
    export = tmp_path / "vendor.jsonl"
    export.write_text(json.dumps({"case": "vpn-1", "text": text}, ensure_ascii=False), "utf-8")
    _, (row,) = asked(suite(tmp_path / "s", case()), tmp_path / "r", export)
    assert row.last is not None
    assert row.last.text == text


def test_half_a_sign_in_a_reply_stops_nothing(tmp_path: Path) -> None:
    half = {"case": "vpn-1", "text": "ab\ud800c", "handoff": {"summary": "x\udfff"}}
    _, (row,) = asked(
        suite(tmp_path / "s", case()), tmp_path / "r", jsonl(tmp_path / "v.jsonl", half)
    )
    assert row.last is not None
    assert row.last.text == "ab\ufffdc"
    assert row.last.handoff == {"summary": "x\ufffd"}
