"""The contract of ticket desks on a real Roundup, and what is Roundup's own."""

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from integrations.tickets.port import Conflict, Rejected, RemoteStatus, TicketDesk, Visibility
from integrations.tickets.systems.roundup import RoundupConfig, RoundupDesk
from tests.faulty_proxy import CUT_AFTER, CUT_BEFORE, answered, faulty_proxy
from tests.integrations.tickets.bench import Bench, an_escalation, done, opened
from tests.integrations.tickets.contract import TicketDeskContract
from tests.integrations.tickets.running import Running, shared

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]
QUEUES = {"network": "network", "printing": "print", "service-desk": "service-desk"}
STATUSES: dict[RemoteStatus, str] = {
    "new": "new",
    "open": "open",
    "pending_user": "waiting for user",
    "pending_vendor": "waiting for vendor",
    "resolved": "resolved",
    "closed": "closed",
}


def is_ready(roundup: Running) -> bool:
    return httpx.get(f"{roundup.url}/it/", trust_env=False, verify=False).status_code == 200  # noqa: S501  # loopback, plain


@pytest.fixture(scope="session")
def roundup(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Running]:
    base = tmp_path_factory.getbasetemp()
    settings = {"ROUNDUP_PBKDF2_ROUNDS": "1000", "ROUNDUP_FAILED_LOGINS": "0"}
    with shared(
        base if worker_id == "master" else base.parent, "roundup", settings, is_ready
    ) as running:
        yield running


class RoundupAgent:
    """A tier-2 person in Roundup."""

    name = "agent"

    def __init__(self, roundup: Running) -> None:
        web = roundup.url
        self._http = httpx.AsyncClient(
            base_url=f"{web}/it/rest/data",
            headers={"X-Requested-With": "rest", "Origin": web, "Referer": f"{web}/it/"},
            auth=("agent", roundup.secret("agent.password")),
            timeout=30,
            trust_env=False,
            verify=False,  # noqa: S501  # loopback, plain
        )

    async def opens(self, queue: str, title: str) -> str:
        made = {"title": title, "queue": QUEUES[queue], "status": "new", "priority": "low"}
        return str((await self._done("POST", "/issue", json=made))["id"])

    async def replies(self, ticket_id: str, text: str, visibility: Visibility = "public") -> None:
        message = await self._done("POST", "/msg", json={"content": text})
        await self._change(ticket_id, "PATCH", {"@op": "add", "messages": [message["id"]]})

    async def sets_status(self, ticket_id: str, status: RemoteStatus) -> None:
        await self._change(ticket_id, "PUT", {"status": STATUSES[status]})

    async def moves(self, ticket_id: str, queue: str) -> None:
        await self._change(ticket_id, "PUT", {"queue": QUEUES[queue]})

    async def sees(self, ticket_id: str) -> str:
        ticket = (await self._done("GET", f"/issue/{ticket_id}"))["attributes"]
        texts = [str(value) for value in ticket.values() if value]
        for message in ticket["messages"]:
            path = f"/msg/{message['id']}?@verbose=3"
            texts.append((await self._done("GET", path))["attributes"]["content"])
        return "\n".join(texts)

    async def counts(self, correlation_id: str) -> int:
        found = await self._done("GET", "/issue", params={"@fields": "correlation_id"})
        return [one["correlation_id"] for one in found["collection"]].count(correlation_id)

    async def _change(self, ticket_id: str, method: str, change: dict[str, object]) -> None:
        ticket = await self._done("GET", f"/issue/{ticket_id}")
        headers = {"If-Match": ticket["@etag"]}
        await self._done(method, f"/issue/{ticket_id}", json=change, headers=headers)

    async def _done(self, method: str, path: str, **request: object) -> dict[str, Any]:
        answer = await self._http.request(method, path, **request)  # type: ignore[arg-type]
        assert answer.is_success, answer.text
        data: dict[str, Any] = answer.json()["data"]
        return data

    async def close(self) -> None:
        await self._http.aclose()


@pytest.fixture
async def bench(roundup: Running) -> AsyncIterator[Bench]:
    desks: list[TicketDesk] = []
    agent = RoundupAgent(roundup)
    async with faulty_proxy(f"{roundup.url}/it") as proxy:

        def make_desk(
            *,
            url: str | None = None,
            token: str | None = None,
            queues: Mapping[str, str] | None = None,
            statuses: Mapping[RemoteStatus, str] | None = None,
            call_seconds: float | None = None,
        ) -> TicketDesk:
            config = RoundupConfig(
                url=url or proxy.url,
                web_url=f"{roundup.url}/it",
                user="copilot",
                password=SecretStr(token or roundup.secret("copilot.password")),
                queues=queues or QUEUES,
                statuses=statuses or STATUSES,
                call_seconds=call_seconds or 20,
            )
            desks.append(RoundupDesk(config))
            return desks[-1]

        yield Bench(
            desk=make_desk(),
            make_desk=make_desk,
            agent=agent,
            queues=("network", "printing"),
            faults=proxy,
            is_create=lambda method, path: method == "POST" and "/issue/@poe/" in path,
        )
        for desk in desks:
            await desk.close()
    await agent.close()


class TestRoundup(TicketDeskContract):
    pass


def is_change(method: str, path: str) -> bool:
    return method == "PUT"


async def test_a_lost_answer_is_settled_by_the_address_that_works_once(bench: Bench) -> None:
    for fault in (CUT_AFTER, CUT_BEFORE):
        ticket = an_escalation()
        bench.proxy.plan(fault, when=bench.is_create)
        made = done(await bench.desk.create(ticket))
        assert made.correlation_id == ticket.correlation_id
        assert await bench.agent.counts(ticket.correlation_id) == 1


async def test_a_comment_goes_on_when_others_change_the_ticket_meanwhile(bench: Bench) -> None:
    ticket = await opened(bench)
    bench.proxy.plan(answered(412), answered(412), when=is_change)
    done(await bench.desk.comment(ticket.id, "at last", visibility="public", key="k"))
    assert "at last" in await bench.agent.sees(ticket.id)
    bench.proxy.plan(*[answered(412)] * 3, when=is_change)
    assert isinstance(await bench.desk.set_status(ticket.id, "resolved"), Conflict)


async def test_parts_of_the_handoff_are_in_properties(bench: Bench) -> None:
    ticket = await opened(bench)
    seen = await bench.agent.sees(ticket.id)
    assert "LT-4711\n" in seen


async def test_a_tracker_without_what_is_needed_is_told(roundup: Running) -> None:
    given = {"url": f"{roundup.url}/it", "user": "copilot", "queues": QUEUES}
    config = RoundupConfig.model_validate(
        {**given, "password": roundup.secret("copilot.password"), "fields": {"nope": "category"}}
    )
    desk = RoundupDesk(config)
    assert "nope" in " ".join(await desk.problems())
    assert isinstance(await desk.create(an_escalation()), Rejected)
    await desk.close()
