"""`copilot access`: who may come in, for whoever owns the home."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import click

from integrations.access.book import AccessBook
from integrations.access.doors import Doors
from integrations.access.identity import Role
from integrations.access.roles import Grant
from integrations.commands.failures import UNUSABLE
from integrations.company import load_company
from integrations.connecting import connections_of, doors_of
from integrations.home import Home
from integrations.settings import AccessSettings, Settings
from integrations.store.database import Database
from integrations.telemetry import Counters

_NOBODY = (
    "The directory knows nobody of the id '{person}', or they left. Use the id of somebody in it."
)


@asynccontextmanager
async def _open(settings: Settings) -> AsyncIterator[tuple[Doors, AccessBook]]:
    """Beside a running server: the record store takes several processes."""
    counters = Counters()
    home = Home.at(settings.home)
    company = load_company(settings.company_dir)
    connections = connections_of(company, counters, mode=settings.mode)
    database = await Database.open(settings.database_url or home.records_url)
    try:
        yield doors_of(database, connections.people, counters.access), AccessBook(database)
    finally:
        await database.close()
        await connections.close()


def make_token(person: str, roles: tuple[str, ...], days: float | None, home: Path | None) -> int:
    return asyncio.run(_make_token(person, roles, days, _settings(home)))


async def _make_token(
    person: str, roles: tuple[str, ...], days: float | None, settings: Settings
) -> int:
    life = timedelta(days=AccessSettings().token_days if days is None else days)
    wanted = cast(frozenset[Role], frozenset(roles))
    async with _open(settings) as (doors, _):
        made = await doors.keeper.make_token(person, wanted, life)
    if made is None:
        click.echo(
            f"'{person}' is not in the directory, or has not every role of: {', '.join(roles)}. "
            "Give it with `copilot access grant --person ID --role ROLE`.",
            err=True,
        )
        return UNUSABLE
    token, secret = made
    click.echo(f"Token {token.id} of {person} works until {_day(token.expires_at)}.", err=True)
    click.echo("It is shown this once:", err=True)
    click.echo(secret)
    return 0


def list_tokens(home: Path | None) -> int:
    async def listed() -> None:
        async with _open(_settings(home)) as (_, book):
            for token in await book.tokens():
                ends = f"revoked {_day(token.revoked_at)}" if token.revoked_at else ""
                used = f"last used {_day(token.used_at)}" if token.used_at else "never used"
                until = ends or f"until {_day(token.expires_at)}"
                roles = ",".join(sorted(token.roles))
                click.echo(f"{token.id}  {token.person}  {roles}  {until}  {used}")

    asyncio.run(listed())
    return 0


def revoke_token(token: str, home: Path | None) -> int:
    async def revoked() -> bool:
        async with _open(_settings(home)) as (doors, _):
            return await doors.keeper.revoke(token)

    if asyncio.run(revoked()):
        click.echo(f"Token {token} opens nothing any more.")
        return 0
    return _unusable(f"There is no token '{token}' that works. See `copilot access token list`.")


def link(person: str, home: Path | None) -> int:
    settings = _settings(home)

    async def made() -> tuple[str | None, str | None]:
        async with _open(settings) as (doors, _):
            return await doors.keeper.make_link(person), doors.public_url

    secret, public = asyncio.run(made())
    if secret is None:
        return _unusable(_NOBODY.format(person=person))
    where = public or Home(settings.home).owner()[1] or f"http://{settings.host}:{settings.port}"
    click.echo(f"{where.rstrip('/')}/signin/link/{secret}")
    return 0


def grant(person: str, role: str, queues: tuple[str, ...], home: Path | None) -> int:
    given = Grant(person, cast(Role, role), frozenset(queues) or None)

    async def granted() -> bool:
        async with _open(_settings(home)) as (doors, _):
            return await doors.keeper.grant(given)

    if not asyncio.run(granted()):
        return _unusable(_NOBODY.format(person=person))
    click.echo(f"{person} has the role {role} from now on.")
    return 0


def withdraw(person: str, role: str, home: Path | None) -> int:
    async def withdrawn() -> bool:
        async with _open(_settings(home)) as (doors, _):
            return await doors.keeper.withdraw(person, cast(Role, role))

    if not asyncio.run(withdrawn()):
        return _unusable(
            f"'{person}' was not granted the role {role}; what comes from groups is in the directory."
        )
    click.echo(f"The grant of {role} to {person} is withdrawn.")
    return 0


def sign_out(person: str, home: Path | None) -> int:
    async def ended() -> int:
        async with _open(_settings(home)) as (doors, _):
            return await doors.keeper.sign_out_everywhere(person)

    click.echo(f"{asyncio.run(ended())} session(s) of {person} ended.")
    return 0


def log(count: int, person: str | None, home: Path | None) -> int:
    async def shown() -> None:
        async with _open(_settings(home)) as (_, book):
            for event in await book.events(count, person):
                parts = (event.what, event.person, event.how, event.session, event.route)
                words = "  ".join(part or "-" for part in (*parts, event.reason))
                click.echo(f"{event.at.isoformat(timespec='seconds')}  {words}")

    asyncio.run(shown())
    return 0


def _settings(home: Path | None) -> Settings:
    return Settings() if home is None else Settings(home=home)


def _unusable(sentence: str) -> int:
    click.echo(sentence, err=True)
    return UNUSABLE


def _day(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M UTC")
