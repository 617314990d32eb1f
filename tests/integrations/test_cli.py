"""The commands as processes: good calls, bad input, and a home or an index that fails them."""

import json
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest

from copilot.conversation import Reply
from integrations.settings import Settings
from knowledge.versions import read_pointer, version_dir
from tests.serving import reworded_articles
from tests.terminal import COPILOT, LONG_SECONDS, modules_after, run

HEAVY = {"chromadb", "torch", "langgraph", "sklearn", "onnxruntime", "sqlalchemy", "fastapi"}
NEVER_SERVING = {"torch", "sklearn", "sentence_transformers", "transformers", "dbos", "fastapi"}
VPN = "My VPN says certificate validation failure"


@pytest.mark.parametrize("package", ["copilot", "evals", "integrations", "knowledge", "policies"])
def test_importing_a_package_is_light(package: str) -> None:
    assert not HEAVY & set(modules_after(f"import {package}"))


def test_help_loads_nothing_heavy_and_is_quick() -> None:
    quickest = min((run("--help") for _ in range(3)), key=lambda done: done.cpu)
    assert quickest.code == 0
    assert {"ask", "chat", "doctor", "index", "kb", "policy", "serve", "setup", "show"} <= {
        line.split()[0] for line in quickest.out.splitlines() if line.startswith("  ")
    }
    assert quickest.cpu <= 0.3
    assert not HEAVY & set(modules_after("import integrations.cli"))


def test_serving_loads_no_training_library(home: Path) -> None:
    ask = (
        "import asyncio, pathlib\n"
        "from copilot.conversation import Inquiry\n"
        "from integrations.settings import Settings\n"
        "from integrations.wiring import open_app\n"
        "async def main():\n"
        f"    app = await open_app(Settings(home=pathlib.Path({str(home)!r})))\n"
        f"    await app.copilot.ask(Inquiry(id='1', text={VPN!r}, user='dana.reed', at=app.clock()))\n"
        "    await app.close()\n"
        "import contextlib, sys\n"
        "with contextlib.redirect_stdout(sys.stderr):\n"
        "    asyncio.run(main())"
    )
    loaded = set(modules_after(ask))
    assert {"chromadb", "langgraph", "onnxruntime"} <= loaded
    assert not NEVER_SERVING & loaded


def test_json_goes_to_stdout_alone_and_logs_carry_no_text(home: Path) -> None:
    done = run("ask", "--json", "--home", home, "--user", "dana.reed", "--id", "q1", VPN)
    assert done.code == 0, done.err
    reply = Reply.model_validate_json(done.out)
    assert (reply.inquiry_id, reply.disposition, reply.category) == ("q1", "answer", "vpn")
    turns = [json.loads(line) for line in done.err.splitlines()]
    assert [(turn["event"], turn["inquiry"]) for turn in turns] == [("turn", "q1")]
    assert "certificate validation" not in done.err


def test_a_terminal_sees_the_answer_and_no_log(home: Path) -> None:
    leader, follower = os.openpty()
    with os.fdopen(follower, "wb", buffering=0) as terminal:
        command: list[str | Path] = [COPILOT, "ask", "--home", home, "--user", "dana.reed", VPN]
        subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=terminal, timeout=120)
        terminal.write(b"end")
        shown = os.read(leader, 10_000)
    os.close(leader)
    assert shown == b"end"


def test_a_repeated_id_gives_the_stored_reply_and_other_text_is_refused(home: Path) -> None:
    first = run("ask", "--json", "--home", home, "--user", "dana.reed", "--id", "q1", VPN)
    again = run("ask", "--json", "--home", home, "--user", "dana.reed", "--id", "q1", VPN)
    assert again.data == first.data
    other = run("ask", "--json", "--home", home, "--user", "dana.reed", "--id", "q1", "Printer")
    assert (other.code, other.out) == (3, "")
    assert "Send this message under a new id" in other.err


@pytest.mark.parametrize(
    ("arguments", "given", "said"),
    [
        ([""], b"", "The message is empty. Describe the problem in a sentence or two."),
        (["\u200b \x07"], b"", "The message is empty."),
        (["-"], b"x" * 1_000_000, "'text' is longer than 16000 characters. Shorten it."),
        ([b"vpn \xff\xfe"], b"", "'text' is no text in UTF-8. Correct it."),
        (["--at", "tomorrow", "vpn"], b"", "'at' is no time with a zone. Write it like 2026-"),
        (["--at", "2026-11-22T10:00:00", "vpn"], b"", "'at' is no time with a zone."),
        (["--id", "", "vpn"], b"", "'id':"),
        (["--thread", "a\nb", "vpn"], b"", "'thread':"),
        ([], b"", "Say what to ask"),
        (["--batch", "nowhere.jsonl"], b"", "The batch file nowhere.jsonl is not there."),
    ],
)
def test_bad_input_is_refused_before_a_home_is_made(
    arguments: list[str | bytes], given: bytes, said: str, tmp_path: Path
) -> None:
    done = run("ask", "--home", tmp_path / "home", *arguments, given=given)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert not (tmp_path / "home").exists()


def test_a_wrong_setting_is_named(tmp_path: Path) -> None:
    done = run("doctor", "--home", tmp_path / "home", settings={"COPILOT_PORT": "many"})
    assert done.code == 2
    assert done.err.startswith("'port': ")


def _batch(home: Path, *lines: str | bytes) -> tuple[list[dict[str, object]], str]:
    """The replies in order, and what went to stderr."""
    source, out = home.parent / "in.jsonl", home.parent / "out.jsonl"
    source.write_bytes(b"\n".join(x if isinstance(x, bytes) else x.encode() for x in lines))
    done = run("ask", "--batch", source, "--out", out, "--home", home)
    assert done.code == 0, done.err
    assert done.out == ""
    return [json.loads(line) for line in out.read_text("utf-8").splitlines()], done.err


def _line(**given: object) -> str:
    return json.dumps({"user": "dana.reed", **given})


def test_a_bad_line_of_a_batch_gives_an_error_line_and_no_stop(home: Path) -> None:
    lines: list[str | bytes] = [
        _line(id="a", text=VPN, thread="t1", colour="red"),
        "{not json",
        "[1, 2]",
        b'{"id": "u", "text": "vpn \xff"}',
        "[" * 100_000,
        '{"id": ' + "9" * 5000 + "}",
        _line(id="b", text=""),
        _line(id="c", text="vpn", user="nobody.x"),
        _line(id="d", text="It still fails", thread="t1", user="omar.haddad"),
        _line(id="e", text="vpn", at="soon"),
        _line(id="a", text="Something else"),
        _line(id="\ud800", text="vpn"),
        _line(text="<script>alert(1)</script>'; DROP TABLE turns; -- my printer jams\x1b[2J"),
        _line(id="z", text="Did that, still down", thread="t1", at="2031-01-01T08:00:00Z"),
    ]
    answers, told = _batch(home, *lines)
    said = [str(answer.get("error", "")) for answer in answers]
    named = [answer["inquiry_id"] for answer in (*answers[:1], *answers[6:12])]
    assert named == [*"abcdea", "\ud800"]
    assert [answer.get("line") for answer in answers] == [None, *range(2, 13), None, None]
    for number, words in (
        (1, "The line is no JSON"),
        (2, "The line is no JSON object"),
        (3, "The line is not UTF-8 (byte 25)"),
        (4, "nested too deeply"),
        (5, "number too long"),
        (6, "The message is empty"),
        (7, "knows nobody of the id in 'user'"),
        (8, "belongs to somebody else"),
        (9, "is no time with a zone"),
        (10, "Send this message under a new id"),
    ):
        assert words in said[number]
    assert Reply.model_validate(answers[12]).disposition in {"answer", "clarify", "escalate"}
    assert Reply.model_validate(answers[13]).thread_id == "t1"
    assert "1 unknown key(s) of the batch were ignored. Known are: id, text, user" in told
    assert told.rstrip().endswith("11 of 14 lines failed; see their error lines.")


def test_the_batch_itself_is_not_overwritten(home: Path) -> None:
    source = home.parent / "in.jsonl"
    source.write_text(_line(id="a", text=VPN), "utf-8")
    done = run("ask", "--batch", source, "--out", source, "--home", home)
    assert done.code == 2
    assert "--out is the batch file itself" in done.err
    assert source.read_text("utf-8") == _line(id="a", text=VPN)


def test_a_conversation_is_shown_with_its_reasons(home: Path) -> None:
    run("ask", "--home", home, "--user", "dana.reed", "--thread", "t1", f"{VPN} \x1b[31mred")
    run("ask", "--home", home, "--user", "dana.reed", "--thread", "t1", "I lost my laptop")
    shown = run("show", "t1", "--home", home)
    assert shown.code == 0
    for words in ("Conversation t1 of dana.reed, 2 turn(s)", "policy       permit", "kb-", "#"):
        assert words in shown.out
    assert "policy       escalate; rules " in shown.out
    assert "versions     code " in shown.out
    assert "\x1b" not in shown.out
    turns = run("show", "t1", "--json", "--home", home).data["turns"]
    assert isinstance(turns, list)
    assert [turn["reply"]["disposition"] for turn in turns] == ["answer", "escalate"]
    assert turns[0]["record"]["passages"][0]["score"] > 0
    assert turns[0]["record"]["versions"] == turns[0]["reply"]["versions"]


def test_a_conversation_that_is_not_there_is_an_error(home: Path, tmp_path: Path) -> None:
    for place in (home, tmp_path / "empty"):
        done = run("show", "t9", "--home", place)
        assert (done.code, done.out) == (3, "")
        assert "The conversation 't9' is not in this home." in done.err


def test_versions_are_listed_and_rolled_back_within_a_second(home: Path, tmp_path: Path) -> None:
    first = read_pointer(home / "index")
    assert first
    source = reworded_articles(tmp_path / "articles")
    synced = run("index", "sync", "--source", source, "--home", home)
    assert synced.code == 0, synced.err
    second = read_pointer(home / "index")
    assert second
    assert f"Index version {second} serves (" in synced.out
    assert "Nothing had to be built" in run("index", "sync", "--source", source, "--home", home).out

    listed = run("index", "list", "--home", home)
    marks = {line[2:].split()[0]: line[0] for line in listed.out.splitlines()}
    assert marks == {second: "*", first: " "}
    back = run("index", "use", first, "--home", home)
    assert (back.code, read_pointer(home / "index")) == (0, first)
    assert max(listed.cpu, back.cpu) < 1.0
    unknown = run("index", "use", "nowhere", "--home", home)
    assert unknown.code == 4
    assert "Index version 'nowhere' is unknown. Versions here: " in unknown.err


def _articles(folder: Path, *, count: int) -> Path:
    """Some of the shipped articles in a folder of their own."""
    from integrations.company import load_company, shipped_company

    folder.mkdir()
    for path in sorted(load_company(shipped_company()).articles.rglob("[!R]*.md"))[:count]:
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def test_a_check_lists_every_problem_by_file_and_line(home: Path, tmp_path: Path) -> None:
    source = _articles(tmp_path / "articles", count=3)
    first, second, third = sorted(source.iterdir())
    first.write_text(first.read_text("utf-8").replace("owner:", "ownr:"), "utf-8")
    second.write_text("no front matter at all", "utf-8")
    done = run("kb", "check", "--source", source, "--home", home)
    assert done.code == 1
    assert f"{first}:" in done.out
    assert f"{second}:1: error: " in done.out
    assert str(third) not in done.out


def test_a_check_warns_of_stale_articles_and_wants_every_label(home: Path) -> None:
    fine = run("kb", "check", "--home", home, "--at", "2026-11-22")
    assert fine.code == 0, fine.out
    late = run("kb", "check", "--home", home, "--at", "2036-11-22")
    assert late.code == 0
    assert ": warning: kb-" in late.out
    assert "was due for review on" in late.out
    assert run("kb", "check", "--home", home, "--at", "soon").code == 2


@pytest.mark.soak  # other labels: the classifiers are trained anew, for minutes of processor time
def test_pages_of_a_site_are_served(home: Path, tmp_path: Path) -> None:
    site = tmp_path / "handbook"
    site.mkdir()
    (site / "beamer.md").write_text(
        "# The beamer in the canteen\n\nPress the grey button twice to wake the beamer.\n", "utf-8"
    )
    (site / "index.html").write_text("<h1>Guests</h1><p>Guests get a day pass.</p>", "utf-8")
    (site / "empty.md").write_text("\n", "utf-8")
    sync = ("index", "sync", "--source", site, "--site", "--home", home)
    done = run(*sync, seconds=LONG_SECONDS)
    assert done.code == 0, done.err
    assert "(2 articles" in done.out
    assert "left out: empty.md:1: " in done.err
    assert "the shipped thresholds decide" in done.err
    asked = run("ask", "--home", home, "--user", "dana.reed", "How do I wake the canteen beamer?")
    assert asked.code == 0, asked.err
    wrong = run(*sync, "--owner", "nobody")
    assert wrong.code == 2
    assert "The owner 'nobody' is no queue." in wrong.err


def test_the_doctor_finds_a_prepared_home_healthy(home: Path) -> None:
    done = run("doctor", "--home", home, settings={"COPILOT_PORT": "0"})
    assert done.code == 0, done.out
    checked = {line.split()[1] for line in done.out.splitlines()}
    assert checked == {
        "python", "disk", "home", "weights", "model", "index", "articles", "policy", "author", "store",
        "port", "directory", "devices",
    }  # fmt: skip
    assert {line.split()[0] for line in done.out.splitlines()} <= {"ok", "warn"}


def test_the_doctor_says_what_is_broken_and_makes_nothing(home: Path, tmp_path: Path) -> None:
    version = version_dir(home / "index", read_pointer(home / "index") or "")
    (version / "cards.json").unlink()
    (home / "records.sqlite").write_bytes(b"no database" * 1000)
    settings = {"COPILOT_PORT": "0", "COPILOT_MODELS_DIR": str(tmp_path / "models")}
    done = run("doctor", "--home", home, settings=settings)
    assert done.code == 1
    failed = {line.split()[1]: line for line in done.out.splitlines() if line.startswith("fail")}
    assert "Run `make install` (or `copilot setup`) once." in failed["model"]
    assert "cards.json is missing" in failed["index"]
    assert "Restore the file from a backup" in failed["store"]
    assert run("doctor", "--home", tmp_path / "new", settings={"COPILOT_PORT": "0"}).code == 0
    assert not (tmp_path / "new").exists()


def test_a_missing_index_is_built_again(home: Path) -> None:
    before = read_pointer(home / "index")
    shutil.rmtree(home / "index")
    done = run("ask", "--json", "--home", home, "--user", "dana.reed", VPN)
    assert done.code == 0, done.err
    assert done.data["disposition"] == "answer"
    assert read_pointer(home / "index") == before


@pytest.mark.parametrize(
    "name", ["cards.json", "classifiers.npz", "shelf.sqlite", "vectors.npy", "manifest.json"]
)
def test_a_damaged_index_is_a_sentence_and_not_an_answer(home: Path, name: str) -> None:
    file = version_dir(home / "index", read_pointer(home / "index") or "") / name
    file.write_bytes(os.urandom(file.stat().st_size))
    done = run("ask", "--json", "--home", home, "--user", "dana.reed", VPN)
    assert (done.code, done.out) == (4, "")
    assert "copilot index sync" in done.err


def test_a_damaged_index_is_mended_by_a_sync(home: Path) -> None:
    version = read_pointer(home / "index")
    file = version_dir(home / "index", version or "") / "cards.json"
    file.write_bytes(os.urandom(file.stat().st_size))
    assert run("index", "sync", "--home", home).code == 0
    assert read_pointer(home / "index") == version
    assert run("ask", "--home", home, "--user", "dana.reed", VPN).code == 0


def test_a_locked_record_is_a_sentence(home: Path) -> None:
    other = sqlite3.connect(home / "records.sqlite", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    done = run("ask", "--json", "--home", home, "--user", "dana.reed", VPN)
    other.close()
    assert (done.code, done.out) == (4, "")
    assert "is locked by another process" in done.err


@pytest.mark.parametrize("file_bytes", [0, 3_000, 60_000, 2_000_000])
def test_a_disk_too_full_for_an_index_is_a_sentence(tmp_path: Path, file_bytes: int) -> None:
    done = run("ask", "--home", tmp_path / "home", VPN, file_bytes=file_bytes)
    assert (done.code, done.out) == (4, "")
    assert "should not happen" not in done.err
    assert "free" in done.err.lower()
    assert read_pointer(tmp_path / "home" / "index") is None


def test_a_damaged_memory_is_a_sentence_or_a_person(home: Path) -> None:
    memory = home / "checkpoints.sqlite"
    run("ask", "--home", home, "--user", "dana.reed", "--thread", "t1", VPN)
    with sqlite3.connect(memory) as file:
        file.execute("UPDATE checkpoints SET checkpoint = x'c1c1c1'")
    file.close()
    done = run("ask", "--json", "--home", home, "--user", "dana.reed", "--thread", "t1", "And now?")
    assert (done.code, done.data["disposition"]) == (0, "escalate")
    assert "The memory of conversations" in done.err
    assert str(memory) in done.err
    memory.write_bytes(os.urandom(20_000))
    for side in home.glob("checkpoints.sqlite-*"):
        side.unlink()
    done = run("ask", "--home", home, "--user", "dana.reed", VPN)
    assert (done.code, done.out) == (4, "")
    assert f"The memory of conversations '{memory}' is damaged. Restore" in done.err
    assert f"{memory} is damaged" in run("doctor", "--home", home).out


def test_a_locked_memory_is_a_person(home: Path) -> None:
    other = sqlite3.connect(home / "checkpoints.sqlite", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    done = run("ask", "--json", "--home", home, "--user", "dana.reed", VPN)
    other.close()
    assert (done.code, done.data["disposition"]) == (0, "escalate")
    assert "is locked by another process" in done.err


@pytest.mark.parametrize("name", ["query.onnx", "tokenizer.json"])
def test_a_damaged_model_is_a_sentence(home: Path, tmp_path: Path, name: str) -> None:
    models = shutil.copytree(Settings().models_dir, tmp_path / "share" / "models")
    for file in models.glob(f"*/{name}"):
        file.write_bytes(os.urandom(5_000))
    settings = {"COPILOT_MODELS_DIR": str(models)}
    done = run("ask", "--home", home, "--user", "dana.reed", VPN, settings=settings)
    assert (done.code, done.out) == (4, "")
    assert f"{models}" in done.err
    assert "copilot setup" in done.err


def test_a_damaged_key_is_a_sentence(home: Path) -> None:
    (home / "digest.key").write_bytes(b"")
    done = run("ask", "--home", home, "--user", "dana.reed", VPN)
    assert (done.code, done.out) == (4, "")
    assert f"The key {home / 'digest.key'} is damaged" in done.err


@pytest.mark.parametrize("file_bytes", [0, 40_000])
def test_a_full_disk_is_a_sentence_or_a_person(home: Path, file_bytes: int) -> None:
    done = run("ask", "--home", home, "--user", "dana.reed", VPN, file_bytes=file_bytes)
    assert done.code in {0, 4}
    assert done.out or "free" in done.err.lower()
    assert run("ask", "--home", home, "--user", "dana.reed", VPN).code == 0
