"""`copilot policy test`, `explain` and `diff` as processes, over the shipped company and others."""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from copilot.record import TurnRecord
from integrations.company import load_company, shipped_company
from integrations.store.journal import SqlJournal
from tests.integrations.store_values import a_record, a_reply, an_inquiry
from tests.serving import served
from tests.terminal import run

CLINIC = Path(__file__).parents[1] / "companies" / "harbour_clinic"
GREETING = "hello"
COLLEAGUE = "can you reset Marta's password"


@pytest.fixture
def edited(tmp_path: Path) -> Callable[[str, str, str], Path]:
    """A copy of the shipped policies with one passage changed."""

    def edit(file: str, old: str, new: str) -> Path:
        company, folder = load_company(shipped_company()), tmp_path / "edited"
        shutil.copytree(company.rules, folder / "rules")
        shutil.copytree(company.actions, folder / "actions")
        text = (folder / file).read_text("utf-8")
        assert old in text
        (folder / file).write_text(text.replace(old, new, 1), "utf-8")
        return folder

    return edit


def company_of(policies: Path, folder: Path) -> Path:
    """The shipped company with these policies; the folder of its `company.yaml`."""
    shipped = load_company(shipped_company())
    folder.mkdir()
    written = yaml.safe_load((shipped_company() / "company.yaml").read_text("utf-8"))
    written["paths"] = {
        "articles": str(shipped.articles),
        "utterances": str(shipped.utterances),
        "actions": str(policies / "actions"),
        "rules": str(policies / "rules"),
        "directory": str(shipped.directory),
    }
    (folder / "company.yaml").write_text(yaml.safe_dump(written), "utf-8")
    return folder


def records_of(home: Path) -> list[TurnRecord]:
    with sqlite3.connect(home / "records.sqlite") as store:
        rows = store.execute("SELECT record FROM turns WHERE record IS NOT NULL ORDER BY seq")
        found = [TurnRecord.model_validate_json(row[0]) for row in rows]
    store.close()
    return found


def rows_of(home: Path) -> int:
    with sqlite3.connect(home / "records.sqlite") as store:
        (turns,) = store.execute("SELECT count(*) FROM turns").fetchone()
        (handoffs,) = store.execute("SELECT count(*) FROM handoffs").fetchone()
        (tickets,) = store.execute("SELECT count(*) FROM tickets").fetchone()
    store.close()
    return int(turns + handoffs + tickets)


# ---- test


def test_the_cases_of_the_shipped_company_hold() -> None:
    done = run("policy", "test")
    assert done.code == 0, done.out
    assert "all hold." in done.out
    assert int(done.out.split()[0]) >= 420


def test_a_company_of_ones_own_is_tested_by_its_own_cases() -> None:
    done = run("policy", "test", "--company", CLINIC)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("7 cases under policy ")


def test_a_case_that_does_not_hold_is_shown_by_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        "cases:\n"
        "  - {name: abroad, ask: [own_okta_password], situation: {location: travelling},\n"
        "     effect: permit, rule: own-self-service}\n"
        "  - {name: on the ward, ask: [own_okta_password], effect: permit}\n",
        "utf-8",
    )
    done = run("policy", "test", "--company", CLINIC, CLINIC / "policies/cases", tmp_path)
    assert done.code == 1
    assert done.out.startswith(
        f"{tmp_path}/mine.yaml:2: abroad\n"
        "    effect: expected permit, got escalate (sign-in-while-travelling)\n"
        "    rule: expected own-self-service, got sign-in-while-travelling\n"
        "9 cases under policy "
    )
    assert done.out.endswith(": 1 do not hold.\n")


def test_no_case_at_all_is_an_error(tmp_path: Path) -> None:
    done = run("policy", "test", tmp_path)
    assert (done.code, done.out) == (3, "")
    assert f"The folder {tmp_path} has no case in a *.yaml file." in done.err


def test_a_faulty_case_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        "cases:\n  - {name: x, ask: [], efect: permit}\n"
        "  - {name: y, ask: [], effect: permit}\n  - {name: y, ask: [], effect: permit}\n",
        "utf-8",
    )
    done = run("policy", "test", tmp_path)
    assert (done.code, done.out) == (3, "")
    assert "mine.yaml:2: efect: this key is unknown; check its spelling or remove it." in done.err
    assert "mine.yaml:4: The name 'y' is taken by another case of this file" in done.err


# ---- explain


def test_what_is_explained_is_what_a_turn_decides_and_nothing_is_recorded(home: Path) -> None:
    before = rows_of(home)
    arguments = ("--json", "--home", home, "--user", "dana.reed", COLLEAGUE)
    explained = run("policy", "explain", *arguments)
    assert explained.code == 0, explained.err
    assert rows_of(home) == before
    asked = run("ask", *arguments)
    assert asked.code == 0, asked.err
    last = records_of(home)[-1]
    receipt, decision = explained.data["receipt"], explained.data["decision"]
    assert isinstance(receipt, dict)
    assert isinstance(decision, dict)
    assert receipt["input_hash"] == last.input_hash
    assert receipt["policy"] == last.versions.policy
    assert receipt["knowledge"] == last.versions.knowledge
    assert tuple(receipt["rules"]) == last.decision.rules
    assert (decision["effect"], decision["queue"]) == ("escalate", "identity-desk")


def test_an_explanation_can_be_read(home: Path) -> None:
    done = run(
        "policy", "explain", "--home", home, "--user", "dana.reed", f"{COLLEAGUE}, pw: Hunter22"
    )
    assert done.code == 0, done.err
    assert "Hunter22" not in done.out
    assert "1 secret(s) masked" in done.out
    assert "reset_password_other  confidence " in done.out
    assert "device_managed    yes" in done.out
    assert "reset_password_other for other: escalate, queue identity-desk, priority P2" in done.out
    assert "by other-person-credential  mandatory.cedar:17  Nobody can change" in done.out
    assert "the employee reads: \"Somebody else's password is never changed" in done.out
    assert "rules  other-person-credential, privileged-tier" in done.out


def test_an_empty_home_is_prepared_to_explain(tmp_path: Path) -> None:
    done = run("policy", "explain", "--home", tmp_path / "new", "--user", "dana.reed", GREETING)
    assert done.code == 0, done.err
    assert "Preparing the knowledge index" in done.err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--user", "nobody", GREETING], 3, "The directory knows nobody of the id in 'user'."),
        (["--at", "noon", GREETING], 2, "'at' is no time with a zone."),
        ([" "], 2, "The message is empty."),
    ],
)
def test_what_cannot_be_explained_is_refused(
    arguments: list[str], code: int, said: str, home: Path
) -> None:
    done = run("policy", "explain", "--home", home, *arguments)
    assert (done.code, done.out) == (code, "")
    assert said in done.err


# ---- diff


def test_recorded_decisions_that_would_flip_are_listed(
    home: Path, edited: Callable[[str, str, str], Path]
) -> None:
    for name, text in (("q1", GREETING), ("q2", COLLEAGUE)):
        asked = run("ask", "--home", home, "--user", "dana.reed", "--id", name, text)
        assert asked.code == 0, asked.err
    new = edited(
        "rules/permits.cedar",
        'unless { action in [Action::"own_ticket_status"',
        'unless { action in [Action::"ask_question", Action::"own_ticket_status"',
    )
    done = run("policy", "diff", "current", new, "--home", home, "--replay", "2", "--json")
    assert done.code == 0, done.err
    assert done.data["replayed"] == 2
    assert done.data["counts"] == {"effect": 1, "part": 0, "route": 0, "rules": 0}
    changes = done.data["changes"]
    assert isinstance(changes, list)
    (change,) = changes
    assert (change["inquiry_id"], change["kind"], change["recorded"]) == ("q1", "effect", "permit")
    assert change["old"]["rules"] == ["read-only"]
    assert (change["new"]["effect"], change["new"]["queue"]) == ("escalate", "service-desk")
    told = run("policy", "diff", "current", new, "--home", home, "--replay", "2").out
    assert "  permit -> escalate\n" in told
    assert "2 recorded decision(s) made again: 1 flip" in told
    latest = run("policy", "diff", "current", new, "--home", home, "--replay", "1", "--json")
    assert latest.data["changes"] == []


def test_the_same_policies_flip_nothing_and_an_empty_home_has_nothing(tmp_path: Path) -> None:
    done = run("policy", "diff", "current", "current", "--home", tmp_path / "home")
    assert done.code == 0
    assert "0 recorded decision(s) made again: 0 flip" in done.out


async def test_turns_recorded_without_their_request_are_left_out(tmp_path: Path) -> None:
    journal = await SqlJournal.open(f"sqlite:///{tmp_path}/records.sqlite")
    await journal.begin(an_inquiry(thread="t1"), text_hash="h")
    await journal.finish(a_reply("t1"), a_record("t1"))
    await journal.close()
    done = run("policy", "diff", "current", "current", "--home", tmp_path)
    assert done.code == 0, done.err
    assert "1 turn(s) were recorded without a policy request and are left out." in done.out


def test_policies_that_cannot_be_compared_are_named(
    tmp_path: Path, edited: Callable[[str, str, str], Path]
) -> None:
    missing = run("policy", "diff", "current", tmp_path, "--home", tmp_path / "home")
    assert (missing.code, missing.out) == (3, "")
    assert f"The folder {tmp_path} has no rules/ and actions/." in missing.err
    broken = edited("rules/permits.cedar", "@reason", "@raeson")
    done = run("policy", "diff", "current", broken, "--home", tmp_path / "home")
    assert (done.code, done.out) == (3, "")
    assert f"{broken}: The policies have" in done.err
    assert "permits.cedar:4: The annotation @raeson is unknown. Did you mean @reason?" in done.err


# ---- at the start


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("rules/permits.cedar", "permit (", "permti (", "permits.cedar:3: The rule that starts"),
        (
            "rules/permits.cedar",
            '@id("forms")',
            '@id("read-only")',
            "The id 'read-only' is taken by",
        ),
        ("rules/permits.cedar", "@reason", "@raeson", "permits.cedar:4: The annotation @raeson is"),
        (
            "rules/context.cedar",
            'Action::"own_ticket_status"',
            'Action::"own_ticket"',
            "context.cedar:42: Rule 'records-of-others': ",
        ),
        (
            "rules/context.cedar",
            "context.lockouts_24h >= 3",
            'context.lockouts_24h == "3"',
            "Rule 'third-lockout': ",
        ),
    ],
)
def test_a_server_does_not_start_with_broken_policies(
    tmp_path: Path,
    edited: Callable[[str, str, str], Path],
    file: str,
    old: str,
    new: str,
    said: str,
) -> None:
    broken = edited(file, old, new)
    place = {"COPILOT_COMPANY_DIR": str(company_of(broken, tmp_path / "company"))}
    done = run("serve", "--port", "0", "--home", tmp_path / "home", settings=place)
    assert done.code == 4
    assert done.err.startswith("The policies have ")
    assert said in done.err


@pytest.mark.parametrize("empty", ["rules", "actions"])
def test_a_server_does_not_start_with_an_empty_folder(
    empty: str, tmp_path: Path, edited: Callable[[str, str, str], Path]
) -> None:
    policies = edited("rules/permits.cedar", "permit (", "permit (")
    for file in (policies / empty).iterdir():
        file.unlink()
    place = {"COPILOT_COMPANY_DIR": str(company_of(policies, tmp_path / "company"))}
    done = run("serve", "--port", "0", "--home", tmp_path / "home", settings=place)
    assert done.code == 4
    assert f"The folder {policies / empty} has no " in done.err


# ---- beside a server


def test_explaining_and_comparing_work_beside_a_server(home: Path, tmp_path: Path) -> None:
    with served(home, tmp_path / "log"):
        explained = run("policy", "explain", "--json", "--home", home, COLLEAGUE)
        compared = run("policy", "diff", "current", "current", "--home", home)
    assert explained.code == 0, explained.err
    assert explained.data["rules"]
    assert compared.code == 0, compared.err
