"""`evals bless` and `evals gate`: a run is held against the one that people blessed."""

import json
from pathlib import Path

import pytest

from tests.evals.runs import command
from tests.evals.small_suite import case, mandatory, suite
from tests.evals.test_commands_as_systems import program

GOOD = (
    "certificate = 'Your device certificate has expired.\\n1. Join the wired network.\\n2. Run Sync.'\n"
    "lost = {'text': 'I have passed this to the identity desk.', 'disposition': 'escalate', 'queue': 'identity-desk',"
    " 'reason_code': 'own_factor_lost'}\n"
    "said = lost if 'phone' in asked['text'] else {'text': certificate, 'disposition': 'answer'}\n"
)
WORSE = (
    GOOD
    + "said = said if 'phone' in asked['text'] else {'text': 'No idea.', 'disposition': 'answer'}\n"
)
HARMFUL = (
    GOOD
    + "said = {'text': 'I have reset it. You are in.', 'disposition': 'answer'} if 'phone' in asked['text'] else said\n"
)
BROKEN = "sys.exit('down for maintenance')\n"
PRINTED = "print(json.dumps(said))"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A suite, and a run of each bot over it."""
    here = tmp_path_factory.mktemp("gated")
    cases = [case(f"vpn-{n}") for n in range(6)] + [mandatory(f"mfa-{n}") for n in range(2)]
    suite(here / "suite", *cases)
    for name, body in (("good", GOOD), ("worse", WORSE), ("harmful", HARMFUL), ("down", BROKEN)):
        (here / name).mkdir()
        asked(here / name, body + PRINTED, here / "suite")
    return here


def asked(place: Path, body: str, cases: Path) -> Path:
    vendor = program(place, body)
    done = command(
        *("run", "--suite", cases, "--system", vendor, "--out", place / "run", "--no-cache")
    )
    assert done.returncode == (3 if "down" in body else 0), done.stderr
    return place / "run"


@pytest.fixture(scope="module")
def baseline(folder: Path) -> Path:
    done = command("bless", folder / "good" / "run", "--into", folder / "kept", "--name", "v1")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(folder / "kept" / "v1")
    return folder / "kept" / "v1"


def test_the_same_again_passes(folder: Path, baseline: Path) -> None:
    done = command("gate", folder / "good" / "run", "--baseline", baseline)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("'bot' passes.\n")


def test_a_loss_beyond_the_margin_does_not_pass(folder: Path, baseline: Path) -> None:
    done = command("gate", folder / "worse" / "run", "--baseline", baseline)
    assert done.returncode == 1
    assert "against the baseline, beyond the margin" in done.stdout
    assert "harmful" not in done.stdout


def test_a_new_harmful_answer_does_not_pass_and_is_named(folder: Path, baseline: Path) -> None:
    done = command("gate", folder / "harmful" / "run", "--baseline", baseline)
    assert done.returncode == 1
    assert "New harmful answer in mfa-0 (std.mandatory)" in done.stdout
    assert "New harmful answer in mfa-1 (std.mandatory)" in done.stdout


def test_the_better_run_passes_against_the_worse(folder: Path) -> None:
    done = command("gate", folder / "good" / "run", "--baseline", folder / "worse" / "run")
    assert done.returncode == 0, done.stdout


def test_a_run_that_hardly_answered_is_not_compared(folder: Path, baseline: Path) -> None:
    done = command("gate", folder / "down" / "run", "--baseline", baseline)
    assert (done.returncode, done.stdout) == (3, "")
    assert "--retry-failed" in done.stderr


def test_other_graders_or_cases_are_not_compared(
    folder: Path, baseline: Path, tmp_path: Path
) -> None:
    old = tmp_path / "old"
    old.mkdir()
    for file in baseline.iterdir():
        text = file.read_text("utf-8")
        if file.name == "summary.json":
            told = json.loads(text)
            told["provenance"]["hashes"]["bot"]["graders"] = "0" * 64
            text = json.dumps(told)
        (old / file.name).write_text(text, "utf-8")
    done = command("gate", folder / "good" / "run", "--baseline", old)
    assert done.returncode == 3
    assert "evals regrade" in done.stderr
    suite(tmp_path / "suite", case("vpn-0", turns=["another one"]))
    other = asked(tmp_path, GOOD + PRINTED, tmp_path / "suite")
    done = command("gate", other, "--baseline", baseline)
    assert done.returncode == 3
    assert "asked different cases" in done.stderr


def test_a_harmful_run_is_blessed_only_for_a_reason_that_is_kept(
    folder: Path, tmp_path: Path
) -> None:
    run = folder / "harmful" / "run"
    refused = command("bless", run, "--into", tmp_path)
    assert refused.returncode == 3
    assert "answers harmfully in 2 cases: mfa-0, mfa-1" in refused.stderr
    assert list(tmp_path.iterdir()) == []
    done = command("bless", run, "--into", tmp_path, "--accept", "first run, being mended")
    assert done.returncode == 0, done.stderr
    kept = json.loads((tmp_path / "baseline" / "blessed.json").read_text("utf-8"))
    assert kept["accepted"] == "first run, being mended"
    assert len(kept["wrong"]) == 1


def test_blessing_again_replaces_the_baseline(folder: Path, tmp_path: Path) -> None:
    for name in ("worse", "good"):
        done = command("bless", folder / name / "run", "--into", tmp_path)
        assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["baseline"]
    kept = json.loads((tmp_path / "baseline" / "blessed.json").read_text("utf-8"))
    assert kept["of"] == str(folder / "good" / "run")


def test_a_baseline_that_is_not_there_is_told(folder: Path) -> None:
    done = command("gate", folder / "good" / "run", "--baseline", "nothing")
    assert done.returncode == 3
    assert "nothing/run.json can't be read" in done.stderr


@pytest.mark.parametrize("name", ["", ".", "..", "../away", "a/b"])
def test_a_name_that_leads_elsewhere_touches_nothing(
    folder: Path, tmp_path: Path, name: str
) -> None:
    (tmp_path / "kept" / "v0").mkdir(parents=True)
    kept = tmp_path / "kept" / "v0" / "file.txt"
    kept.write_text("mine", "utf-8")
    done = command("bless", folder / "good" / "run", "--into", tmp_path / "kept", "--name", name)
    assert (done.returncode, "no name for a baseline" in done.stderr) == (3, True)
    assert [*tmp_path.rglob("*.txt")] == [kept]


def test_a_folder_that_is_no_baseline_is_not_replaced(folder: Path, tmp_path: Path) -> None:
    own = tmp_path / "keep" / "file.txt"
    own.parent.mkdir()
    own.write_text("mine", "utf-8")
    done = command("bless", folder / "good" / "run", "--into", tmp_path, "--name", "keep")
    assert (done.returncode, "is no baseline" in done.stderr) == (3, True)
    assert own.read_text("utf-8") == "mine"
