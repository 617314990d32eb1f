"""`copilot slack demo`: the product over a simulated Slack that is used in the browser, in one process."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import click
import uvicorn
from pydantic import SecretStr

from integrations.commands.failures import OUTAGE, USAGE
from integrations.commands.serve import LAST_PORT, Server, address_of, listen, why_not
from integrations.commands.slack import ingress_options, serving, working
from integrations.home import Home
from integrations.progress import Progress
from integrations.sandbox.slack.simulator import TRIAGE, Setup, Simulator, running
from integrations.settings import Settings, SlackSettings
from integrations.slack.ingress import PATH, opened
from integrations.web.examples import examples_of
from integrations.wiring import App, open_app

FOLDER = "demo-slack"
"""The demo's own home, below the home: it shares no case with the product."""
_HOST = "127.0.0.1"


def demo(port: int, home: Path | None) -> int:
    """Run until told to stop. Returns the exit code."""
    if not 0 <= port <= LAST_PORT:
        click.echo(f"There is no port {port}. Name one up to {LAST_PORT} with --port.", err=True)
        return USAGE
    given = Settings() if home is None else Settings(home=home)
    own = Home.at(Home.at(given.home).path / FOLDER)
    settings = given.model_copy(update={"home": own.path})
    with own.owned():
        return asyncio.run(_demo(settings, port))


async def _demo(settings: Settings, port: int) -> int:
    async with AsyncExitStack() as stack:
        door = stack.enter_context(listen(_HOST, 0))
        setup = Setup(app_url=f"{address_of(door)}{PATH}", port=port)
        try:
            simulator = await stack.enter_async_context(running(setup))
        except OSError as error:
            click.echo(why_not(_HOST, port, error), err=True)
            return OUTAGE
        app = await open_app(settings, progress=Progress.to_terminal())
        stack.push_async_callback(app.close)
        server = await stack.enter_async_context(_product(app, settings, setup, simulator))
        await server.serve(sockets=[door])
    return 0


@asynccontextmanager
async def _product(
    app: App, settings: Settings, setup: Setup, simulator: Simulator
) -> AsyncIterator[uvicorn.Server]:
    """The worker, running, and the server that takes what the simulator sends."""
    slack = _slack_settings(setup, simulator)
    async with working(app, settings, slack), opened(ingress_options(settings, slack)) as ingress:
        yield Server(
            serving(ingress), partial(_greet, simulator.server.url, examples_of(app.company))
        )


def _slack_settings(setup: Setup, simulator: Simulator) -> SlackSettings:
    """The simulator's workspace, whatever the environment says of a real one."""
    return SlackSettings(
        transport="http",
        bot_token=SecretStr(setup.bot_token),
        app_token=None,
        signing_secret=SecretStr(setup.signing_secret),
        client_id=None,
        client_secret=None,
        api_url=simulator.api_url,
        triage_channel=TRIAGE,
    )


def _greet(url: str, questions: tuple[str, ...]) -> None:
    lines = [f"The copilot in a simulated Slack is at {url}", "Ask it, for example:"]
    lines += [f'  "{question}"' for question in questions]
    lines += ["Become somebody of IT support at the left to work on cases in #it-triage."]
    click.echo("\n".join([*lines, "Ctrl+C stops it."]))
    sys.stdout.flush()
