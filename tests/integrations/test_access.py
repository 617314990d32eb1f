"""Doors inside one process: the table of rules, lifetimes, rates, and a hostile sign-in provider."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from starlette.routing import BaseRoute, Mount

from copilot.people import Person
from integrations.access.book import AccessBook
from integrations.access.doorkeeper import Doorkeeper, Lifetimes
from integrations.access.doors import Doors
from integrations.access.identity import Identity, Role, may_see_case, may_see_queue
from integrations.access.limiting import Limiter, Rates
from integrations.access.oidc import OidcSignIn, Provider
from integrations.access.roles import Grant, RoleMap
from integrations.access.rules import RULES, permits
from integrations.api.reports import Reports
from integrations.settings import AccessSettings, Settings
from integrations.store.database import Database
from integrations.web.app import create_site
from integrations.wiring import App, open_app
from tests.oidc_provider import CLIENT, ISSUER, SECRET, LocalProvider
from tests.serving import copy_of, prepared_home  # noqa: F401  # a fixture

URL = "https://it.example"
PAGE = {"Accept": "text/html"}
AGENT_GROUPS = RoleMap(
    {"tier2": frozenset({"service_desk"}), "admin": frozenset({"administrators"})}
)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class Directory:
    """A directory of some people, who can leave."""

    def __init__(self, *people: Person) -> None:
        self.known = {person.id: person for person in people}

    async def person(self, person_id: str) -> Person | None:
        return self.known.get(person_id)

    async def person_by_email(self, address: str) -> Person | None:
        return next((p for p in self.known.values() if p.email == address), None)


DANA = Person("dana.reed", "Dana Reed", email="dana.reed@larkfield.example", groups=("all_staff",))
LENA = Person("lena", "Lena", groups=("service_desk", "queue:network"))


# ---- the table


def walked(routes: list[BaseRoute]) -> Iterator[tuple[str, str]]:
    """Method and path of every route, however deep routers hold it."""
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from walked(inner.routes)
        elif isinstance(route, Mount):
            yield "GET", f"{route.path}/{{path:path}}"
        else:
            methods: set[str] = getattr(route, "methods", None) or set()
            yield from ((method, route.path) for method in methods - {"HEAD"})  # type: ignore[attr-defined]


async def test_every_route_has_a_rule_and_every_rule_a_route(app: App) -> None:
    there = set(walked(create_site(app, reports=Reports("signed", lambda: None)).routes))
    assert len(there) > 15
    assert there == set(RULES), (
        f"Give it a row in integrations/access/rules.py: {there ^ set(RULES)}"
    )


async def test_a_route_without_a_rule_is_nowhere(app: App) -> None:
    for mode in ("demo", "production"):
        site = site_of(app, mode=mode)

        @site.get("/forgotten")
        async def forgotten() -> str:
            return "secret"

        async with client_of(site) as client:
            answer = await client.get("/forgotten")
            assert answer.status_code in (401, 404)
            assert "secret" not in answer.text


@given(
    st.sampled_from(sorted(set(RULES.values()))), st.sets(st.sampled_from(["employee", "tier2"]))
)
def test_strangers_pass_open_doors_only_and_agents_are_no_operators(
    requirement: Any, roles: set[Role]
) -> None:
    assert permits(requirement, None) == (requirement == "open")
    somebody = Identity(DANA, frozenset(roles), "token")
    if requirement in ("operator", "admin", "demo"):
        assert not permits(requirement, somebody)


# ---- roles


def test_an_agent_sees_the_queues_of_their_groups_and_an_administrator_all() -> None:
    agent = AGENT_GROUPS.identity(LENA, [], how="oidc")
    assert agent is not None
    assert agent.roles == {"employee", "tier2"}
    assert may_see_queue(agent, "network")
    assert not may_see_queue(agent, "print")
    without = AGENT_GROUPS.identity(replace(LENA, groups=("service_desk",)), [], how="oidc")
    assert without is not None
    assert not may_see_queue(without, "network")
    admin = AGENT_GROUPS.identity(replace(LENA, groups=("administrators",)), [], how="oidc")
    assert admin is not None
    assert may_see_queue(admin, "print")


def test_a_queue_group_makes_nobody_an_agent_but_ones_own_case_is_ones_own() -> None:
    person = AGENT_GROUPS.identity(replace(DANA, groups=("queue:network",)), [], how="oidc")
    assert person is not None
    assert not may_see_queue(person, "network")
    assert may_see_case(person, queue="network", opened_by=DANA.id)
    assert not may_see_case(person, queue="network", opened_by="lena")


def test_a_grant_is_for_its_person_and_a_token_for_no_more_than_it_says() -> None:
    grants = [Grant(DANA.id, "tier2", frozenset({"print"})), Grant("lena", "admin")]
    granted = AGENT_GROUPS.identity(DANA, grants, how="oidc")
    assert granted is not None
    assert granted.roles == {"employee", "tier2"}
    assert may_see_queue(granted, "print")
    assert not may_see_queue(granted, "network")
    narrow = AGENT_GROUPS.identity(DANA, grants, how="token", at_most=frozenset({"employee"}))
    assert narrow is not None
    assert narrow.roles == {"employee"}


@pytest.mark.parametrize("lena", [replace(LENA, active=False), replace(LENA, is_known=False)])
def test_who_left_or_is_not_known_is_nobody(lena: Person) -> None:
    assert AGENT_GROUPS.identity(lena, [], how="oidc") is None


# ---- lifetimes, on both databases


def keeper_of(database: Database, clock: Clock, directory: Directory) -> Doorkeeper:
    book = AccessBook(database)
    return Doorkeeper(book, directory, AGENT_GROUPS, clock, Lifetimes(), tell=lambda what: None)


async def test_a_session_ends_when_idle_and_after_its_longest_life(database: Database) -> None:
    clock = Clock()
    keeper = keeper_of(database, clock, Directory(DANA))
    secret = await keeper.sign_in(DANA.id, "oidc")
    assert secret is not None
    for _ in range(24):
        clock.now += timedelta(hours=7)
        found = await keeper.of_session(secret)
        assert (found is not None) == (clock.now <= Clock().now + timedelta(days=7))
    idle = await keeper.sign_in(DANA.id, "oidc")
    assert idle is not None
    clock.now += timedelta(hours=8, seconds=1)
    assert await keeper.of_session(idle) is None


async def test_links_and_tokens_end_in_time_and_with_their_person(database: Database) -> None:
    clock, directory = Clock(), Directory(DANA)
    keeper = keeper_of(database, clock, directory)
    link = await keeper.make_link(DANA.id)
    clock.now += timedelta(minutes=15)
    assert link is not None
    assert await keeper.use_link(link) is None
    made = await keeper.make_token(DANA.id, frozenset({"employee"}), timedelta(days=1))
    session = await keeper.sign_in(DANA.id, "oidc")
    assert made is not None
    assert session is not None
    assert await keeper.of_token(made[1]) is not None
    directory.known[DANA.id] = replace(DANA, active=False)
    assert await keeper.of_token(made[1]) is None
    assert await keeper.of_session(session) is None
    assert await keeper.make_link(DANA.id) is None
    directory.known[DANA.id] = DANA
    clock.now += timedelta(days=1)
    assert await keeper.of_token(made[1]) is None


async def test_a_link_opened_by_many_at_once_signs_in_one(database: Database) -> None:
    keeper = keeper_of(database, Clock(), Directory(DANA))
    link = await keeper.make_link(DANA.id)
    assert link is not None
    found = await asyncio.gather(*(keeper.use_link(link) for _ in range(8)))
    assert found.count(DANA.id) == 1


async def test_a_group_that_is_lost_counts_at_once(database: Database) -> None:
    directory = Directory(LENA)
    keeper = keeper_of(database, Clock(), directory)
    made = await keeper.make_token(LENA.id, frozenset({"employee", "tier2"}), timedelta(days=1))
    assert made is not None
    directory.known[LENA.id] = replace(LENA, groups=())
    found = await keeper.of_token(made[1])
    assert found is not None
    assert found.roles == {"employee"}


async def test_an_account_keeps_its_person_and_an_address_is_used_once(database: Database) -> None:
    heir = replace(DANA, id="dana.heir")
    directory = Directory(DANA)
    keeper = keeper_of(database, Clock(), directory)
    assert await keeper.owner_of_account(ISSUER, "one", DANA.email) == DANA.id
    assert await keeper.owner_of_account(ISSUER, "one", "new.name@larkfield.example") == DANA.id
    # Another account that now has the address is not the person who had it.
    assert await keeper.owner_of_account(ISSUER, "two", DANA.email) is None
    assert await keeper.owner_of_account(ISSUER, "three", None) is None
    assert await keeper.owner_of_account(ISSUER, "four", "nobody@larkfield.example") is None
    await keeper.sign_out_everywhere(DANA.id)
    directory.known = {heir.id: heir}
    assert await keeper.owner_of_account(ISSUER, "two", DANA.email) == heir.id


async def test_old_events_are_forgotten(database: Database) -> None:
    clock = Clock()
    keeper, book = keeper_of(database, clock, Directory(DANA)), AccessBook(database)
    await keeper.make_link(DANA.id)
    clock.now += timedelta(days=366)
    await keeper.sign_in(DANA.id, "link")
    await keeper.clean()
    assert [event.what for event in await book.events(10)] == ["signed_in"]


# ---- rates, addresses and settings


def test_a_limit_is_each_persons_own_and_each_acts_own() -> None:
    limiter = Limiter(Rates(ask=2, signin=1))
    waits = [limiter.seconds_to_wait("ask", "dana") for _ in range(3)]
    assert waits[:2] == [None, None]
    assert 1 <= (waits[2] or 0) <= 60
    assert limiter.seconds_to_wait("ask", "omar") is None
    assert limiter.seconds_to_wait("feedback", "dana") is None
    assert limiter.seconds_to_wait("ask", "dana", is_trusted=True) is None


@pytest.mark.parametrize(
    ("hops", "forwarded", "address"),
    [
        (0, "203.0.113.9", "10.0.0.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "spoofed, 203.0.113.9", "203.0.113.9"),
        (2, "spoofed, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        (2, "203.0.113.9", "10.0.0.1"),
        (1, "", "10.0.0.1"),
    ],
)
def test_what_a_client_says_of_its_address_is_not_believed(
    hops: int, forwarded: str, address: str
) -> None:
    doors = Doors(None, None, forwarded_hops=hops)  # type: ignore[arg-type]  # not asked
    assert doors.address("10.0.0.1", forwarded) == address


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"signin": "oidc", "oidc_issuer": ISSUER}, "needs COPILOT_ACCESS_OIDC_CLIENT_ID"),
        ({"public_url": "http://it.example"}, "is not encrypted"),
        ({"public_url": "https://it.example/copilot"}, "has a path"),
    ],
)
def test_settings_that_open_too_much_are_refused(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        AccessSettings(**values)


# ---- the site, with a provider that may lie


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(prepared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:  # noqa: F811
    home = copy_of(prepared_home, tmp_path_factory.mktemp("access") / "home")
    opened = await open_app(Settings(home=home))
    yield opened
    await opened.close()


@pytest.fixture
def provider() -> LocalProvider:
    return LocalProvider()


def sign_in_at(provider: LocalProvider, **more: Any) -> OidcSignIn:
    known = Provider(ISSUER, CLIENT, SECRET, **more)
    return OidcSignIn(known, transport=httpx.MockTransport(provider.answer))


def site_of(
    app: App,
    *,
    mode: str = "production",
    company: OidcSignIn | None = None,
    rates: Rates | None = None,
) -> FastAPI:
    settings = app.settings.model_copy(update={"mode": mode})
    limiter = Limiter(rates or Rates(signin=1000))
    doors = replace(app.doors, company=company, public_url=URL, limiter=limiter)
    return create_site(replace(app, settings=settings, doors=doors))


def client_of(site: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(site), base_url=URL)


async def came_back(client: httpx.AsyncClient, provider: LocalProvider) -> httpx.Response:
    """Start at our page, sign in at the provider, and come back."""
    sent = await client.get("/signin/company")
    assert sent.status_code == 303
    return await client.get("/signin/callback", params=provider.sign_in(sent.headers["location"]))


async def test_an_account_of_the_company_signs_in_without_the_roles_it_claims(
    app: App, provider: LocalProvider
) -> None:
    async with client_of(site_of(app, company=sign_in_at(provider))) as client:
        answer = await came_back(client, provider)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert "__Host-copilot_session" in client.cookies
        assert (await client.get("/v1/about")).status_code == 200
        # The provider's claims name two groups of administrators and agents.
        assert (await client.get("/metrics")).status_code == 404
        provider.change_key()
        assert (await came_back(client, provider)).status_code == 303
        assert provider.fetched.count("/keys") == 2
        assert provider.fetched.count("/.well-known/openid-configuration") == 1


LIES: dict[str, dict[str, Any]] = {
    "another nonce": {"nonce": "another"},
    "no nonce": {"nonce": None},
    "another audience": {"aud": "another-client"},
    "another party": {"aud": [CLIENT, "another"], "azp": "another"},
    "another issuer": {"iss": "https://login.evil.example"},
    "expired": {"exp": 1_700_000_000},
    "without an end": {"exp": None},
    "without a subject": {"sub": None},
    "an address that is not verified": {"email_verified": False},
    "an address of which nothing is said": {"email_verified": None},
    "nobody of the directory": {"email": "nobody@larkfield.example"},
}


@pytest.mark.parametrize("lie", LIES)
async def test_claims_that_are_not_for_us_sign_nobody_in(
    app: App, provider: LocalProvider, lie: str
) -> None:
    def change(claims: dict[str, Any]) -> None:
        told = {**claims, "sub": "stranger", **LIES[lie]}
        claims.clear()
        claims.update({name: value for name, value in told.items() if value is not None})

    provider.change = change
    async with client_of(site_of(app, company=sign_in_at(provider))) as client:
        await refused(client, await came_back(client, provider))


@pytest.mark.parametrize("how", ["unsigned", "by_public_key", "other_key", "garbage"])
async def test_tokens_that_the_provider_did_not_sign_sign_nobody_in(
    app: App, provider: LocalProvider, how: str
) -> None:
    other = LocalProvider()
    provider.encode = {
        "unsigned": provider.unsigned,
        "by_public_key": provider.by_public_key,
        "other_key": other.signed,
        "garbage": lambda claims: "a.b.c",
    }[how]
    async with client_of(site_of(app, company=sign_in_at(provider))) as client:
        await refused(client, await came_back(client, provider))


async def test_what_comes_back_twice_or_to_another_browser_is_refused(
    app: App, provider: LocalProvider
) -> None:
    site = site_of(app, company=sign_in_at(provider))
    async with client_of(site) as client, client_of(site) as victim:
        sent = await client.get("/signin/company")
        back = provider.sign_in(sent.headers["location"])
        # Somebody else's sign-in, put under a victim's mouse.
        await refused(victim, await victim.get("/signin/callback", params=back))
        await refused(client, await client.get("/signin/callback", params={**back, "state": "x"}))
        assert (await client.get("/signin/callback", params=back)).status_code == 303
        client.cookies.delete("__Host-copilot_session")
        await refused(client, await client.get("/signin/callback", params=back))
        again = await client.get("/signin/company")
        [state] = parse_qs(urlsplit(again.headers["location"]).query)["state"]
        replayed = {"code": back["code"], "state": state}
        await refused(client, await client.get("/signin/callback", params=replayed))


@pytest.mark.parametrize(
    "more", [{"error": "access_denied"}, {"iss": "https://login.evil.example"}, {"code": ""}]
)
async def test_a_refusal_of_the_provider_or_another_ones_answer_is_refused(
    app: App, provider: LocalProvider, more: dict[str, str]
) -> None:
    async with client_of(site_of(app, company=sign_in_at(provider))) as client:
        sent = await client.get("/signin/company")
        back = {**provider.sign_in(sent.headers["location"]), **more}
        await refused(client, await client.get("/signin/callback", params=back))


async def refused(client: httpx.AsyncClient, answer: httpx.Response) -> None:
    """One page for every reason, and nobody is signed in."""
    assert answer.status_code == 403
    assert answer.json()["type"] == "/problems/sign-in-refused"
    assert "session" not in answer.headers.get("set-cookie", "")
    assert (await client.get("/v1/about")).status_code == 401


async def test_a_provider_that_is_away_or_another_is_an_outage(
    app: App, provider: LocalProvider
) -> None:
    async with client_of(site_of(app, company=sign_in_at(provider))) as client:
        provider.issuer = "https://login.evil.example"
        assert (await client.get("/signin/company")).status_code == 503
        provider.is_down = True
        away = await client.get("/signin/company")
        assert away.status_code == 503
        assert "login" not in away.text
        assert (await client.get("/signin", headers=PAGE)).status_code == 200


async def test_too_often_is_said_with_the_time_to_wait(app: App) -> None:
    rates = Rates(ask=2, feedback=1, signin=2)
    async with client_of(site_of(app, rates=rates)) as client:
        made = await app.doors.keeper.make_token(
            "dana.reed", frozenset({"employee"}), timedelta(days=1)
        )
        assert made is not None
        client.headers["Authorization"] = f"Bearer {made[1]}"
        asked = [await client.post("/v1/ask", json={"text": "I forgot my password"}) for _ in "123"]
        assert [answer.status_code for answer in asked] == [200, 200, 429]
        assert 1 <= int(asked[2].headers["retry-after"]) <= 60
        assert asked[2].json()["type"] == "/problems/too-many-requests"
        assert (await client.get("/v1/about")).status_code == 200
        client.headers["Authorization"] = "Bearer wrong"
        tried = [(await client.get("/v1/about")).status_code for _ in "123"]
        assert tried == [401, 401, 429]


async def test_the_guard_reads_an_address_as_the_router_does(app: App) -> None:
    async with client_of(site_of(app)) as client:
        for path in (
            "/static/%2e%2e/metrics",
            "/metrics%3F",
            "//metrics",
            "/signin/link/%2F..%2Fmetrics",
        ):
            answer = await client.get(path)
            assert "copilot_turns" not in answer.text, path


def test_every_setting_is_documented_with_its_default() -> None:
    document = (Path(__file__).parents[2] / "docs" / "access.md").read_text("utf-8")
    for name, field in AccessSettings.model_fields.items():
        [row] = [
            line for line in document.splitlines() if f"| `COPILOT_ACCESS_{name.upper()}` |" in line
        ]
        shown = ",".join(field.default) if isinstance(field.default, tuple) else field.default
        is_number = isinstance(shown, float)
        said = f"{shown:g}" if is_number else str(shown).lower() if shown is not None else ""
        assert row.split("|")[2].strip() == (f"`{said}`" if said else "none"), name
