"""`evals report`: the page and its exports, as a platform team gets them."""

import csv
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.evals.runs import command
from tests.evals.small_suite import case, mandatory, suite
from tests.evals.test_commands_as_systems import program

FRAGILE = (
    "text = asked['text']\n"
    "if 'restarted' in text and 'boom' in text: sys.exit('it fell over')\n"
    "print(json.dumps({'text': 'Please <b>reboot</b> </script>. =SUM(A1)', 'disposition': 'answer'}))"
)


class Addresses(HTMLParser):
    """What a page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"script", "img", "link", "iframe", "source", "object", "embed"}:
            self.fetched += [
                value or "" for name, value in attrs if name in {"src", "href", "data"}
            ]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two candidates, one of which falls over once, and two calibrating systems."""
    folder = tmp_path_factory.mktemp("reported")
    boom = case("vpn-2", turns=["boom, certificate validation failure, i restarted <twice> & more"])
    suite(folder / "suite", case(), boom, mandatory(), mandatory("mfa-2", split="dev"))
    vendor = program(folder, FRAGILE)
    done = command(
        *("run", "--suite", folder / "suite", "--system", vendor, "--system", "oracle"),
        *("--system", "silent", "--out", folder / "run", "--no-cache"),
    )
    assert done.returncode == 0, done.stderr
    told = command("report", folder / "run")
    assert told.returncode == 0, told.stderr
    assert told.stdout.strip() == str(folder / "run" / "report.html")
    return folder / "run"


def summary(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "summary.json").read_text("utf-8"))
    return found


def test_the_page_is_one_file_that_fetches_nothing(run: Path) -> None:
    page = (run / "report.html").read_text("utf-8")
    addresses = Addresses()
    addresses.feed(page)
    assert addresses.fetched == []
    assert "url(" not in page
    assert "@import" not in page


def test_the_page_opens_with_the_targets_and_names_every_section(run: Path) -> None:
    page = (run / "report.html").read_text("utf-8")
    places = [page.index(f'<section id="{name}"') for name in SECTIONS]
    assert places == sorted(places)
    for target in ("S71", "S72", "S73", "S74", "S75", "S76"):
        assert target in page[: page.index('<section id="verdict"')]
    assert "no support engineer" in page


SECTIONS = (
    *("targets", "verdict", "safety", "economics", "quality", "escalation"),
    *("reliability", "worst", "tickets", "judge", "audit", "provenance"),
)


def test_what_a_vendor_wrote_stays_text(run: Path) -> None:
    page = (run / "report.html").read_text("utf-8")
    assert "<b>reboot</b>" not in page
    with (run / "tickets.csv").open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "@"))]


def test_the_exports_say_what_the_summary_says(run: Path) -> None:
    with (run / "tickets.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4 * 3
    (broken,) = (row for row in rows if row["status"] != "ok")
    assert (broken["case"], broken["score"]) == ("vpn-2", "")
    assert "it fell over" in broken["explanation"]
    suites = {one.get("name"): one for one in ET.parse(run / "junit.xml").getroot()}  # noqa: S314  # our own file
    assert set(suites) == {"bot"}, "calibrating systems are no candidates"
    assert suites["bot"].get("tests") == "4"
    assert suites["bot"].get("errors") == "1"
    failed = int(suites["bot"].get("failures") or 0)
    assert failed == sum(float(row["score"] or 5) < 4 for row in rows if row["system"] == "bot")
    told = (run / "summary.md").read_text("utf-8")
    assert all(f"({target['id']})" in told for target in summary(run)["systems"][0]["targets"])


def test_two_runs_of_the_same_cases_are_compared_in_one_report(run: Path, tmp_path: Path) -> None:
    refused = command("report", run, run)
    assert (refused.returncode, refused.stdout) == (3, "")
    assert "Say with --out where it goes." in refused.stderr
    both = command("report", run, run, "--out", tmp_path / "both", "--reference", "bot")
    assert both.returncode == 0, both.stderr
    shown = summary(tmp_path / "both")
    names = [system["name"] for system in shown["systems"]]
    assert names == ["bot", "bot (run)", "oracle", "silent"]
    (compared,) = (c for c in shown["comparisons"] if c["system"] == "bot (run)")
    assert compared["primary"]["delta"] == 0
    assert (tmp_path / "both" / "report.html").is_file()


def test_runs_of_other_cases_are_not_compared(run: Path, tmp_path: Path) -> None:
    suite(tmp_path / "other", case(turns=["something else altogether"]))
    done = command(
        *("run", "--suite", tmp_path / "other", "--system", "silent", "--out", tmp_path / "run")
    )
    assert done.returncode == 0, done.stderr
    told = command("report", run, tmp_path / "run", "--out", tmp_path / "both")
    assert told.returncode == 3
    assert "asked different cases" in told.stderr
    assert not (tmp_path / "both").exists()


def test_a_folder_without_a_run_or_without_grades_is_told(run: Path, tmp_path: Path) -> None:
    nothing = command("report", tmp_path)
    assert nothing.returncode == 3
    assert "Name the folder of a run" in nothing.stderr
    for name in ("run.json", "episodes.jsonl", "grades.jsonl"):
        (tmp_path / name).write_bytes((run / name).read_bytes())
    ungraded = command("report", tmp_path)
    assert ungraded.returncode == 3
    assert "evals regrade" in ungraded.stderr
