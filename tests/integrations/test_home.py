"""One home holds everything, and no two of them touch."""

import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from integrations.home import Home, HomeError, HomeOwnedError
from integrations.settings import Settings
from tests.serving import reworded_articles, served
from tests.terminal import run

LOST = "I lost my laptop on the train"


def _files(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file with its size and time of change."""
    return {
        str(path.relative_to(folder)): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_everything_is_written_below_the_home(home: Path, tmp_path: Path) -> None:
    shared = Settings().models_dir.parent
    before = _files(shared)
    surroundings = tmp_path / "person"
    surroundings.mkdir()
    places = {name: str(surroundings) for name in ("HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")}
    done = run("ask", "--user", "dana.reed", LOST, settings={**places, "COPILOT_HOME": str(home)})
    assert done.code == 0, done.err
    assert _files(surroundings) == {}
    assert _files(shared) == before


def test_two_homes_never_touch(another_home: Callable[[str], Path]) -> None:
    one, two = another_home("one"), another_home("two")
    untouched = _files(two)
    first = run("ask", "--json", "--home", one, "--user", "dana.reed", "--thread", "t1", LOST)
    assert _files(two) == untouched
    second = run("ask", "--json", "--home", two, "--user", "omar.haddad", "--thread", "t1", LOST)
    # The same id and the first ticket number are free in the other home.
    assert (first.code, second.code) == (0, 0)
    tickets = [done.data["ticket"] for done in (first, second)]
    assert tickets[0]
    assert tickets[0] == tickets[1]
    assert Home(one).digest_key() != b""


def test_two_homes_have_keys_of_their_own(tmp_path: Path) -> None:
    keys = {Home.at(tmp_path / name).digest_key() for name in ("one", "two")}
    assert len(keys) == 2
    assert Home.at(tmp_path / "one").digest_key() in keys


def test_a_home_is_for_its_user_alone(tmp_path: Path) -> None:
    home = Home.at(tmp_path / "home")
    home.digest_key()
    assert home.path.stat().st_mode & 0o077 == 0
    assert (home.path / "digest.key").stat().st_mode & 0o077 == 0


def test_a_home_has_one_owner(tmp_path: Path) -> None:
    home = Home.at(tmp_path / "home")
    with home.owned(url="http://127.0.0.1:1"):
        assert home.is_owned()
        assert home.owner() == (os.getpid(), "http://127.0.0.1:1")
        again = Home.at(home.path).owned(wait_seconds=10)
        with (
            pytest.raises(HomeOwnedError, match=r"serves at http://127\.0\.0\.1:1") as refused,
            again,
        ):
            pass
        assert refused.value.pid == os.getpid()
    assert not home.is_owned()
    assert home.owner() == (None, None)


def test_an_owner_that_died_is_not_believed(tmp_path: Path) -> None:
    home = Home.at(tmp_path / "home")
    gone = subprocess.Popen(["true"])
    gone.wait()
    (home.path / "owner.json").write_text(f'{{"pid": {gone.pid}, "url": "http://127.0.0.1:1"}}')
    assert home.owner() == (None, None)
    with home.owned():
        assert home.owner() == (os.getpid(), None)


def test_a_home_that_is_a_file_is_explained(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("taken")
    with pytest.raises(HomeError, match="can't be made or written: file exists"):
        Home.at(tmp_path / "home")
    done = run("ask", "--home", tmp_path / "home", LOST)
    assert done.code == 4
    assert "name another folder with COPILOT_HOME" in done.err


def test_a_home_that_may_not_be_written_is_explained(prepared_home: Path, tmp_path: Path) -> None:
    """Root is asked without its privileges: then the rights of files bind it like everybody else."""
    if os.geteuid() == 0:
        home = shutil.copytree(prepared_home, tmp_path / "home")
        for path in (home, *home.rglob("*")):
            shutil.chown(path, "nobody")
        home.chmod(0o755)
    else:
        home = tmp_path / "closed" / "home"
        home.parent.mkdir(mode=0o555)
    done = run("ask", "--home", home, LOST, powerless=True)
    assert (done.code, done.out) == (4, "")
    assert f"The home {home} can't be made or written: " in done.err
    assert "name another folder with COPILOT_HOME" in done.err


@pytest.mark.enable_socket
def test_commands_go_through_the_server_or_beside_it(home: Path, tmp_path: Path) -> None:
    with served(home, tmp_path / "log") as url:
        asked = run("ask", "--json", "--home", home, "--user", "dana.reed", "--thread", "t1", LOST)
        assert asked.code == 0, asked.err
        assert run("show", "t1", "--home", home).out.startswith("Conversation t1 of dana.reed")
        assert run("index", "list", "--home", home).out.startswith("* ")
        for named in ({}, {"COPILOT_PORT": url.rpartition(":")[2]}):
            doctor = run("doctor", "--home", home, settings=named)
            assert doctor.code == 0, doctor.out
            assert f"which serves at {url}" in doctor.out
            assert f"the server of this home is up and ready at {url}" in doctor.out
            assert "is free" not in doctor.out
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = str(taken.getsockname()[1])
            doctor = run("doctor", "--home", home, "--port", port)
            assert doctor.code == 1
            assert f"is up and ready at {url}" in doctor.out
            assert f"Can't listen on 127.0.0.1, port {port}" in doctor.out


def test_a_sync_beside_a_running_server_is_followed(home: Path, tmp_path: Path) -> None:
    articles = reworded_articles(tmp_path / "articles")

    def version_now() -> object:
        done = run("ask", "--json", "--home", home, "--user", "dana.reed", "My printer jams")
        assert done.code == 0, done.err
        versions = done.data["versions"]
        assert isinstance(versions, dict)
        return versions["knowledge"]

    with served(home, tmp_path / "log"):
        before = version_now()
        done = run("index", "sync", "--source", articles, "--home", home)
        assert done.code == 0, done.err
        after = version_now()
        assert f"Index version {after} serves" in done.out
        assert before != after
        assert run("index", "use", str(before), "--home", home).code == 0
        assert version_now() == before
