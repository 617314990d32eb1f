"""The contract of ticket desks on a real Request Tracker 5, and what is RT's own."""

import asyncio
import hmac
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest
from pydantic import SecretStr

from integrations.tickets.port import (
    Rejected,
    RemoteStatus,
    TicketDesk,
    TicketSystemRefusedError,
    Visibility,
)
from integrations.tickets.systems.rt import RtConfig, RtDesk
from tests.faulty_proxy import faulty_proxy
from tests.integrations.tickets.bench import Bench, an_escalation, changes_since, now, opened
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
WEBHOOK_SECRET = "what-rt-signs-with"


def is_ready(rt: Running) -> bool:
    token = {"Authorization": f"token {rt.secret('copilot.token')}"}
    return (
        httpx.get(f"{rt.url}/REST/2.0/rt", headers=token, trust_env=False, verify=False).status_code  # noqa: S501  # loopback, plain
        == 200
    )


@pytest.fixture(scope="session")
def rt(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Running]:
    base = tmp_path_factory.getbasetemp()
    settings = {
        "RT_BCRYPT_COST": "4",
        "RT_WEBHOOK_URL": "http://127.0.0.1:{webhook_port}/rt",
        "RT_WEBHOOK_SECRET": WEBHOOK_SECRET,
    }
    with shared(
        base if worker_id == "master" else base.parent, "rt", settings, is_ready
    ) as running:
        yield running


class RtAgent:
    """A tier-2 person in RT, with a token of their own."""

    name = "agent"

    def __init__(self, rt: Running) -> None:
        headers = {"Authorization": f"token {rt.secret('agent.token')}"}
        self._http = httpx.AsyncClient(
            base_url=f"{rt.url}/REST/2.0",
            headers=headers,
            timeout=30,
            trust_env=False,
            verify=False,  # noqa: S501  # loopback, plain
        )

    async def opens(self, queue: str, title: str) -> str:
        made = {
            "Queue": QUEUES[queue],
            "Subject": title,
            "Content": "x",
            "ContentType": "text/plain",
        }
        return str((await self._done("POST", "/ticket", json=made)).json()["id"])

    async def replies(self, ticket_id: str, text: str, visibility: Visibility = "public") -> None:
        await self.writes(ticket_id, text, "text/plain", visibility)

    async def writes(
        self, ticket_id: str, text: str, kind: str, visibility: Visibility = "public"
    ) -> None:
        how = "correspond" if visibility == "public" else "comment"
        message = {"Content": text, "ContentType": kind}
        await self._done("POST", f"/ticket/{ticket_id}/{how}", json=message)

    async def sets_status(self, ticket_id: str, status: RemoteStatus) -> None:
        await self._done("PUT", f"/ticket/{ticket_id}", json={"Status": STATUSES[status]})

    async def moves(self, ticket_id: str, queue: str) -> None:
        await self._done("PUT", f"/ticket/{ticket_id}", json={"Queue": QUEUES[queue]})

    async def sees(self, ticket_id: str) -> str:
        ticket = (await self._done("GET", f"/ticket/{ticket_id}")).json()
        path = f"/ticket/{ticket_id}/attachments?fields=Content&per_page=100"
        messages = (await self._done("GET", path)).json()["items"]
        return "\n".join([ticket["Subject"], *(one["Content"] for one in messages)])

    async def fields(self, ticket_id: str) -> dict[str, str]:
        ticket = (await self._done("GET", f"/ticket/{ticket_id}")).json()
        return {one["name"]: "".join(one["values"]) for one in ticket["CustomFields"]}

    async def counts(self, correlation_id: str) -> int:
        query = f"CF.{{Correlation-Id}} = '{correlation_id}'"
        return len((await self._done("GET", "/tickets", params={"query": query})).json()["items"])

    async def _done(self, method: str, path: str, **request: object) -> httpx.Response:
        answer = await self._http.request(method, path, **request)  # type: ignore[arg-type]
        assert answer.is_success, answer.text
        return answer

    async def close(self) -> None:
        await self._http.aclose()


def rt_config(rt: Running, **changes: object) -> RtConfig:
    given = {
        "url": rt.url,
        "web_url": rt.url,
        "token": rt.secret("copilot.token"),
        "queues": QUEUES,
        "statuses": STATUSES,
        "call_seconds": 20,
        "settle_seconds": 0,
    }
    return RtConfig.model_validate({**given, **changes})


@dataclass(frozen=True)
class Report:
    """What RT sent to the webhook."""

    body: bytes
    signature: str

    @property
    def told(self) -> dict[str, str]:
        told: dict[str, str] = json.loads(self.body)
        return told


@asynccontextmanager
async def listening(port: int) -> AsyncIterator[list[Report]]:
    reports: list[Report] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:-2])
        body = await reader.readexactly(int(headers["content-length"]))
        reports.append(Report(body, headers["x-copilot-signature"]))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(take, "127.0.0.1", port):
        yield reports


@pytest.fixture
async def bench(rt: Running) -> AsyncIterator[Bench]:
    desks: list[TicketDesk] = []
    agent = RtAgent(rt)
    async with faulty_proxy(rt.url) as proxy:

        def make_desk(
            *,
            url: str | None = None,
            token: str | None = None,
            queues: Mapping[str, str] | None = None,
            statuses: Mapping[RemoteStatus, str] | None = None,
            call_seconds: float | None = None,
        ) -> TicketDesk:
            config = rt_config(
                rt,
                url=url or proxy.url,
                token=SecretStr(token or rt.secret("copilot.token")),
                queues=queues or QUEUES,
                statuses=statuses or STATUSES,
                call_seconds=call_seconds or 20,
            )
            desks.append(RtDesk(config))
            return desks[-1]

        yield Bench(
            desk=make_desk(),
            make_desk=make_desk,
            agent=agent,
            queues=("network", "printing"),
            faults=proxy,
            is_create=lambda method, path: (method, path) == ("POST", "/REST/2.0/ticket"),
        )
        for desk in desks:
            await desk.close()
    await agent.close()


class TestRt(TicketDeskContract):
    pass


def rt_agent(bench: Bench) -> RtAgent:
    assert isinstance(bench.agent, RtAgent)
    return bench.agent


async def test_parts_of_the_handoff_are_in_fields(bench: Bench) -> None:
    ticket = await opened(bench)
    fields = await rt_agent(bench).fields(ticket.id)
    assert fields["Correlation-Id"] == ticket.correlation_id
    assert (fields["Category"], fields["Device"], fields["Confidence"]) == (
        "vpn",
        "LT-4711",
        "0.42",
    )
    assert "restarted the client - failed (said by employee)" in fields["Steps-Tried"]


async def test_what_people_write_in_the_editor_is_told_as_text(bench: Bench) -> None:
    ticket = await opened(bench)
    start = await now(bench.desk)
    written = "<p>try <b>this</b>:</p><div>1 &lt; 2 &amp; so on</div><script>alert(1)</script>"
    await rt_agent(bench).writes(ticket.id, written, "text/html")
    [change] = [
        c for c in await changes_since(bench.desk, start) if c.ticket_id == ticket.id and c.text
    ]
    assert (change.text or "").splitlines()[:2] == ["try this:", "1 < 2 & so on"]
    assert "<" not in (change.text or "").replace("1 < 2", "")


async def test_changes_that_are_too_young_are_told_the_next_time(rt: Running, bench: Bench) -> None:
    ticket = await opened(bench)
    start = await now(bench.desk)
    await bench.agent.sets_status(ticket.id, "resolved")
    late = RtDesk(rt_config(rt, settle_seconds=3600))
    page = await late.history(start)
    assert (page.changes, page.cursor, page.is_last) == ((), start, True)
    await late.close()
    assert [
        c.new for c in await changes_since(bench.desk, page.cursor) if c.ticket_id == ticket.id
    ] == ["resolved"]


async def test_a_field_that_is_missing_is_named_before_a_ticket_is_made(rt: Running) -> None:
    desk = RtDesk(rt_config(rt, correlation_field="Nope"))
    with pytest.raises(TicketSystemRefusedError, match="no field 'Nope'"):
        await desk.create(an_escalation())
    assert all("no field 'Nope'" in problem for problem in await desk.problems())
    await desk.close()


async def test_an_account_that_is_not_there_is_named(rt: Running) -> None:
    desk = RtDesk(rt_config(rt, user="svc/copilot?"))
    [problem] = await desk.problems()
    assert "no account 'svc/copilot?'" in problem
    await desk.close()


async def test_a_queue_of_others_is_as_unknown_as_none(rt: Running, bench: Bench) -> None:
    desk = bench.make_desk(queues={"network": "General"})
    outcome = await desk.create(an_escalation())
    assert isinstance(outcome, Rejected)
    assert "no queue 'General'" in outcome.reason


async def test_a_change_is_reported_at_once_signed_and_under_the_id_that_polling_gives(
    rt: Running, bench: Bench
) -> None:
    ticket = await opened(bench)
    start = await now(bench.desk)
    async with listening(rt.webhook_port) as reports:
        await bench.agent.sets_status(ticket.id, "resolved")
    ours = [report for report in reports if report.told["ticket_id"] == ticket.id]
    [report] = ours
    expected = hmac.new(WEBHOOK_SECRET.encode(), report.body, "sha256").hexdigest()
    assert report.signature == f"sha256={expected}"
    [change] = [c for c in await changes_since(bench.desk, start) if c.ticket_id == ticket.id]
    assert report.told == {
        "event_id": change.event_id,
        "ticket_id": ticket.id,
        "correlation_id": ticket.correlation_id,
        "type": "Status",
        "old": "new",
        "new": "resolved",
        "actor": "agent",
        "at": change.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


async def test_states_of_rt_s_own_lifecycle_are_read(rt: Running) -> None:
    names = RtConfig(url=rt.url, token=SecretStr("t"), queues=QUEUES).names
    read = [
        names.status_of(theirs) for theirs in ("new", "open", "stalled", "resolved", "rejected")
    ]
    assert read == ["new", "open", "pending_user", "resolved", "closed"]
    assert names.status_of("something of their own") == "open"
