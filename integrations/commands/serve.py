"""`copilot serve`: web page, API and queue page in one process."""

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click
import uvicorn
from fastapi import FastAPI

from integrations import logs
from integrations.api.edge import is_loopback
from integrations.commands.failures import OUTAGE, USAGE
from integrations.home import Home
from integrations.progress import Progress
from integrations.settings import AccessSettings, Settings, SlackSettings, TicketSettings

if TYPE_CHECKING:
    from integrations.api.reports import Reports
    from integrations.wiring import App

_BACKLOG = 128
_GRACE_SECONDS = 5
LAST_PORT = 65_535


def serve(host: str | None, port: int | None, home: Path | None) -> int:
    """Serve until told to stop. Returns the exit code."""
    settings = Settings() if home is None else Settings(home=home)
    address = host or settings.host
    number = settings.port if port is None else port
    access = AccessSettings()
    if refusal := _refusal(address, number, settings.mode, access):
        click.echo(refusal, err=True)
        return USAGE
    try:
        listening = listen(address, number)
    except OSError as error:
        click.echo(why_not(address, number, error), err=True)
        return OUTAGE
    with listening:
        url = address_of(listening)
        logs.configure(sys.stderr, level=logging.getLevelNamesMapping()[settings.log_level.upper()])
        with Home.at(settings.home).owned(url=url):
            return asyncio.run(_serve(settings, listening, url))


def _refusal(host: str, port: int, mode: str, access: AccessSettings) -> str | None:
    if not is_loopback(host) and (mode != "production" or access.public_url is None):
        return (
            f"The address '{host}' can be reached from other machines, and nobody signs in yet. "
            "Serve on a loopback address, like 127.0.0.1, or set COPILOT_MODE=production and "
            "COPILOT_ACCESS_PUBLIC_URL to the https address where browsers find this server."
        )
    if not 0 <= port <= LAST_PORT:
        return (
            f"There is no port {port}. Name one up to {LAST_PORT} with --port (0 picks a free one)."
        )
    return None


async def _serve(settings: Settings, listening: socket.socket, url: str) -> int:
    from integrations.api.wire import wire
    from integrations.web.examples import examples_of
    from integrations.wiring import open_app

    runtime = await open_app(settings, progress=Progress.to_terminal(), follow=True)
    slack = SlackSettings()
    try:
        protocol = wire(runtime.counters, head_seconds=settings.body_seconds)
        greet = partial(_greet, url, runtime.company.name, examples_of(runtime.company))
        invited = await _opened_doors(runtime, settings, url)
        async with _tickets(runtime, settings, TicketSettings()) as reports:
            site = _site(runtime, url, reports)
            server = Server(_config(site, protocol), partial(_say, greet, invited))
            async with _slack(runtime, settings, slack):
                await server.serve(sockets=[listening])
    finally:
        await runtime.close()
    return 0


def _site(runtime: "App", url: str, reports: "Reports | None") -> FastAPI:
    from integrations.web.app import create_site

    # The home's own commands come to the address that is announced.
    return create_site(runtime, hosts=[urlsplit(url).hostname or ""], reports=reports)


async def _opened_doors(app: "App", settings: Settings, url: str) -> str | None:
    """In production: let the home's own commands in, and the first administrator. Says where to."""
    await app.doors.keeper.clean()
    if settings.mode != "production":
        return None
    Home.at(settings.home).keep_server_token(app.doors.keeper.trust_owner())
    if app.doors.company is not None or await app.doors.keeper.has_been_entered():
        return None
    for person in app.directory.people():
        if (secret := await app.doors.keeper.invite_admin(person.id)) is not None:
            where = (app.doors.public_url or url).rstrip("/")
            return f"{person.name} signs in once, soon, at {where}/signin/link/{secret}"
    return "Nobody has signed in yet. Make a link with `copilot access link --person ID`."


def _say(greet: Callable[[], None], invited: str | None) -> None:
    greet()
    if invited is not None:
        click.echo(invited)
        sys.stdout.flush()


def _slack(
    app: "App", settings: Settings, slack: SlackSettings
) -> AbstractAsyncContextManager[None]:
    """Slack beside the server; its libraries are loaded only where it is on."""
    if slack.transport == "off":
        return nullcontext()
    from integrations.commands.slack import beside

    return beside(app, settings, slack)


@asynccontextmanager
async def _tickets(
    app: "App", settings: Settings, tickets: TicketSettings
) -> AsyncIterator["Reports | None"]:
    """The ticket system beside the server, where one is connected."""
    if tickets.system == "embedded":
        yield None
        return
    from integrations.api.reports import Reports
    from integrations.commands.tickets import delivering

    async with delivering(app, settings, tickets) as running:
        secret = tickets.webhook_secret
        yield Reports(secret.get_secret_value(), running.hint) if secret else None


def _config(app: FastAPI, protocol: type[asyncio.Protocol]) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=protocol,
        access_log=False,
        log_config=None,
        # Its warnings are about what clients send; those are counted.
        log_level="error",
        server_header=False,
        proxy_headers=False,
        ws="none",
        lifespan="on",
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


class Server(uvicorn.Server):
    """A server that ends normally after a signal, so that the home is given back.

    It greets once it answers and signals are heard.
    """

    def __init__(self, config: uvicorn.Config, greet: Callable[[], None]) -> None:
        super().__init__(config)
        self._greet = greet

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._greet()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {
            number: signal.signal(number, self._stop) for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.handle_exit(number, frame)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket: from now on callers wait in line instead of being refused."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host.strip("[]"), port, type=socket.SOCK_STREAM
    )[0]
    made = socket.socket(family, kind, protocol)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(_BACKLOG)
    except BaseException:
        made.close()
        raise
    return made


def address_of(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    # Every address of the machine is no address to go to.
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # not bound here
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def why_not(host: str, port: int, error: OSError) -> str:
    return (
        f"Can't listen on {host}, port {port}: {(error.strerror or 'it failed').lower()}. "
        "Stop what uses it, or name another port with --port (0 picks a free one)."
    )


def _greet(url: str, company: str, questions: tuple[str, ...]) -> None:
    lines = [
        f"The IT support copilot of {company} is at {url}",
        f"Queue of handed-over cases: {url}/cases",
    ]
    if questions:
        lines.append("Ask it, for example:")
        lines += [f'  "{question}"' for question in questions]
    lines.append("Ctrl+C stops it.")
    click.echo("\n".join(lines))
    sys.stdout.flush()
