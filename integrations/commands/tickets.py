"""The company's ticket system beside the server, and what is on its way there."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from copilot.conversation import Inquiry
from copilot.errors import DirectoryUnavailableError, OutageError
from integrations.commands.doctor import FOUND_FAULTS, say_line
from integrations.company import Company, load_company
from integrations.delivery.ledger import DeliveryLedger
from integrations.delivery.outbox import Outbox, Pace
from integrations.delivery.running import Delivering, Rhythm
from integrations.delivery.sync import Sync
from integrations.delivery.telling import Contact, Telling
from integrations.home import Home
from integrations.settings import Settings, TicketSettings
from integrations.store.database import Database
from integrations.tickets.port import TicketDesk, TicketSystemRefusedError

if TYPE_CHECKING:
    from integrations.wiring import App

_EMBEDDED = "No ticket system is connected: cases are kept in the embedded desk. Set COPILOT_TICKETS_SYSTEM."
_INSTALLATION_CHARS = 8


@asynccontextmanager
async def delivering(
    app: "App", settings: Settings, tickets: TicketSettings
) -> AsyncIterator[Delivering]:
    """Keep the desk and the ticket system in step while the block runs."""
    remote = desk_of(tickets, app.profile)
    running = running_of(app, settings, tickets, remote)
    task = asyncio.create_task(running.run())
    try:
        yield running
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await remote.close()


def running_of(
    app: "App", settings: Settings, tickets: TicketSettings, remote: TicketDesk
) -> Delivering:
    """Put the parts together over one ticket system."""
    ledger = DeliveryLedger(app.journal.database)
    telling = Telling(
        remote,
        installation=_installation(Home.at(settings.home)),
        contact=_contact(app),
        create_tries=tickets.create_tries,
        look_seconds=tickets.look_seconds,
        pages=tickets.pages_url.rstrip("/"),
    )
    pace = Pace(retry_seconds=tickets.retry_seconds, most_seconds=tickets.most_seconds)
    outbox = Outbox(app.desk, ledger, telling=telling, pace=pace, counted=app.counters)
    sync = Sync(
        app.desk, ledger, remote, redacted=_redacted(app), queues=frozenset(app.profile.queues)
    )
    rhythm = Rhythm(tickets.tick_seconds, tickets.poll_seconds, tickets.settle_seconds)
    return Delivering(outbox, sync, clock=app.clock, counted=app.counters, rhythm=rhythm)


def desk_of(tickets: TicketSettings, company: Company) -> TicketDesk:
    """The connected ticket system. Raises `OutageError` where none is, or its settings are not complete."""
    from integrations.tickets.systems.vendors import vendor_desk

    if tickets.system == "embedded":
        raise OutageError(_EMBEDDED)
    queues: Mapping[str, str] = {queue: queue for queue in company.queues} | dict(tickets.queues)
    try:
        return vendor_desk(tickets.system, {**dict(tickets), "queues": queues}, tickets.vendor)
    except TicketSystemRefusedError as error:
        raise OutageError(str(error)) from error


def doctor() -> int:
    """Say what keeps the ticket system from working; 1 where something does."""
    tickets, company = TicketSettings(), load_company(Settings().company_dir)
    if tickets.system == "embedded":
        say_line("ok", "tickets", _EMBEDDED)
        return 0
    try:
        problems = asyncio.run(_problems(desk_of(tickets, company)))
    except OutageError as error:
        problems = [str(error)]
    for problem in problems:
        say_line("fail", "tickets", problem)
    if not problems:
        say_line("ok", "tickets", f"{tickets.system} at {tickets.url} takes tickets")
    return FOUND_FAULTS if problems else 0


def deliveries(home: Path | None, *, retry: bool) -> int:
    """List what did not get through to the ticket system, and why."""
    settings = Settings() if home is None else Settings(home=home)
    return asyncio.run(_listed(settings, retry=retry))


async def _listed(settings: Settings, *, retry: bool) -> int:
    database = await Database.open(settings.database_url or Home.at(settings.home).records_url)
    try:
        ledger = DeliveryLedger(database)
        if retry:
            click.echo(f"{await ledger.try_again()} changes are tried again.")
        counts = await ledger.counts()
        told = ", ".join(
            f"{counts.get(state, 0)} {state}" for state in ("done", "waiting", "refused")
        )
        click.echo(f"Changes for the ticket system: {told}.")
        for each in await ledger.undelivered():
            why = each.reason or "not tried yet"
            click.echo(
                f"{each.seq:>7}  {each.ticket_id}  {each.state}, {each.attempts} tries: {why}"
            )
    finally:
        await database.close()
    return 0


async def _problems(desk: TicketDesk) -> list[str]:
    try:
        return await desk.problems()
    finally:
        await desk.close()


def _installation(home: Home) -> str:
    return hashlib.sha256(home.digest_key()).hexdigest()[:_INSTALLATION_CHARS]


def _contact(app: "App") -> Callable[[str], Awaitable[Contact]]:
    async def contact(person_id: str) -> Contact:
        try:
            person = await app.directory.person(person_id)
        except DirectoryUnavailableError as error:
            app.counters.failure("directory", error)
            return Contact()
        return Contact(person.name, person.email) if person else Contact()

    return contact


def _redacted(app: "App") -> Callable[[str], Awaitable[str]]:
    async def redacted(text: str) -> str:
        said = Inquiry(
            id="remote-0", text=text.strip()[:8_000] or "(nothing)", user="remote", at=app.clock()
        )
        return (await app.copilot.as_kept(said)).text

    return redacted
