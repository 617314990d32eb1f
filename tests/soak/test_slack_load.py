"""2,000 messages at 50 a second, a tenth delivered twice, 2 % malformed, the worker killed twice."""

import socket
from collections import Counter
from pathlib import Path

import pytest

from tests.serving import copy_of
from tests.slack_load import loaded

ACK_SECONDS = 3.0
"""After this Slack takes a delivery as lost and sends it again."""


@pytest.mark.soak
@pytest.mark.enable_socket
@pytest.mark.allow_hosts(["127.0.0.1"])
async def test_every_message_is_answered_exactly_once(prepared_home: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    home = copy_of(prepared_home, tmp_path / "home")
    found = await loaded(
        home, tmp_path / "log", port, messages=2_000, per_second=50, kills=(0.3, 0.6)
    )
    print("\n".join(found.lines()))  # noqa: T201  # the figures of the series
    assert found.answers == Counter({1: 2_000})
    assert found.slowest < ACK_SECONDS
