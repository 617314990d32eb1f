"""A simulated vendor on a free loopback port."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
import uvicorn
from starlette.applications import Starlette

from integrations.sandbox.vendor import Account

COPILOT = Account("copilot@corp.example", "secret-of-the-copilot", "copilot", "11", "copilot@corp.example")  # fmt: skip
HUMAN = Account("agent@corp.example", "secret-of-the-agent", "agent", "12", "agent@corp.example")
QUEUES = {"network": "Network Operations", "printing": "Print ^ Scan", "service-desk": "Service Desk"}  # fmt: skip


@dataclass
class TestClock:
    """Goes on by `step` with every look, or stands still."""

    __test__ = False
    at: datetime = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
    step: timedelta = timedelta(milliseconds=1)

    def __call__(self) -> datetime:
        self.at += self.step
        return self.at


@asynccontextmanager
async def served(site: Starlette) -> AsyncIterator[str]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            site, log_config=None, log_level="error", ws="none", lifespan="off", date_header=False
        )
        server = uvicorn.Server(config)
        # Not `serve`: the signals of the process are not the server's to take.
        task = asyncio.create_task(server._serve([listening]))
        while not server.started:  # noqa: ASYNC110  # it has nothing to wait for
            await asyncio.sleep(0.005)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


class Caller:
    """A person who calls the vendor's own interface."""

    def __init__(self, url: str, auth: tuple[str, str]) -> None:
        self._http = httpx.AsyncClient(
            base_url=url, auth=auth, timeout=30, trust_env=False, verify=False  # noqa: S501  # loopback, plain
        )  # fmt: skip

    async def done(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        params: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        answer = await self._http.request(method, path, json=json, params=params)
        assert answer.is_success, answer.text
        return answer

    async def close(self) -> None:
        await self._http.aclose()
