"""The product over the simulated Slack, in one process: Bolt, queue, worker, graph, desk, all real."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import uvicorn
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatResult

from copilot.testing.honest import HonestModel
from integrations.connecting import Connections
from integrations.home import Home
from integrations.jobs.inbox import DbosInbox
from integrations.jobs.port import JobState, Pace
from integrations.jobs.worker import DbosWorker
from integrations.sandbox.slack.simulator import TRIAGE, Setup, Simulator, account, running
from integrations.sandbox.slack.workspace import Message
from integrations.settings import Settings
from integrations.slack.ingress import Ingress, IngressOptions, opened
from integrations.slack.installing import Installations, one_workspace
from integrations.slack.runtime import Options
from integrations.slack.worker import slack_work
from integrations.wiring import App, open_app

PATIENCE = 30.0
QUICK = Pace(poll_seconds=0.05, attempts=4, retry_seconds=0.2, backoff=2.0)
OPTIONS = Options(triage_channel=TRIAGE, check_in=timedelta(hours=1), call_seconds=3.0)
DANA, OMAR, LENA, NIELS = map(account, ("dana.reed", "omar.haddad", "lena.vos", "niels.bakker"))


@dataclass(frozen=True, slots=True)
class Stage:
    """Slack's people on one side, the product on the other."""

    sim: Simulator
    app: App
    ingress: Ingress
    inbox: DbosInbox
    url: str
    """Where the ingress listens."""

    async def answered(
        self, user: str, channel: str, *, thread: str | None = None, count: int = 1
    ) -> Message:
        """The bot's message of that number, once it is there."""
        await until(lambda: len(self.sim.answers(user, channel, thread)) >= count)
        return self.sim.answers(user, channel, thread)[count - 1]

    async def told(self, user: str, text: str, *, count: int = 1) -> Message:
        """The answer to a direct message that starts a conversation."""
        said = await self.sim.say(user, "", text)
        return await self.answered(user, said.channel, thread=said.ts, count=count)

    async def idle(self, seconds: float = PATIENCE) -> None:
        """Until every event is delivered and every job that is due is done."""
        await self.sim.settled()
        await until(self._all_done, seconds)

    async def _all_done(self) -> bool:
        await self.sim.settled()
        census = await self.inbox.census()
        return not census.counts[JobState.WAITING] and not census.counts[JobState.RUNNING]


async def until(holds: Callable[[], bool | Awaitable[bool]], seconds: float = PATIENCE) -> None:
    """Wait for it, or fail."""
    async with asyncio.timeout(seconds):
        while True:
            found = holds()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(0.02)


class SlowModel(HonestModel):
    """A chat model that takes its time, so that what is shown meanwhile can be seen."""

    async def _agenerate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        await asyncio.sleep(0.6)
        return self._generate(messages)


@asynccontextmanager
async def staged(
    home: Path,
    *,
    over_socket: bool = False,
    options: Options = OPTIONS,
    late_seconds: float = 30.0,
    chat_model: str | None = None,
    installed_by_others: bool = False,
    pace: Pace = QUICK,
    connections: Connections | None = None,
) -> AsyncIterator[Stage]:
    """Everything started, and stopped again."""
    async with AsyncExitStack() as stack:
        listening = socket.create_server(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        url = None if over_socket else f"http://127.0.0.1:{port}/slack/events"
        setup = Setup(app_url=url, retry_waits=(0.0, 0.3, 0.5))
        sim = await stack.enter_async_context(running(setup))
        app = await open_app(Settings(home=home, chat_model=chat_model), connections=connections)
        stack.push_async_callback(app.close)
        jobs_url = Home.at(home).jobs_url
        inbox = await DbosInbox.open(jobs_url)
        stack.push_async_callback(inbox.close)
        installations = (
            Installations(home / "installations.sqlite", "client") if installed_by_others else None
        )
        work = slack_work(
            app,
            database=app.journal.database,
            inbox=inbox,
            token=installations.token() if installations else one_workspace(setup.bot_token),
            base_url=sim.api_url,
            rate_retries=2,
            options=options,
            examples=("My VPN does not connect",),
        )
        stack.push_async_callback(work.close)
        worker = DbosWorker(
            jobs_url, work.by_kind, executor_id="worker", on_failed=work.given_up, pace=pace
        )
        await worker.start()
        stack.push_async_callback(worker.stop)
        following = asyncio.create_task(work.news.follow())
        stack.push_async_callback(_ended, following)
        door = await stack.enter_async_context(
            opened(
                IngressOptions(
                    jobs_url=jobs_url,
                    signing_secret=setup.signing_secret,
                    bot_token="" if installations else setup.bot_token,
                    installations=installations,
                    client_secret="client-secret",
                    app_token=setup.app_token,
                    base_url=sim.api_url,
                    queues=tuple(app.profile.queues),
                    hotline=app.company.hotline_text(),
                    late_seconds=late_seconds,
                )
            )
        )
        serving = asyncio.create_task(door.listen() if over_socket else _serve(door, listening))
        stack.push_async_callback(_ended, serving)
        await until(lambda: bool(sim.wire.sockets) if over_socket else _is_open(port))
        yield Stage(sim, app, door, inbox, f"http://127.0.0.1:{port}")


async def _serve(door: Ingress, listening: socket.socket) -> None:
    config = uvicorn.Config(
        door.site(), log_config=None, log_level="error", ws="none", lifespan="off"
    )
    server = uvicorn.Server(config)
    await server.serve(sockets=[listening])


async def _ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _is_open(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=0.2):
        return True
    return False
