"""The one place where it is decided whether a request may reach its route.

Whoever is refused learns nothing: a route that is not for them and one that is not there look the same.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import compile_path
from starlette.types import ASGIApp, Receive, Scope, Send

from copilot.errors import CopilotError
from integrations.access.identity import Identity, identity_in, put_identity
from integrations.access.limiting import Act
from integrations.access.rules import RULES, Requirement, permits
from integrations.api.problems import (
    FOREIGN_ORIGIN,
    NOT_SIGNED_IN,
    TOO_MANY,
    Problem,
    ProblemError,
    nothing_at,
    wrong_method,
)
from integrations.api.runtime import Runtime

USER_COOKIE = "copilot_user"
SESSION_COOKIE = "copilot_session"
SECURE_PREFIX = "__Host-"
SIGN_IN = "/signin"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OURS = ("same-origin", "none")
_ACTS: Mapping[tuple[str, str], Act] = {
    ("POST", "/v1/ask"): "ask",
    ("POST", "/messages"): "ask",
    ("POST", "/v1/feedback"): "feedback",
    ("POST", "/feedback"): "feedback",
    ("POST", "/signin/link"): "signin",
    ("GET", "/signin/company"): "signin",
    ("GET", "/signin/callback"): "signin",
}


class Found(NamedTuple):
    """What the table says of an address and a method."""

    route: str | None
    requirement: Requirement | None
    methods: tuple[str, ...] = ()
    """What the address does take, where it is not this method."""


class Table:
    """The rules, by the addresses of requests."""

    def __init__(self, rules: Mapping[tuple[str, str], Requirement]) -> None:
        self._rows: list[tuple[str, str, re.Pattern[str], Requirement]] = [
            (method, route, compile_path(route)[0], requirement)
            for (method, route), requirement in rules.items()
        ]

    def find(self, method: str, path: str) -> Found:
        rows = [row for row in self._rows if row[2].match(path)]
        for own, route, _, requirement in rows:
            if own == method:
                return Found(route, requirement)
        return Found(None, None, tuple(row[0] for row in rows))


class Guard:
    """Stands before every route; whom it lets in is in the request's scope."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        runtime: Runtime,
        rules: Mapping[tuple[str, str], Requirement] = RULES,
    ) -> None:
        self._app = app
        self._runtime = runtime
        self._doors = runtime.doors
        self._table = Table(rules)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        host = Request(scope).headers.get("host", "")
        scope = {**scope, "scheme": self._doors.scheme_of(scope["scheme"], host)}
        request = Request(scope)
        # As the router reads it; an address with an encoded question mark reads otherwise.
        found = self._table.find(request.method, scope["path"])
        identity = await self._identity(request, found)
        if identity is None and found.requirement != "open":
            await self._doors.keeper.refuse("stranger", None, found.route)
            if _shows_pages(request):
                await RedirectResponse(SIGN_IN, 303)(scope, receive, send)
                return
            raise ProblemError(Problem(NOT_SIGNED_IN, NOT_SIGNED_IN.meaning))
        await self._check(request, found, identity)
        if identity is not None:
            put_identity(scope, identity)
        await self._app(scope, receive, send)

    async def _check(self, request: Request, found: Found, identity: Identity | None) -> None:
        path, keeper = request.url.path, self._doors.keeper
        if found.requirement is None or not permits(found.requirement, identity):
            if found.requirement is not None:
                await keeper.refuse("role", identity, found.route)
            elif found.methods:
                raise ProblemError(wrong_method(path, request.method, found.methods))
            raise ProblemError(nothing_at(path))
        if _is_by_cookie(identity) and request.method not in _SAFE and not same_origin(request):
            await keeper.refuse("origin", identity, found.route)
            raise ProblemError(Problem(FOREIGN_ORIGIN, FOREIGN_ORIGIN.meaning))
        act = _ACTS.get((request.method, found.route or ""))
        if act is not None:
            await self._limit(request, act, found, identity)

    async def _limit(
        self, request: Request, act: Act, found: Found, identity: Identity | None
    ) -> None:
        who = identity.id if identity and act != "signin" else self._address(request)
        is_trusted = identity is not None and (
            identity.how == "demo" or "platform" in identity.roles
        )
        seconds = self._doors.limiter.seconds_to_wait(act, who, is_trusted=is_trusted)
        if seconds is not None:
            await self._doors.keeper.refuse("rate", identity, found.route)
            detail = f"That was too often. Try again in {seconds} seconds."
            raise ProblemError(Problem(TOO_MANY, detail, retry_after=seconds))

    async def _identity(self, request: Request, found: Found) -> Identity | None:
        try:
            return await self._known(request)
        except (CopilotError, ProblemError):
            # What is open stays open while store or directory fail: health, and the way to sign in.
            if found.requirement == "open":
                return None
            raise

    async def _known(self, request: Request) -> Identity | None:
        if self._runtime.settings.mode == "demo":
            return await self._demonstrated(request)
        kind, _, secret = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return await self._by_token(request, secret.strip())
        cookie = session_secret(request)
        return await self._doors.keeper.of_session(cookie) if cookie else None

    async def _by_token(self, request: Request, secret: str) -> Identity:
        identity = await self._doors.keeper.of_token(secret)
        if identity is not None:
            return identity
        address = self._address(request)
        seconds = self._doors.limiter.seconds_to_wait("signin", address)
        if seconds is not None:
            await self._doors.keeper.refuse("rate", None, None)
            detail = f"Too many wrong tokens came from here. Try again in {seconds} seconds."
            raise ProblemError(Problem(TOO_MANY, detail, retry_after=seconds))
        await self._doors.keeper.refuse("token", None, None)
        detail = "The token is wrong, expired or revoked. Ask an administrator for a new one."
        raise ProblemError(Problem(NOT_SIGNED_IN, detail))

    async def _demonstrated(self, request: Request) -> Identity | None:
        directory = self._runtime.directory
        chosen = await directory.person(request.cookies.get(USER_COOKIE, ""))
        person = chosen or await directory.person(self._runtime.default_user)
        return self._doors.keeper.demonstrated(person) if person else None

    def _address(self, request: Request) -> str:
        peer = request.client.host if request.client else ""
        return self._doors.address(peer, request.headers.get("x-forwarded-for", ""))


def identity_of(request: Request) -> Identity:
    """Who sent a request that the guard let in."""
    identity = identity_in(request.scope)
    if identity is None:
        raise ProblemError(Problem(NOT_SIGNED_IN, NOT_SIGNED_IN.meaning))
    return identity


def same_origin(request: Request) -> bool:
    """Whether a browser says that one of our own pages sent this; other clients say nothing."""
    if request.headers.get("sec-fetch-site", "none") not in _OURS:
        return False
    origin = request.headers.get("origin")
    return origin is None or origin == f"{request.url.scheme}://{request.url.netloc}"


def session_cookie(request: Request) -> str:
    """The cookie's name. Over https the prefix keeps neighbours on the domain from setting it."""
    return (SECURE_PREFIX if request.url.scheme == "https" else "") + SESSION_COOKIE


def session_secret(request: Request) -> str | None:
    return request.cookies.get(session_cookie(request)) or None


def _is_by_cookie(identity: Identity | None) -> bool:
    return identity is not None and identity.how in ("link", "oidc")


def _shows_pages(request: Request) -> bool:
    is_fragment = request.headers.get("hx-request") == "true"
    return (
        request.method == "GET"
        and not is_fragment
        and "text/html" in request.headers.get("accept", "")
    )
