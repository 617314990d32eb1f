"""The contract of ticket desks on a real Request Tracker 5, and what is RT's own."""

from collections.abc import AsyncIterator, Iterator, Mapping

import httpx
import pytest
from pydantic import SecretStr

from integrations.tickets.port import RemoteStatus, TicketDesk, Visibility
from integrations.tickets.systems.rt import RtConfig, RtDesk
from tests.faulty_proxy import faulty_proxy
from tests.integrations.tickets.bench import Bench
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
    return httpx.get(f"{rt.url}/REST/2.0/rt", headers=token, trust_env=False).status_code == 200


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
            base_url=f"{rt.url}/REST/2.0", headers=headers, timeout=30, trust_env=False
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
        how = "correspond" if visibility == "public" else "comment"
        message = {"Content": text, "ContentType": "text/plain"}
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
            config = RtConfig(
                url=url or proxy.url,
                web_url=rt.url,
                token=SecretStr(token or rt.secret("copilot.token")),
                queues=queues or QUEUES,
                statuses=statuses or STATUSES,
                call_seconds=call_seconds or 20,
                settle_seconds=0,
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
