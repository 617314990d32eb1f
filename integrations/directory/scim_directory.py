"""The company's people over SCIM 2.0 (RFC 7643, 7644). Reads, and nothing else."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import quote

import httpx

from copilot.errors import DirectoryUnavailableError
from copilot.people import Person
from integrations.directory.spelling import is_spelling

_ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
_NOT_FOUND = 404
_REFUSED = (401, 403)
_PAGE = 100
_MOST_GROUPS = 1_000
_SAMPLE = 20
Resource = Mapping[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ScimServer:
    """Where the directory is and how it names what it holds."""

    url: str
    """Base of the service, like `https://idp.example/scim/v2`."""
    token: str
    seconds: float = 3.0
    ca_file: Path | None = None
    contractor_types: tuple[str, ...] = ("contractor", "external")
    """Values of `userType`; the letter case does not matter."""
    employee_types: tuple[str, ...] = ("employee",)
    group_names: Mapping[str, str] = field(default_factory=dict)
    """What the policies call a group, by its display name; others keep theirs."""


class ScimDirectory:
    """Who comes back is compared with who was asked for: a server may ignore a filter."""

    def __init__(
        self,
        server: ScimServer,
        *,
        tell: Callable[[str], None],
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`tell` counts what an operator should know of: ambiguous, somebody_else."""
        self._server = server
        self._tell = tell
        self._client = httpx.AsyncClient(
            base_url=server.url.rstrip("/") + "/",
            headers={
                "Authorization": f"Bearer {server.token}",
                "Accept": "application/scim+json, application/json",
            },
            timeout=server.seconds,
            verify=ssl.create_default_context(cafile=server.ca_file),
            trust_env=False,
            transport=transport,
        )

    async def person(self, person_id: str) -> Person | None:
        return await self._in_time(self._by_id(person_id))

    async def person_by_email(self, address: str) -> Person | None:
        return await self._in_time(self._by_email(address))

    async def people(self, limit: int) -> Sequence[Person]:
        wanted = "userName,displayName,name,emails,phoneNumbers"
        found = [user async for user in self._every("Users", {"attributes": wanted}, limit)]
        return [_named(user) for user in found if user.get("userName")]

    async def problems(self) -> list[str]:
        try:
            people = [user async for user in self._every("Users", {}, _SAMPLE)]
            await self._get("Groups", {"count": "1"})
        except DirectoryUnavailableError as error:
            return [str(error)]
        if not people:
            return [f"Nobody is found at {self._server.url}. Check what the token may read."]
        wanting = [
            ("active", lambda user: "active" in user, "nobody counts as active"),
            ("emails", lambda user: _values(user, "emails"), "nobody is found by address"),
            (_ENTERPRISE, lambda user: user.get(_ENTERPRISE), "managers are unknown"),
            ("userType", lambda user: user.get("userType"), "employment is unknown"),
        ]
        return [
            f"None of {len(people)} people has '{name}', so {so}. Let the server send it."
            for name, has, so in wanting
            if not any(map(has, people))
        ]

    async def close(self) -> None:
        await self._client.aclose()

    async def _by_id(self, person_id: str) -> Person | None:
        found = await self._one("userName", person_id)
        if found is None:
            return None
        said = str(found.get("userName") or "")
        if said != person_id:
            self._check_is_a_spelling(said, person_id)
            return None
        return await self._person(found)

    async def _by_email(self, address: str) -> Person | None:
        found = await self._one("emails.value", address)
        if found is None:
            return None
        said = {value.casefold() for value in _values(found, "emails")}
        if address.casefold() not in said:
            self._check_is_a_spelling(next(iter(said), ""), address)
            return None
        return await self._person(found) if found.get("userName") else None

    async def _in_time(self, asked: Awaitable[T]) -> T:
        """With all that it takes: who somebody is may be several questions to the server."""
        try:
            async with asyncio.timeout(self._server.seconds):
                return await asked
        except TimeoutError as error:
            raise DirectoryUnavailableError(
                f"The directory at {self._server.url} took longer than {self._server.seconds:g} seconds. Check "
                "its load and the way to it."
            ) from error

    async def _one(self, attribute: str, value: str) -> Resource | None:
        """The one user of whom it is true; `None` for nobody and for several."""
        query = {"filter": f"{attribute} eq {_quoted(value)}", "count": "2"}
        page = await self._get("Users", query)
        found = _resources(page)
        if len(found) > 1 or int(page.get("totalResults") or 0) > 1:
            self._tell("ambiguous")
            return None
        return found[0] if found else None

    def _check_is_a_spelling(self, said: str, asked: str) -> None:
        """Another spelling is a stranger's; quite another value is a server that does not do as asked."""
        if not is_spelling(said, asked):
            self._tell("somebody_else")
            raise DirectoryUnavailableError(
                f"The directory at {self._server.url} answered with somebody who was not asked for. It may "
                "not know filters."
            )

    async def _person(self, user: Resource) -> Person:
        more = user.get(_ENTERPRISE) or {}
        return Person(
            id=str(user["userName"]),
            name=_name(user),
            email=_preferred(user, "emails"),
            site=_site(user),
            manager=await self._user_name(str((more.get("manager") or {}).get("value") or "")),
            employment=self._employment(str(user.get("userType") or "").casefold()),
            groups=tuple(sorted(await self._groups(user))),
            department=more.get("department"),
            phone=_preferred(user, "phoneNumbers"),
            language=str(user.get("preferredLanguage") or "")[:2].casefold() or None,
            # Left out is not active: such a server has to be told to send it.
            active=user.get("active") is True,
        )

    def _employment(self, said: str) -> Literal["employee", "contractor", "unknown"]:
        if said in map(str.casefold, self._server.contractor_types):
            return "contractor"
        return "employee" if said in map(str.casefold, self._server.employee_types) else "unknown"

    async def _user_name(self, resource_id: str) -> str | None:
        """The id of another person, by the server's own; `None` where there is nobody."""
        if not resource_id:
            return None
        user = await self._get(f"Users/{quote(resource_id, safe='')}", {"attributes": "userName"})
        return user.get("userName") if user.get("id", resource_id) == resource_id else None

    async def _groups(self, user: Resource) -> set[str]:
        """The groups that the person lists; where a server does not fill those, the groups that list the person."""
        own = str(user.get("id") or "")
        names = {str(each.get("display") or "") for each in _entries(user, "groups")}
        if own and (not names or "" in names):
            query = {"filter": f"members.value eq {_quoted(own)}"}
            async for group in self._every("Groups", query, _MOST_GROUPS):
                if own in _values(group, "members"):
                    names.add(str(group.get("displayName") or ""))
        return {self._server.group_names.get(name, name) for name in names if name}

    async def _every(
        self, kind: str, query: Mapping[str, str], limit: int
    ) -> AsyncIterator[Resource]:
        """Page by page, up to the limit."""
        start, left = 1, limit
        while left > 0:
            asked = {**query, "startIndex": str(start), "count": str(min(_PAGE, left))}
            page = await self._get(kind, asked)
            found = _resources(page)[:left]
            for each in found:
                yield each
            start, left = start + len(found), left - len(found)
            if not found or start > int(page.get("totalResults") or 0):
                return

    async def _get(self, path: str, query: Mapping[str, str]) -> Resource:
        try:
            answer = await self._client.get(path, params=query)
            answer.raise_for_status()
            said = answer.json()
        except httpx.HTTPStatusError as error:
            return self._refused(error.response)
        except (httpx.HTTPError, ValueError) as error:
            raise DirectoryUnavailableError(
                f"The directory at {self._server.url} does not answer ({type(error).__name__}). Check the "
                "address, that it runs, and its certificate."
            ) from error
        return said if isinstance(said, dict) else {}

    def _refused(self, answer: httpx.Response) -> Resource:
        """Nothing where there is nothing; every other refusal is an outage."""
        if answer.status_code == _NOT_FOUND and "/Users/" in answer.url.path:
            return {}
        advice = (
            "Check COPILOT_DIRECTORY_TOKEN and what it may read."
            if answer.status_code in _REFUSED
            else "Check its log."
        )
        raise DirectoryUnavailableError(
            f"The directory at {self._server.url} refused with status {answer.status_code}. {advice}"
        )


def _quoted(value: str) -> str:
    """A value in a filter, so that no quote in it ends it."""
    return json.dumps(value, ensure_ascii=False)


def _resources(page: Resource) -> list[Resource]:
    return [each for each in page.get("Resources") or () if isinstance(each, dict)]


def _values(resource: Resource, name: str) -> list[str]:
    return [str(each["value"]) for each in _entries(resource, name) if each.get("value")]


def _entries(resource: Resource, name: str) -> Iterable[Mapping[str, Any]]:
    return [each for each in resource.get(name) or () if isinstance(each, dict)]


def _preferred(resource: Resource, name: str) -> str | None:
    """The primary value, else the one for work, else the first."""
    ranked = sorted(
        _entries(resource, name),
        key=lambda each: (each.get("primary") is not True, each.get("type") != "work"),
    )
    return next((str(each["value"]) for each in ranked if each.get("value")), None)


def _site(user: Resource) -> str | None:
    work = [a for a in _entries(user, "addresses") if a.get("type", "work") == "work"]
    return next((str(each["locality"]) for each in work if each.get("locality")), None)


def _name(user: Resource) -> str:
    full = (user.get("name") or {}).get("formatted")
    return str(user.get("displayName") or full or user["userName"])


def _named(user: Resource) -> Person:
    return Person(
        id=str(user["userName"]),
        name=_name(user),
        email=_preferred(user, "emails"),
        phone=_preferred(user, "phoneNumbers"),
    )
