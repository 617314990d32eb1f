"""Devices from a vendor's HTTP interface, as a mapping says it is asked and read. Reads, and nothing else."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import httpx

from copilot.people import Device, Person
from integrations.devices.mapping import DeviceMapping
from integrations.devices.port import DevicesUnavailableError

_MOST_PAGES = 20
_RENEW_SECONDS = 60.0
"""A token that ends sooner is not used any more."""
_UNAUTHORIZED = 401


@dataclass(frozen=True, slots=True)
class DeviceServer:
    """Where device management is and as whom it is read."""

    url: str
    token_url: str
    client_id: str
    client_secret: str
    seconds: float = 3.0


class HttpDevices:
    """Signs in with client credentials; every item is compared with the person who was asked for."""

    def __init__(
        self,
        server: DeviceServer,
        mapping: DeviceMapping,
        *,
        tell: Callable[[str], None],
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`tell` counts what an operator should know of: somebody_else, unknown_kind."""
        self._server = server
        self._mapping = mapping
        self._tell = tell
        self._client = httpx.AsyncClient(
            timeout=server.seconds, trust_env=False, transport=transport
        )
        self._token: tuple[str, float] | None = None

    async def devices_of(self, person: Person) -> Sequence[Device]:
        who = person.email if self._mapping.listing.person == "email" else person.id
        if not who:
            return ()
        found: list[Device] = []
        for item in await self._items(who):
            if not self._mapping.belongs_to(item, who):
                self._tell("somebody_else")
                continue
            device = self._mapping.device_of(item)
            if device is None:
                self._tell("unknown_kind")
            else:
                found.append(device)
        return found

    async def problems(self) -> list[str]:
        """Asks for nobody's devices: whether the account may ask at all."""
        try:
            await self._items("nobody@invalid.example")
        except DevicesUnavailableError as error:
            return [str(error)]
        return []

    async def close(self) -> None:
        await self._client.aclose()

    async def _items(self, who: str) -> list[Mapping[str, Any]]:
        asking = self._mapping.listing
        query = {name: self._filled(value, who) for name, value in asking.query.items()}
        address: str | None = self._server.url.rstrip("/") + asking.path
        found: list[Mapping[str, Any]] = []
        for number in range(_MOST_PAGES):
            paged = {**query, asking.page: str(number)} if asking.page else query
            page = await self._get(str(address), paged)
            items = self._mapping.items_of(page)
            found += items
            if asking.page:
                is_last = not items or len(found) >= int(page.get(str(asking.total)) or 0)
            else:
                address, query = self._next(page), {}
                is_last = address is None
            if is_last:
                return found
        raise DevicesUnavailableError(
            f"{self._mapping.label} lists more than {_MOST_PAGES} pages for one person. It may not know the "
            "filter of the mapping."
        )

    def _filled(self, value: str | tuple[str, ...], who: str) -> str | list[str]:
        if not isinstance(value, str):
            return list(value)
        quoted = (
            who.replace("'", "''")
            if self._mapping.listing.quotes == "odata"
            else who.replace("\\", "\\\\").replace('"', '\\"')
        )
        return value.replace("{person}", quoted)

    def _next(self, page: Mapping[str, Any]) -> str | None:
        """The next page, if it is on the same server: the token is nobody else's business."""
        link = page.get(self._mapping.listing.next_link or "")
        if not isinstance(link, str) or not link:
            return None
        ours, theirs = httpx.URL(self._server.url), httpx.URL(urljoin(self._server.url, link))
        if (theirs.scheme, theirs.host, theirs.port) != (ours.scheme, ours.host, ours.port):
            raise DevicesUnavailableError(
                f"{self._mapping.label} names a next page on '{theirs.host}', which was not asked. Check "
                "COPILOT_DEVICES_URL."
            )
        return str(theirs)

    async def _get(
        self, address: str, query: Mapping[str, str | list[str]], *, again: bool = True
    ) -> Mapping[str, Any]:
        token = await self._signed_in()
        answer = await self._sent(
            "GET", address, params=query or None, headers={"Authorization": f"Bearer {token}"}
        )
        if answer.status_code == _UNAUTHORIZED and again:
            self._token = None
            return await self._get(address, query, again=False)
        return self._read(answer, "COPILOT_DEVICES_URL and the rights of the client")

    async def _signed_in(self) -> str:
        if self._token is not None and time.monotonic() < self._token[1]:
            return self._token[0]
        form = {
            "grant_type": "client_credentials",
            "client_id": self._server.client_id,
            "client_secret": self._server.client_secret,
        }
        if self._mapping.scope:
            form["scope"] = self._mapping.scope
        answer = await self._sent("POST", self._server.token_url, data=form)
        said = self._read(answer, "COPILOT_DEVICES_CLIENT_ID and COPILOT_DEVICES_CLIENT_SECRET")
        token, lasts = str(said.get("access_token") or ""), float(said.get("expires_in") or 0)
        self._token = (token, time.monotonic() + lasts - _RENEW_SECONDS)
        return token

    async def _sent(self, method: str, address: str, **what: Any) -> httpx.Response:
        try:
            return await self._client.request(method, address, **what)
        except httpx.HTTPError as error:
            raise DevicesUnavailableError(
                f"{self._mapping.label} at {httpx.URL(address).host} does not answer ({type(error).__name__}). "
                "Check the address and that it runs."
            ) from error

    def _read(self, answer: httpx.Response, advice: str) -> Mapping[str, Any]:
        if not answer.is_success:
            raise DevicesUnavailableError(
                f"{self._mapping.label} refused with status {answer.status_code}. Check {advice}."
            )
        try:
            said = answer.json()
        except ValueError:
            said = None
        if not isinstance(said, dict):
            raise DevicesUnavailableError(
                f"{self._mapping.label} answers with something that is not JSON. Check {advice}."
            )
        return said
