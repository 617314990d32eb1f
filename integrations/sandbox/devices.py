"""Two device managements for the sandbox and the tests, in the shape of Microsoft Graph (Intune) and of Jamf Pro.

They are ours, written after the vendors' documentation: nothing here was run against a vendor's cloud.
Plain ASGI: an application without a framework.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlencode

from copilot.people import Person

Message = MutableMapping[str, Any]
Query = Mapping[str, Sequence[str]]
_ODATA = re.compile(r"userPrincipalName eq '((?:[^']|'')*)'")
_RSQL = re.compile(r'userAndLocation\.email=="((?:[^"\\]|\\.)*)"')
_OS = {"windows": "Windows", "macos": "macOS", "ios": "iOS", "android": "Android"}
_VERDICTS = {True: "compliant", False: "noncompliant", None: "unknown"}
_OK, _BAD, _UNAUTHORIZED, _MISSING = 200, 400, 401, 404


@dataclass(slots=True)
class Managed:
    """A device as it is kept; change it, and the next answer says so."""

    owner: str
    name: str
    platform: str
    os_version: str | None
    synced_at: datetime | None
    compliant: bool | None = None
    managed: bool = True
    asset_tag: str | None = None


@dataclass(slots=True)
class DeviceCloud:
    """Both shapes over the same devices, with faults to set."""

    devices: list[Managed]
    client_id: str = "copilot"
    client_secret: str = "device-secret"  # noqa: S105  # a sandbox's
    page_size: int = 2
    token_seconds: int = 3600
    tokens: set[str] = field(default_factory=set)
    """Clear it, and every client has to sign in anew."""
    status: int = _OK
    """Any other is what every question gets."""
    seconds: float = 0.0
    """How long every answer takes."""
    ignores_filter: bool = False
    """Lists everybody's devices, whoever was asked for."""
    next_host: str | None = None
    """Where the next page is said to be, if not here."""
    asked: list[str] = field(default_factory=list)
    """Paths of all questions, sign-ins included."""

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        if scope["type"] != "http":
            return
        body = (await receive()).get("body", b"")
        self.asked.append(scope["path"])
        if self.seconds:
            await asyncio.sleep(self.seconds)
        status, said = self._answer(scope, body)
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(said).encode()})

    def _answer(self, scope: Message, body: bytes) -> tuple[int, object]:
        if self.status != _OK:
            return self.status, {"error": "set so"}
        path = str(scope["path"])
        if path == "/token":
            return self._token(parse_qs(body.decode()))
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        if headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return _UNAUTHORIZED, {"error": "token"}
        query = parse_qs(scope["query_string"].decode())
        if path == "/v1.0/deviceManagement/managedDevices":
            host = self.next_host or f"http://{headers['host']}"
            return self._graph(query, f"{host}{path}")
        if path == "/api/v1/computers-inventory":
            return self._jamf(query)
        return _MISSING, {"error": "path"}

    def _token(self, form: Query) -> tuple[int, object]:
        given = (_first(form, "client_id"), _first(form, "client_secret"))
        if given != (self.client_id, self.client_secret):
            return _UNAUTHORIZED, {"error": "invalid_client"}
        token = f"token-{len(self.asked)}"
        self.tokens.add(token)
        return _OK, {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": self.token_seconds,
        }

    def _graph(self, query: Query, address: str) -> tuple[int, object]:
        wanted = _ODATA.fullmatch(_first(query, "$filter"))
        if wanted is None:
            return _BAD, {"error": {"code": "BadRequest"}}
        owner = wanted[1].replace("''", "'")
        found = [d for d in self.devices if self.ignores_filter or _same(d.owner, owner)]
        start = int(_first(query, "$skiptoken") or 0)
        page = {"value": [_graph_item(d) for d in found[start : start + self.page_size]]}
        if start + self.page_size < len(found):
            follow = {"$filter": wanted[0], "$skiptoken": start + self.page_size}
            return _OK, {**page, "@odata.nextLink": f"{address}?{urlencode(follow)}"}
        return _OK, page

    def _jamf(self, query: Query) -> tuple[int, object]:
        wanted = _RSQL.fullmatch(_first(query, "filter"))
        if wanted is None:
            return _BAD, {"httpStatus": _BAD}
        # An asterisk stands for anything, as the vendor's filter has it.
        pattern = re.escape(re.sub(r"\\(.)", r"\1", wanted[1])).replace(r"\*", ".*")
        found = [
            device
            for device in self.devices
            if device.platform == "macos"
            and (self.ignores_filter or re.fullmatch(pattern, device.owner, re.IGNORECASE))
        ]
        size = min(int(_first(query, "page-size") or 100), self.page_size)
        start = int(_first(query, "page") or 0) * size
        items = [_jamf_item(device) for device in found[start : start + size]]
        return _OK, {"totalCount": len(found), "results": items}


def cloud_of(people: Iterable[Person], synced_at: datetime) -> DeviceCloud:
    """The devices of these people, all heard of at that time."""
    return DeviceCloud(
        [
            Managed(
                person.email,
                device.name,
                device.platform,
                device.os_version,
                synced_at,
                device.compliant,
                bool(device.managed),
                device.asset_tag,
            )
            for person in people
            if person.email
            for device in person.devices
        ]
    )


def _graph_item(device: Managed) -> dict[str, object]:
    return {
        "id": device.name,
        "deviceName": device.name,
        "userPrincipalName": device.owner,
        "operatingSystem": _OS.get(device.platform, device.platform),
        "osVersion": device.os_version,
        "complianceState": _VERDICTS[device.compliant],
        # How Graph says never.
        "lastSyncDateTime": _moment(device.synced_at) or "0001-01-01T00:00:00Z",
        "serialNumber": device.asset_tag,
    }


def _jamf_item(device: Managed) -> dict[str, object]:
    return {
        "id": device.name,
        "general": {
            "name": device.name,
            "assetTag": device.asset_tag,
            "lastContactTime": _moment(device.synced_at),
            "remoteManagement": {"managed": device.managed},
        },
        "operatingSystem": {"name": "macOS", "version": device.os_version},
        "userAndLocation": {"email": device.owner},
    }


def _moment(at: datetime | None) -> str | None:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if at else None


def _first(query: Query, name: str) -> str:
    return next(iter(query.get(name, ())), "")


def _same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()
