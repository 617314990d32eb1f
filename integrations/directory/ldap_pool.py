"""Connections to an LDAP server: few, bound, read-only, each used by one thread at a time."""

import asyncio
import math
import queue
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar
from urllib.parse import urlsplit

import ldap3
from ldap3.core.exceptions import (
    LDAPBindError,
    LDAPException,
    LDAPSocketOpenError,
    LDAPStartTLSError,
)

from copilot.errors import DirectoryUnavailableError

T = TypeVar("T")
Scope = Literal["BASE", "SUBTREE"]
_SUCCESS, _SIZE_LIMIT, _NO_SUCH_OBJECT = 0, 4, 32
_PAGED = "1.2.840.113556.1.4.319"
_PAGE = 500
_IDLE_SECONDS = 60.0
"""A connection that was not used for longer may have been dropped on the way: it is not tried."""


@dataclass(frozen=True, slots=True)
class LdapServer:
    """Where the directory is and as whom it is read."""

    url: str
    bind_dn: str
    password: str
    base: str
    """People are below this DN."""
    groups_base: str | None = None
    """Groups count below this DN only; `None` is `base`."""
    starttls: bool = False
    ca_file: Path | None = None
    seconds: float = 3.0
    """How long a question may take, connecting included."""
    connections: int = 4

    @property
    def is_encrypted(self) -> bool:
        return self.starttls or self.url.casefold().startswith("ldaps:")


class Found(NamedTuple):
    """An entry; attributes by their name in lower case."""

    dn: str
    values: Mapping[str, tuple[str, ...]]

    def all(self, attribute: str | None) -> tuple[str, ...]:
        return self.values.get(attribute.casefold(), ()) if attribute else ()

    def one(self, attribute: str | None) -> str | None:
        """The first value that says something."""
        return next((v for v in map(str.strip, self.all(attribute)) if v), None)


class Search:
    """Questions over one bound connection, from a thread of the pool."""

    def __init__(self, connection: ldap3.Connection, seconds: float) -> None:
        self._connection = connection
        self._seconds = math.ceil(seconds)

    def find(
        self,
        base: str,
        what: str,
        attributes: list[str],
        *,
        scope: Scope = "SUBTREE",
        most: int = 2,
    ) -> list[Found]:
        """At most `most` entries: where more fit, exactly that many come back."""
        result, entries = self._ask(
            base, what, attributes, search_scope=scope, size_limit=most, time_limit=self._seconds
        )
        if result["result"] == _NO_SUCH_OBJECT and scope == "BASE":
            return []
        _check(result, base, (_SUCCESS, _SIZE_LIMIT))
        return entries[:most]

    def every(self, base: str, what: str, attributes: list[str], limit: int) -> Iterator[Found]:
        """Page by page, up to the limit."""
        cookie, left = None, limit
        while left > 0:
            size = min(_PAGE, left)
            result, entries = self._ask(
                base, what, attributes, search_scope="SUBTREE", paged_size=size, paged_cookie=cookie
            )
            _check(result, base, (_SUCCESS, _SIZE_LIMIT))
            yield from entries[:left]
            left -= len(entries)
            paged = (result.get("controls") or {}).get(_PAGED, {})
            cookie = paged.get("value", {}).get("cookie")
            if not cookie:
                return

    def _ask(
        self, base: str, what: str, attributes: list[str], **how: Any
    ) -> tuple[Mapping[str, Any], list[Found]]:
        _, result, response, _ = self._connection.search(base, what, attributes=attributes, **how)
        # References to other servers come between the entries; they are not followed.
        return result, [_entry(r) for r in response or () if r["type"] == "searchResEntry"]


class LdapPool:
    """A few threads, each with a connection at a time; a broken one is replaced once per question."""

    def __init__(self, server: LdapServer) -> None:
        self._server = server
        self._threads = ThreadPoolExecutor(server.connections, thread_name_prefix="ldap")
        self._idle: queue.LifoQueue[tuple[float, ldap3.Connection]] = queue.LifoQueue()

    async def run(self, work: Callable[[Search], T], *, patience: float = 1.0) -> T:
        """Do it in a thread. Raises `DirectoryUnavailableError`, at the latest after the set time."""
        asked = asyncio.get_running_loop().run_in_executor(self._threads, self._worked, work)
        try:
            async with asyncio.timeout(self._server.seconds * patience):
                return await asked
        except TimeoutError as error:
            raise DirectoryUnavailableError(
                f"The directory at {self._server.url} took longer than {self._server.seconds * patience:g} "
                "seconds. Check its load and the way to it."
            ) from error

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        while not self._idle.empty():
            _drop(self._idle.get_nowait()[1])

    def _worked(self, work: Callable[[Search], T]) -> T:
        while (used := self._pooled()) is not None:
            with suppress(LDAPException, OSError):
                return self._over(used, work)
        try:
            return self._over(self._opened(), work)
        except LDAPBindError as error:
            raise DirectoryUnavailableError(
                f"The directory at {self._server.url} refuses '{self._server.bind_dn}'. Check "
                "COPILOT_DIRECTORY_BIND_DN and COPILOT_DIRECTORY_PASSWORD."
            ) from error
        except (LDAPSocketOpenError, LDAPStartTLSError) as error:
            raise DirectoryUnavailableError(
                f"The directory at {self._server.url} can't be reached{_of_tls(error)}. Check the address, "
                "that it runs, and the certificate."
            ) from error
        except (LDAPException, OSError) as error:
            raise DirectoryUnavailableError(
                f"The directory at {self._server.url} broke off ({type(error).__name__}). Check its log."
            ) from error

    def _over(self, connection: ldap3.Connection, work: Callable[[Search], T]) -> T:
        try:
            done = work(Search(connection, self._server.seconds))
        except BaseException:
            _drop(connection)
            raise
        self._idle.put((time.monotonic(), connection))
        return done

    def _pooled(self) -> ldap3.Connection | None:
        with suppress(queue.Empty):
            while True:
                since, connection = self._idle.get_nowait()
                if time.monotonic() - since < _IDLE_SECONDS:
                    return connection
                _drop(connection)
        return None

    def _opened(self) -> ldap3.Connection:
        server, ours = self._server, urlsplit(self._server.url)
        tls = ldap3.Tls(
            validate=ssl.CERT_REQUIRED,
            ca_certs_file=str(server.ca_file) if server.ca_file else None,
            sni=ours.hostname,
        )
        place = ldap3.Server(
            server.url,
            tls=tls if server.is_encrypted else None,
            get_info=ldap3.NONE,
            connect_timeout=server.seconds,
            allowed_referral_hosts=[],
        )
        how = ldap3.AUTO_BIND_TLS_BEFORE_BIND if server.starttls else ldap3.AUTO_BIND_NO_TLS
        return ldap3.Connection(
            place,
            server.bind_dn,
            server.password,
            client_strategy=ldap3.SAFE_SYNC,
            auto_bind=how,
            read_only=True,
            # The library takes whole seconds here.
            receive_timeout=math.ceil(server.seconds),
            auto_referrals=False,
            check_names=False,
            raise_exceptions=False,
        )


def _entry(raw: Mapping[str, Any]) -> Found:
    values = {
        name.casefold(): tuple(value.decode("utf-8", "replace") for value in held)
        for name, held in raw["raw_attributes"].items()
    }
    return Found(str(raw["dn"]), values)


def _check(result: Mapping[str, Any], base: str, fine: tuple[int, ...]) -> None:
    if result["result"] not in fine:
        raise DirectoryUnavailableError(
            f"The directory answers '{result['description']}' below '{base}'. Check the base DN and the "
            "rights of the account."
        )


def _of_tls(error: LDAPException) -> str:
    return " securely: its certificate is not accepted" if "ssl" in str(error).casefold() else ""


def _drop(connection: ldap3.Connection) -> None:
    with suppress(Exception):
        connection.unbind()
