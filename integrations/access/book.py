"""What access keeps in the record store: grants, tokens, sessions, links, and what happened."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Row, Table, delete, or_, select, update

from integrations.access.identity import How, Role
from integrations.access.roles import Grant
from integrations.access.tables import (
    access_accounts,
    access_attempts,
    access_events,
    access_grants,
    access_links,
    access_sessions,
    access_tokens,
)
from integrations.store.database import Database
from integrations.store.tables import to_stamp, to_time


@dataclass(frozen=True, slots=True)
class TokenLine:
    """An API token, without what opens the door."""

    id: str
    person: str
    roles: frozenset[Role]
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SessionLine:
    """A browser in which somebody is signed in."""

    id: str
    person: str
    how: How
    created_at: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Attempt:
    """A sign-in under way with the company's provider."""

    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at the doors; never a text that somebody wrote."""

    at: datetime
    what: str
    person: str | None = None
    how: str | None = None
    session: str | None = None
    route: str | None = None
    reason: str | None = None


class AccessBook:
    """Any method may raise `StoreUnavailableError`. Secrets come as hashes only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def grants(self, person: str | None = None) -> list[Grant]:
        query = select(access_grants).order_by(access_grants.c.person, access_grants.c.role)
        if person is not None:
            query = query.where(access_grants.c.person == person)
        rows = await self._database.read(lambda db: db.execute(query).all())
        return [Grant(row.person, row.role, _set(row.queues)) for row in rows]

    async def grant(self, grant: Grant, at: datetime) -> None:
        values = {
            "person": grant.person,
            "role": grant.role,
            "queues": _line(grant.queues),
            "granted_at": to_stamp(at),
        }
        add = self._database.insert(access_grants).on_conflict_do_update(
            index_elements=["person", "role"], set_=values
        )
        await self._database.write(lambda db: db.execute(add, values))

    async def withdraw(self, person: str, role: Role) -> bool:
        """Whether there was such a grant."""
        is_it = (access_grants.c.person == person) & (access_grants.c.role == role)
        return bool(await self._count(delete(access_grants).where(is_it)))

    async def add_token(self, token: TokenLine, secret_hash: str) -> None:
        values = {
            "id": token.id,
            "hash": secret_hash,
            "person": token.person,
            "roles": _line(token.roles),
            "created_at": to_stamp(token.created_at),
            "expires_at": to_stamp(token.expires_at),
        }
        await self._add(access_tokens, values)

    async def token(self, secret_hash: str) -> TokenLine | None:
        query = select(access_tokens).where(access_tokens.c.hash == secret_hash)
        row = await self._database.read(lambda db: db.execute(query).first())
        return _token(row) if row else None

    async def tokens(self) -> list[TokenLine]:
        query = select(access_tokens).order_by(access_tokens.c.created_at)
        return [
            _token(row) for row in await self._database.read(lambda db: db.execute(query).all())
        ]

    async def use_token(self, token_id: str, at: datetime) -> None:
        now = update(access_tokens).where(access_tokens.c.id == token_id)
        await self._count(now.values(used_at=to_stamp(at)))

    async def revoke(self, token_id: str, at: datetime) -> bool:
        """Whether there was such a token that still worked."""
        is_it = (access_tokens.c.id == token_id) & access_tokens.c.revoked_at.is_(None)
        return bool(
            await self._count(update(access_tokens).where(is_it).values(revoked_at=to_stamp(at)))
        )

    async def add_session(self, session: SessionLine, secret_hash: str) -> None:
        values = {
            "id": session.id,
            "hash": secret_hash,
            "person": session.person,
            "how": session.how,
            "created_at": to_stamp(session.created_at),
            "seen_at": to_stamp(session.seen_at),
        }
        await self._add(access_sessions, values)

    async def session(self, secret_hash: str) -> SessionLine | None:
        query = select(access_sessions).where(access_sessions.c.hash == secret_hash)
        row = await self._database.read(lambda db: db.execute(query).first())
        if row is None:
            return None
        return SessionLine(
            row.id, row.person, row.how, to_time(row.created_at), to_time(row.seen_at)
        )

    async def see_session(self, session_id: str, at: datetime) -> None:
        now = update(access_sessions).where(access_sessions.c.id == session_id)
        await self._count(now.values(seen_at=to_stamp(at)))

    async def end_session(self, session_id: str) -> bool:
        return bool(
            await self._count(delete(access_sessions).where(access_sessions.c.id == session_id))
        )

    async def end_sessions_of(self, person: str) -> int:
        return await self._count(delete(access_sessions).where(access_sessions.c.person == person))

    async def end_sessions_before(self, *, seen: datetime, created: datetime) -> None:
        is_over = or_(
            access_sessions.c.seen_at < to_stamp(seen),
            access_sessions.c.created_at < to_stamp(created),
        )
        await self._count(delete(access_sessions).where(is_over))

    async def add_link(self, secret_hash: str, person: str, expires_at: datetime) -> None:
        values = {"hash": secret_hash, "person": person, "expires_at": to_stamp(expires_at)}
        await self._add(access_links, values)

    async def take_link(self, secret_hash: str, now: datetime) -> str | None:
        """Whose link it is, once: it is gone afterwards."""
        row = await self._take(access_links, access_links.c.hash == secret_hash, now)
        return str(row.person) if row else None

    async def add_attempt(
        self, state: str, browser: str, attempt: Attempt, expires_at: datetime
    ) -> None:
        values = {
            "state": state,
            "browser": browser,
            "nonce": attempt.nonce,
            "verifier": attempt.verifier,
            "expires_at": to_stamp(expires_at),
        }
        await self._add(access_attempts, values)

    async def take_attempt(self, state: str, browser: str, now: datetime) -> Attempt | None:
        """The sign-in that this browser began, once."""
        is_it = (access_attempts.c.state == state) & (access_attempts.c.browser == browser)
        row = await self._take(access_attempts, is_it, now)
        return Attempt(row.nonce, row.verifier) if row else None

    async def account(self, issuer: str, subject: str) -> str | None:
        """The person to whom an account of the company's provider belongs."""
        query = select(access_accounts.c.person).where(
            access_accounts.c.issuer == issuer, access_accounts.c.subject == subject
        )
        return await self._database.read(lambda db: db.execute(query).scalar())

    async def has_account(self, issuer: str, person: str) -> bool:
        query = select(access_accounts.c.subject).where(
            access_accounts.c.issuer == issuer, access_accounts.c.person == person
        )
        return await self._database.read(lambda db: db.execute(query).first()) is not None

    async def bind_account(self, issuer: str, subject: str, person: str) -> None:
        add = self._database.insert(access_accounts).on_conflict_do_nothing()
        values = {"issuer": issuer, "subject": subject, "person": person}
        await self._database.write(lambda db: db.execute(add, values))

    async def forget_accounts_of(self, person: str) -> int:
        return await self._count(delete(access_accounts).where(access_accounts.c.person == person))

    async def note(self, event: Event) -> None:
        values = {
            "at": to_stamp(event.at),
            "what": event.what,
            "person": event.person,
            "how": event.how,
            "session": event.session,
            "route": event.route,
            "reason": event.reason,
        }
        await self._add(access_events, values)

    async def events(self, limit: int, person: str | None = None) -> Sequence[Event]:
        """The latest, newest first."""
        query = select(access_events).order_by(access_events.c.seq.desc()).limit(limit)
        if person is not None:
            query = query.where(access_events.c.person == person)
        rows = await self._database.read(lambda db: db.execute(query).all())
        return [
            Event(to_time(r.at), r.what, r.person, r.how, r.session, r.route, r.reason)
            for r in rows
        ]

    async def has_event(self, what: str) -> bool:
        """Whether this ever happened, as far as events are kept."""
        query = select(access_events.c.seq).where(access_events.c.what == what).limit(1)
        return await self._database.read(lambda db: db.execute(query).first()) is not None

    async def forget_events_before(self, at: datetime) -> None:
        await self._count(delete(access_events).where(access_events.c.at < to_stamp(at)))

    async def _add(self, table: Table, values: Mapping[str, object]) -> None:
        add = self._database.insert(table)
        await self._database.write(lambda db: db.execute(add, values))

    async def _take(self, table: Table, is_it: Any, now: datetime) -> Row[Any] | None:
        """Find and delete in one transaction; only whoever deletes the row has it."""

        def taken(db: Any) -> Row[Any] | None:
            db.execute(delete(table).where(table.c.expires_at <= to_stamp(now)))
            row = db.execute(select(table).where(is_it)).first()
            if row is None or db.execute(delete(table).where(is_it)).rowcount == 0:
                return None
            return cast(Row[Any], row)

        return await self._database.write(taken)

    async def _count(self, statement: Any) -> int:
        return await self._database.write(lambda db: int(db.execute(statement).rowcount))


def _token(row: Row[Any]) -> TokenLine:
    return TokenLine(
        row.id,
        row.person,
        cast(frozenset[Role], _set(row.roles) or frozenset()),
        to_time(row.created_at),
        to_time(row.expires_at),
        None if row.used_at is None else to_time(row.used_at),
        None if row.revoked_at is None else to_time(row.revoked_at),
    )


def _line(names: frozenset[str] | frozenset[Role] | None) -> str | None:
    return None if names is None else ",".join(sorted(names))


def _set(line: str | None) -> frozenset[str] | None:
    return None if line is None else frozenset(part for part in line.split(",") if part)
