"""The short form of the load series in `make soak`: people write, the worker is killed, all are answered once."""

import socket
from collections import Counter
from pathlib import Path

import pytest

from tests.serving import copy_of
from tests.slack_load import loaded

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]


async def test_a_killed_worker_loses_and_doubles_nothing(
    prepared_home: Path, tmp_path: Path
) -> None:
    home = copy_of(prepared_home, tmp_path / "home")
    found = await loaded(
        home, tmp_path / "log", free_port(), messages=40, per_second=20, kills=(0.5,)
    )
    assert found.answers == Counter({1: 40}), found.lines()
    assert set(found.refused) <= {400}
    log = (tmp_path / "log").read_text("utf-8")
    assert "Traceback" not in log
    assert "certificate validation" not in log, "no text of a message is logged"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port
