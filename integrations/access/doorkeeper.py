"""Finds out who is at the door, and writes down who came in and who was refused."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

import structlog

from copilot.people import Person, only_signed_in
from integrations.access.book import AccessBook, Attempt, Event, SessionLine, TokenLine
from integrations.access.identity import How, Identity, Role
from integrations.access.roles import Grant, RoleMap
from integrations.access.secrets import TOKEN_PREFIX, digest, fresh_id, fresh_secret

OWNER = Identity(only_signed_in("(owner)"), frozenset({"platform"}), "owner")
"""Whoever can read the home's files. The brackets keep it apart from every id of a directory."""
_SEEN_EVERY = timedelta(minutes=1)
What = Literal[
    "signed_in", "signed_out", "refused", "asked_for_another", "link_made", "token_made",
    "token_revoked", "granted", "withdrawn",
]  # fmt: skip


class People(Protocol):
    """The directory; both may raise `DirectoryUnavailableError`."""

    async def person(self, person_id: str) -> Person | None: ...

    async def person_by_email(self, address: str) -> Person | None: ...


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long each way in stays open."""

    idle: timedelta = timedelta(hours=8)
    absolute: timedelta = timedelta(days=7)
    link: timedelta = timedelta(minutes=15)
    attempt: timedelta = timedelta(minutes=10)
    events: timedelta = timedelta(days=365)


class Doorkeeper:
    """Roles are worked out anew for each request: a group that is lost counts at once."""

    def __init__(
        self,
        book: AccessBook,
        people: People,
        roles: RoleMap,
        clock: Callable[[], datetime],
        lifetimes: Lifetimes,
        *,
        tell: Callable[[str], None],
    ) -> None:
        """`tell` counts what happens."""
        self._book = book
        self._people = people
        self._roles = roles
        self._clock = clock
        self._lifetimes = lifetimes
        self._tell = tell
        self._owner_hash: str | None = None
        self._log = structlog.get_logger("copilot")

    def trust_owner(self) -> str:
        """A secret for the home's own commands, until this process ends."""
        secret = TOKEN_PREFIX + fresh_secret()
        self._owner_hash = digest(secret)
        return secret

    def demonstrated(self, person: Person) -> Identity:
        """Somebody whom a demonstration's visitor chose to be: what their groups say, and nothing more."""
        found = self._roles.identity(person, [], how="demo")
        return found or Identity(person, frozenset({"employee"}), "demo", frozenset())

    async def of_token(self, secret: str) -> Identity | None:
        known = digest(secret)
        if self._owner_hash is not None and hmac.compare_digest(known, self._owner_hash):
            return OWNER
        token = await self._book.token(known)
        now = self._clock()
        if token is None or token.revoked_at is not None or token.expires_at <= now:
            return None
        if token.used_at is None or now - token.used_at > _SEEN_EVERY:
            await self._book.use_token(token.id, now)
        return await self._identity(token.person, "token", token.id, token.roles)

    async def of_session(self, secret: str) -> Identity | None:
        session = await self._book.session(digest(secret))
        now = self._clock()
        if session is None or self._is_over(session, now):
            return None
        if now - session.seen_at > _SEEN_EVERY:
            await self._book.see_session(session.id, now)
        return await self._identity(session.person, session.how, session.id)

    async def sign_in(
        self, person_id: str, how: How, *, instead_of: str | None = None
    ) -> str | None:
        """A fresh session's secret; `None` for nobody of the directory.

        `instead_of`: the secret that the browser had; that session ends.
        """
        now, session_id, secret = self._clock(), fresh_id(), fresh_secret()
        identity = await self._identity(person_id, how, session_id)
        if identity is None:
            return None
        await self._book.end_sessions_before(
            seen=now - self._lifetimes.idle, created=now - self._lifetimes.absolute
        )
        if instead_of is not None and (old := await self._book.session(digest(instead_of))):
            await self._book.end_session(old.id)
        session = SessionLine(session_id, identity.id, how, now, now)
        await self._book.add_session(session, digest(secret))
        await self.note("signed_in", identity)
        return secret

    async def sign_out(self, identity: Identity) -> None:
        if identity.session is not None and await self._book.end_session(identity.session):
            await self.note("signed_out", identity)

    async def sign_out_everywhere(self, person_id: str) -> int:
        """End their sessions and forget their account at the provider; says how many sessions."""
        await self._book.forget_accounts_of(person_id)
        return await self._book.end_sessions_of(person_id)

    async def make_link(self, person_id: str) -> str | None:
        """A secret that signs this person in once; `None` for nobody of the directory."""
        identity = await self._identity(person_id, "link", None)
        if identity is None:
            return None
        secret = fresh_secret()
        await self._book.add_link(digest(secret), person_id, self._clock() + self._lifetimes.link)
        await self.note("link_made", identity)
        return secret

    async def invite_admin(self, person_id: str) -> str | None:
        """A link's secret if this person is an administrator."""
        identity = await self._identity(person_id, "link", None)
        is_admin = identity is not None and "admin" in identity.roles
        return await self.make_link(person_id) if is_admin else None

    async def has_been_entered(self) -> bool:
        """Whether anybody ever signed in."""
        return await self._book.has_event("signed_in")

    async def use_link(self, secret: str) -> str | None:
        """Whose link it is, once."""
        return await self._book.take_link(digest(secret), self._clock())

    async def begin(self, state: str, browser: str, attempt: Attempt) -> None:
        """Keep what a sign-in at the provider needs when it comes back to the same browser."""
        until = self._clock() + self._lifetimes.attempt
        await self._book.add_attempt(digest(state), digest(browser), attempt, until)

    async def begun(self, state: str, browser: str) -> Attempt | None:
        """What `begin` kept, once."""
        return await self._book.take_attempt(digest(state), digest(browser), self._clock())

    async def owner_of_account(self, issuer: str, subject: str, email: str | None) -> str | None:
        """The person behind an account; `email` is a verified one.

        An account keeps its person. An address that was given to somebody else opens nothing: its
        person already has another account.
        """
        if known := await self._book.account(issuer, subject):
            return known
        person = await self._people.person_by_email(email) if email else None
        if person is None or await self._book.has_account(issuer, person.id):
            return None
        if await self._identity(person.id, "oidc", None) is None:
            return None
        await self._book.bind_account(issuer, subject, person.id)
        return await self._book.account(issuer, subject)

    async def make_token(
        self, person_id: str, roles: frozenset[Role], life: timedelta
    ) -> tuple[TokenLine, str] | None:
        """The token and its secret, which is shown once; `None` where the person lacks a role."""
        identity = await self._identity(person_id, "token", None)
        if identity is None or not roles <= identity.roles:
            return None
        now, secret = self._clock(), TOKEN_PREFIX + fresh_secret()
        token = TokenLine(fresh_id(), person_id, roles, now, now + life)
        await self._book.add_token(token, digest(secret))
        await self.note("token_made", identity, session=token.id)
        return token, secret

    async def revoke(self, token_id: str) -> bool:
        is_revoked = await self._book.revoke(token_id, self._clock())
        if is_revoked:
            await self.note("token_revoked", session=token_id)
        return is_revoked

    async def grant(self, grant: Grant) -> bool:
        """`False` for nobody of the directory."""
        identity = await self._identity(grant.person, "owner", None)
        if identity is None:
            return False
        await self._book.grant(grant, self._clock())
        await self.note("granted", identity, reason=grant.role)
        return True

    async def withdraw(self, person_id: str, role: Role) -> bool:
        """Whether they had it."""
        is_withdrawn = await self._book.withdraw(person_id, role)
        if is_withdrawn:
            await self.note("withdrawn", OWNER, reason=f"{role} of {person_id}")
        return is_withdrawn

    async def refuse(self, reason: str, identity: Identity | None, route: str | None) -> None:
        """Log and count a refusal; those of strangers are not stored, or anybody could fill the disk."""
        if identity is None and not reason.startswith("signin"):
            self._say("refused", route, reason)
            return
        await self.note("refused", identity, route=route, reason=reason)

    async def note(
        self,
        what: What,
        identity: Identity | None = None,
        *,
        session: str | None = None,
        route: str | None = None,
        reason: str | None = None,
    ) -> None:
        self._say(what, route, reason)
        now = self._clock()
        who = (identity.id, identity.how, identity.session) if identity else (None, None, None)
        await self._book.note(Event(now, what, who[0], who[1], session or who[2], route, reason))

    async def clean(self) -> None:
        """Forget what is older than events are kept."""
        await self._book.forget_events_before(self._clock() - self._lifetimes.events)

    def _say(self, what: str, route: str | None, reason: str | None) -> None:
        self._tell(what if reason is None or what != "refused" else f"refused_{reason}")
        self._log.info("access", kind=what, route=route, reason_code=reason)

    def _is_over(self, session: SessionLine, now: datetime) -> bool:
        is_idle = now - session.seen_at > self._lifetimes.idle
        return is_idle or now - session.created_at > self._lifetimes.absolute

    async def _identity(
        self,
        person_id: str,
        how: How,
        session: str | None,
        at_most: frozenset[Role] | None = None,
    ) -> Identity | None:
        person = await self._people.person(person_id)
        if person is None:
            return None
        grants = await self._book.grants(person_id)
        return self._roles.identity(person, grants, how=how, session=session, at_most=at_most)
