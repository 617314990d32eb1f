"""Calling a ticket system over HTTP: every way in which a call can fail, in the words of the port.

An adapter asks with `Caller.read` and changes with `Caller.write`, and has only the vendor's own answers left to tell apart.
"""

import json
import re
from collections.abc import Awaitable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import httpx
from pydantic import Field, model_validator

from copilot.conversation import Value
from integrations.tickets.port import (
    Applied,
    Outcome,
    RemoteTicket,
    TicketSystemError,
    TicketSystemRefusedError,
    TicketSystemUnavailableError,
    Unknown,
)

Answer = httpx.Response
"""What a system answered."""

_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_MISCONFIGURED = (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.LocalProtocolError)
_UNAUTHORISED = (401, 407)
_LATER = (408, 429, 503)
"""Said before anything was done."""
_SERVER_ERROR = 500
_SAID_CHARS = 300
_MARKUP = re.compile(r"<[^>]{0,500}>")


class Connection(Value):
    """Where a ticket system is, and how long it is waited for."""

    url: str
    """Address of the system, without a slash at the end: `https://rt.example.com`."""
    web_url: str | None = None
    """Address under which people open it in the browser, where that is another one."""
    call_seconds: float = Field(default=10.0, gt=0)
    """How long a call may take from its first to its last byte, each way."""
    connect_seconds: float = Field(default=3.0, gt=0)
    """How long it may take to reach the system at all."""
    connections: int = Field(default=8, ge=1)
    """How many calls may run at once."""
    proxy: str | None = None
    """Proxy through which the system is reached. Proxies of the environment are not used."""
    ca_file: Path | None = None
    """Certificates of the company's own authority, where the system's is signed by it."""
    plain_http: bool = False
    """Allow `http://` to other machines, which shows the token to whoever is on the way."""

    @model_validator(mode="after")
    def _is_a_safe_address(self) -> Self:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
            raise ValueError(
                f"'{self.url}' is no address of a ticket system. Write it like https://rt.example.com."
            )
        if parts.scheme == "http" and not self.plain_http and not _is_loopback(parts.hostname):
            raise ValueError(
                f"'{self.url}' would send the token unencrypted. Use https://, or allow it with plain_http."
            )
        return self

    @property
    def base(self) -> str:
        return self.url.rstrip("/")

    @property
    def web(self) -> str:
        return (self.web_url or self.url).rstrip("/")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class Caller:
    """One HTTP client for one ticket system.

    Answers that are the vendor's own to explain (2xx, 400, 403, 404, 409, 412, 422 and the like) are given back.
    """

    def __init__(
        self,
        system: str,
        connection: Connection,
        *,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
    ) -> None:
        self._name = f"The ticket system {system} at {connection.base}"
        self._client = httpx.AsyncClient(
            base_url=connection.base,
            headers=dict(headers or {}),
            auth=auth,
            timeout=httpx.Timeout(connection.call_seconds, connect=connection.connect_seconds),
            limits=httpx.Limits(max_connections=connection.connections),
            proxy=connection.proxy,
            verify=_trust(connection),
            trust_env=False,
        )

    async def read(self, method: str, path: str, **request: Any) -> Answer:
        """Ask for something; the method may be POST where a system asks so."""
        answer = await self._send(method, path, request)
        if isinstance(answer, Unknown):
            raise TicketSystemUnavailableError(answer.reason)
        return answer

    async def write(self, method: str, path: str, **request: Any) -> Answer | Unknown:
        """Change something. `Unknown` where no answer says whether it was done."""
        return await self._send(method, path, request)

    async def _send(self, method: str, path: str, request: dict[str, Any]) -> Answer | Unknown:
        try:
            answer = await self._client.request(method, path, **_encoded(request))
        except _MISCONFIGURED as error:
            raise TicketSystemRefusedError(
                f"{self._name} can't be called ({type(error).__name__}). Check its address and token."
            ) from error
        except _NOT_SENT as error:
            raise TicketSystemUnavailableError(
                f"{self._name} can't be reached ({type(error).__name__}). Check that it runs."
            ) from error
        except httpx.HTTPError as error:
            return Unknown(f"{self._name} did not answer {method} ({type(error).__name__}).")
        return self._judged(method, answer)

    def _judged(self, method: str, answer: Answer) -> Answer | Unknown:
        status = answer.status_code
        if status in _UNAUTHORISED:
            raise TicketSystemRefusedError(
                f"{self._name} does not accept the copilot's account ({status}). Check its token and password."
            )
        if answer.is_redirect:
            where = urlsplit(answer.headers.get("Location", "")).netloc or "another page"
            raise TicketSystemRefusedError(
                f"{self._name} leads on to {where}. Set the address at which it answers itself."
            )
        if status in _LATER:
            raise TicketSystemUnavailableError(
                f"{self._name} has no time now ({status}). Try again later.",
                retry_after=_seconds(answer),
            )
        if status >= _SERVER_ERROR:
            return Unknown(f"{self._name} failed at {method} ({status}).")
        return answer

    def parsed(self, answer: Answer) -> Any:
        """The JSON of an answer; raises `TicketSystemRefusedError` where it is something else."""
        try:
            return json.loads(answer.content)
        except ValueError as error:
            raise TicketSystemRefusedError(
                f"{self._name} answered with something that is no JSON ({answer.status_code}). "
                "Check that the address is the system's own and not a sign-in page's."
            ) from error

    async def close(self) -> None:
        await self._client.aclose()


def said(answer: Answer) -> str:
    """What a vendor says in an answer, for a `Rejected`: one short line."""
    text = " ".join(_MARKUP.sub(" ", answer.text).split())
    return f"{text[:_SAID_CHARS] or 'no reason given'} ({answer.status_code})"


async def read_back(reading: Awaitable[RemoteTicket | None]) -> Outcome:
    """What a change that was taken led to. That it can't be read does not undo it."""
    try:
        ticket = await reading
    except TicketSystemError as error:
        return Unknown(f"It was sent, and can't be read back. {error}")
    if ticket is None:
        return Unknown("It was taken, and the ticket is not shown to the copilot's account.")
    return Applied(ticket)


def _trust(connection: Connection) -> Any:
    """Whom an encrypted connection trusts; without one nothing needs to be loaded."""
    if connection.url.startswith("http://"):
        return False
    trust = httpx.create_ssl_context(trust_env=False)
    if connection.ca_file is not None:
        trust.load_verify_locations(cafile=connection.ca_file)
    return trust


def _encoded(request: dict[str, Any]) -> dict[str, Any]:
    """JSON in plain ASCII, so that no character of a message can make a request that is not valid."""
    if "json" not in request:
        return request
    rest = {name: value for name, value in request.items() if name != "json"}
    headers = {"Content-Type": "application/json", **rest.pop("headers", {})}
    return {**rest, "headers": headers, "content": json.dumps(request["json"]).encode()}


def _seconds(answer: Answer) -> float | None:
    """`Retry-After` in seconds; a date is read against the system's own clock."""
    given = answer.headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d{1,3})?", given):
        return float(given)
    try:
        wait = _moment(given) - _moment(answer.headers.get("Date", ""))
    except ValueError:
        return None
    return max(0.0, wait.total_seconds())


def _moment(date: str) -> datetime:
    moment = parsedate_to_datetime(date)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
