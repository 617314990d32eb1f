"""The serve command as a process, and the terminal going through it."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.serving import COPILOT, copy_of, prepared_home, served  # noqa: F401  # a fixture


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COPILOT, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "it.example"])  # noqa: S104
def test_an_address_that_others_reach_is_refused(host: str, tmp_path: Path) -> None:
    done = run("serve", "--host", host, "--home", tmp_path / "home")
    assert done.returncode == 2
    assert f"The address '{host}' can be reached from other machines" in done.stderr
    assert not (tmp_path / "home").exists()


def test_a_port_that_does_not_exist_is_explained(tmp_path: Path) -> None:
    done = run("serve", "--port", "70000", "--home", tmp_path / "home")
    assert done.returncode == 2
    assert "There is no port 70000" in done.stderr


def test_a_server_owns_its_home_and_gives_it_back(prepared_home: Path, tmp_path: Path) -> None:  # noqa: F811
    home = copy_of(prepared_home, tmp_path / "home")
    with served(home, tmp_path / "log") as url:
        port = url.rpartition(":")[2]
        taken_port = run("serve", "--port", port, "--home", tmp_path / "other")
        assert taken_port.returncode == 4
        assert f"Can't listen on 127.0.0.1, port {port}" in taken_port.stderr

        taken_home = run("serve", "--port", "0", "--home", home)
        assert taken_home.returncode == 4
        assert f"serves at {url}" in taken_home.stderr

        asked = run("ask", "--json", "--home", home, "--id", "m1", "I forgot my password")
        assert asked.returncode == 0, asked.stderr
        assert json.loads(asked.stdout)["inquiry_id"] == "m1"
        refused = run("ask", "--home", home, "--id", "m1", "Something else")
        assert refused.returncode == 3
        assert "Send this message under a new id" in refused.stderr
    assert not (home / "owner.json").exists()
    assert "Traceback" not in (tmp_path / "log").read_text("utf-8")
    assert "forgot my" not in (tmp_path / "log").read_text("utf-8")
