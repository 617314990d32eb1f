"""The contract of ticket desks on a simulated Zendesk, and what is Zendesk's own."""

import asyncio
import base64
import hmac
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from pydantic import SecretStr

from integrations.sandbox.vendor import Account
from integrations.sandbox.zendesk import Zendesk
from integrations.tickets.port import (
    Conflict,
    Rejected,
    RemoteStatus,
    TicketDesk,
    TicketSystemRefusedError,
    TicketSystemUnavailableError,
    Visibility,
)
from integrations.tickets.systems.plain_id import plain
from integrations.tickets.systems.zendesk import ZendeskConfig, ZendeskDesk
from integrations.tickets.systems.zendesk_webhook import is_genuine
from tests.faulty_proxy import CUT_AFTER, faulty_proxy
from tests.integrations.tickets.bench import (
    TEXTS,
    Bench,
    an_escalation,
    changes_since,
    done,
    now,
    opened,
    shown,
)
from tests.integrations.tickets.contract import TicketDeskContract
from tests.integrations.tickets.contract_of_vendors import VendorsAreTakenAtTheirWord
from tests.integrations.tickets.vendors import COPILOT, HUMAN, QUEUES, Caller, TestClock, served

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]
GROUPS = {name: number for number, name in enumerate(QUEUES.values(), 501)}
STATUSES: dict[RemoteStatus, str] = {
    "open": "open",
    "new": "open",
    "pending_user": "pending",
    "pending_vendor": "hold",
    "resolved": "solved",
    "closed": "solved",
}
LINKS, SECRET = 900, "what-zendesk-signs-with"
SHORT = {name: text for name, text in TEXTS.items() if name != "long"}


@dataclass
class Stand:
    """A Zendesk that runs, and what it reported."""

    zendesk: Zendesk
    url: str
    clock: TestClock
    reports: list[tuple[bytes, Mapping[str, str]]] = field(default_factory=list)


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    clock, reports = TestClock(), []

    async def deliver(body: bytes, headers: Mapping[str, str]) -> None:
        reports.append((body, headers))

    zendesk = Zendesk(
        copilot=_with_token(COPILOT), human=_with_token(HUMAN), clock=clock, groups=GROUPS, links_field=LINKS,
        export_delay=timedelta(0), webhook=deliver, webhook_secret=SECRET,
    )  # fmt: skip
    async with served(zendesk.site()) as url:
        yield Stand(zendesk, url, clock, reports)


def _with_token(account: Account) -> Account:
    return replace(account, login=f"{account.login}/token")


class ZendeskAgent:
    """A person in Zendesk."""

    name = "agent"

    def __init__(self, url: str) -> None:
        self._caller = Caller(f"{url}/api/v2", (f"{HUMAN.login}/token", HUMAN.secret))

    async def opens(self, queue: str, title: str) -> str:
        made = {"subject": title, "comment": {"body": "x"}, "group_id": GROUPS[QUEUES[queue]]}
        answer = await self._caller.done("POST", "/tickets", json={"ticket": made})
        return str(answer.json()["ticket"]["id"])

    async def changes(self, ticket_id: str, **values: object) -> None:
        await self._caller.done("PUT", f"/tickets/{ticket_id}", json={"ticket": values})

    async def replies(self, ticket_id: str, text: str, visibility: Visibility = "public") -> None:
        await self.changes(ticket_id, comment={"body": text, "public": visibility == "public"})

    async def sets_status(self, ticket_id: str, status: RemoteStatus) -> None:
        await self.changes(ticket_id, status=STATUSES[status])

    async def moves(self, ticket_id: str, queue: str) -> None:
        await self.changes(ticket_id, group_id=GROUPS[QUEUES[queue]])

    async def sees(self, ticket_id: str) -> str:
        ticket = (await self._caller.done("GET", f"/tickets/{ticket_id}")).json()["ticket"]
        comments = (await self._caller.done("GET", f"/tickets/{ticket_id}/comments")).json()
        return "\n".join([ticket["subject"], *(one["body"] for one in comments["comments"])])

    async def counts(self, correlation_id: str) -> int:
        every = (await self._caller.done("GET", "/tickets")).json()["tickets"]
        return [one["external_id"] for one in every].count(plain(correlation_id))

    async def close(self) -> None:
        await self._caller.close()


def config(stand: Stand, **changes: object) -> ZendeskConfig:
    given = {
        "url": stand.url,
        "web_url": stand.url,
        "user": COPILOT.login,
        "token": COPILOT.secret,
        "queues": QUEUES,
        "links_field": LINKS,
    }
    return ZendeskConfig.model_validate({**given, **changes})


@pytest.fixture
async def bench(stand: Stand) -> AsyncIterator[Bench]:
    desks: list[TicketDesk] = []
    agent = ZendeskAgent(stand.url)
    async with faulty_proxy(stand.url) as proxy:

        def make_desk(
            *,
            url: str | None = None,
            token: str | None = None,
            queues: Mapping[str, str] | None = None,
            statuses: Mapping[RemoteStatus, str] | None = None,
            call_seconds: float | None = None,
        ) -> TicketDesk:
            made = config(
                stand,
                url=url or proxy.url,
                token=SecretStr(token or COPILOT.secret),
                queues=queues or QUEUES,
                statuses=statuses or STATUSES,
                call_seconds=call_seconds or 20,
            )
            desks.append(ZendeskDesk(made))
            return desks[-1]

        yield Bench(
            desk=make_desk(),
            make_desk=make_desk,
            agent=agent,
            queues=("network", "printing"),
            faults=proxy,
            is_create=lambda method, path: (method, path) == ("POST", "/api/v2/tickets"),
            read_as={"new": "open", "closed": "resolved"},
        )
        for desk in desks:
            await desk.close()
    await agent.close()


class TestZendesk(TicketDeskContract, VendorsAreTakenAtTheirWord):
    @pytest.mark.parametrize("text", SHORT.values(), ids=SHORT.keys())
    async def test_text_arrives_unchanged(self, bench: Bench, text: str) -> None:
        """A comment holds 64 KB: what is longer has a test of its own."""
        ticket = await opened(bench, body=text)
        assert shown(text) in shown(await bench.agent.sees(ticket.id))


async def test_a_text_that_is_too_long_is_cut_and_says_so(bench: Bench) -> None:
    ticket = await opened(bench, body="ünï " * 40_000)
    seen = await bench.agent.sees(ticket.id)
    assert "Conversation: https://chat.example" in seen, "the parts come first"
    assert seen.rstrip().endswith("[cut here: the rest is in the conversation]")
    done(await bench.desk.comment(ticket.id, "é" * 70_000, visibility="public", key="k"))
    assert await bench.desk.has_comment(ticket.id, "k")


async def test_a_repeated_request_gives_the_first_ticket(stand: Stand, bench: Bench) -> None:
    ticket = an_escalation()
    first = done(await bench.desk.create(ticket))
    assert done(await bench.desk.create(ticket)).id == first.id
    reworded = ticket.model_copy(update={"title": "VPN stops after nine minutes"})
    assert done(await bench.desk.create(reworded)).id == first.id, "also in other words"
    assert await bench.agent.counts(ticket.correlation_id) == 1


async def test_a_ticket_is_found_before_the_search_index_has_it(stand: Stand, bench: Bench) -> None:
    ticket = an_escalation()
    bench.proxy.plan(CUT_AFTER, when=bench.is_create)
    await bench.desk.create(ticket)
    stand.zendesk.search_delay = timedelta(hours=1)
    assert await bench.desk.find(ticket.correlation_id) is not None
    assert isinstance(bench.agent, ZendeskAgent)
    sought = {"query": f'type:ticket external_id:"{plain(ticket.correlation_id)}"'}
    for delay, count in ((timedelta(hours=1), 0), (timedelta(0), 1)):
        stand.zendesk.search_delay = delay
        found = await bench.agent._caller.done("GET", "/search", params=sought)
        assert found.json()["count"] == count


async def test_commas_in_an_id_do_not_find_the_tickets_of_its_parts(bench: Bench) -> None:
    await opened(bench, "conv-1")
    await opened(bench, "conv-2")
    assert await bench.desk.find("conv-1,conv-2") is None


async def test_what_zendesk_closed_can_t_be_changed(stand: Stand, bench: Bench) -> None:
    ticket = await opened(bench)
    assert isinstance(bench.agent, ZendeskAgent)
    await bench.agent.changes(ticket.id, status="closed")
    seen = await bench.desk.get(ticket.id)
    assert seen is not None
    assert seen.status == "closed"
    for outcome in (
        await bench.desk.set_status(ticket.id, "open"),
        await bench.desk.comment(ticket.id, "hello", visibility="public", key="k"),
        await bench.desk.move(ticket.id, bench.queues[1]),
        await bench.desk.link(ticket.id, "https://wiki.example/1"),
    ):
        assert isinstance(outcome, Rejected)
        assert "closed" in outcome.reason


async def test_a_change_within_the_same_second_is_a_conflict(stand: Stand, bench: Bench) -> None:
    stand.clock.step = timedelta(0)
    ticket = await opened(bench)
    await bench.agent.replies(ticket.id, "I am on it")
    outcome = await bench.desk.set_status(ticket.id, "resolved", version=ticket.version)
    assert isinstance(outcome, Conflict)


async def test_what_changes_between_reading_and_writing_is_a_conflict(
    stand: Stand, bench: Bench
) -> None:
    stand.clock.step = timedelta(seconds=2)
    ticket = await opened(bench)
    assert isinstance(bench.agent, ZendeskAgent)
    answer = await bench.agent._caller._http.put(
        f"/tickets/{ticket.id}",
        json={"ticket": {"status": "open", "safe_update": True, "updated_stamp": "2020-01-01T00:00:00Z"}},
    )  # fmt: skip
    assert (answer.status_code, answer.json()["error"]) == (409, "UpdateConflict")
    linked = await asyncio.gather(
        *(bench.desk.link(ticket.id, f"https://wiki.example/{number}") for number in range(2))
    )
    seen = await bench.desk.get(ticket.id)
    assert seen is not None
    assert len(seen.links) == len([one for one in linked if not isinstance(one, Conflict)])


async def test_changes_within_one_second_are_told_once_each(stand: Stand, bench: Bench) -> None:
    ticket, other = await opened(bench), await opened(bench)
    stand.clock.step = timedelta(0)
    start = await now(bench.desk)
    for number in range(3):
        await bench.agent.replies(ticket.id, f"a{number}")
        await bench.agent.replies(other.id, f"b{number}")
    first = await bench.desk.history(start, limit=4)
    assert not first.is_last
    await bench.agent.replies(ticket.id, "a3")
    told = [*first.changes, *await changes_since(bench.desk, first.cursor, 2)]
    assert sorted(str(c.text) for c in told) == ["a0", "a1", "a2", "a3", "b0", "b1", "b2"]
    assert [c.text for c in told if c.ticket_id == ticket.id] == ["a0", "a1", "a2", "a3"]


async def test_what_is_exported_late_is_told_late(stand: Stand, bench: Bench) -> None:
    stand.zendesk.export_delay = timedelta(minutes=1)
    ticket, other = await opened(bench), await opened(bench)
    stand.clock.at += timedelta(seconds=5)
    start = await now(bench.desk)
    stand.clock.at += timedelta(minutes=2)
    await bench.agent.replies(ticket.id, "early")
    stand.clock.at += timedelta(seconds=50)
    await bench.agent.replies(other.id, "late")
    stand.clock.at += timedelta(seconds=30)
    page = await bench.desk.history(start)
    assert [c.text for c in page.changes if c.kind == "comment"] == ["early"]
    stand.clock.at += timedelta(seconds=40)
    page = await bench.desk.history(page.cursor)
    assert [c.text for c in page.changes] == ["late"]


async def test_what_an_export_hides_for_a_while_is_not_told_again(
    stand: Stand, bench: Bench
) -> None:
    stand.zendesk.export_delay = timedelta(minutes=1)
    ticket = await opened(bench)
    stand.clock.at += timedelta(minutes=5)
    cursor, told = await now(bench.desk), []
    for text in ("first", "second", "third"):
        await bench.agent.replies(ticket.id, text)
        for _ in range(2):
            stand.clock.at += timedelta(seconds=40)
            page = await bench.desk.history(cursor)
            cursor = page.cursor
            told += [c.text for c in page.changes]
    assert told == ["first", "second", "third"]


async def test_a_long_export_comes_in_pages(stand: Stand, bench: Bench) -> None:
    ticket = await opened(bench)
    start = await now(bench.desk)
    for number in range(120):
        await bench.agent.replies(ticket.id, str(number))
    told = await changes_since(bench.desk, start, 50)
    assert [c.text for c in told] == [str(number) for number in range(120)]
    assert not await bench.desk.has_comment(ticket.id, "k"), "all pages of comments are read"


async def test_reports_are_signed_and_old_ones_refused(stand: Stand, bench: Bench) -> None:
    ticket = await opened(bench)
    stand.reports.clear()
    await bench.agent.sets_status(ticket.id, "resolved")
    [(body, headers)] = stand.reports
    sent = {
        "signature": headers["X-Zendesk-Webhook-Signature"],
        "timestamp": headers["X-Zendesk-Webhook-Signature-Timestamp"],
    }
    at = stand.clock.at
    assert is_genuine(body, **sent, secret=SECRET, at=at)
    assert not is_genuine(body + b" ", **sent, secret=SECRET, at=at)
    assert not is_genuine(body, **sent, secret="other", at=at)
    assert not is_genuine(body, **sent, secret="", at=at)
    assert not is_genuine(body, **sent, secret=SECRET, at=at + timedelta(hours=1))
    assert not is_genuine(body, **{**sent, "timestamp": "soon"}, secret=SECRET, at=at)
    assert not is_genuine(body, **{**sent, "signature": "ü"}, secret=SECRET, at=at)
    for timestamp in ("soon", "2026-11-24T10:00:00"):
        signed = base64.b64encode(hmac.digest(SECRET.encode(), timestamp.encode(), "sha256"))
        forged = {"signature": signed.decode(), "timestamp": timestamp}
        assert not is_genuine(b"", **forged, secret=SECRET, at=at), "without a time zone"


async def test_an_address_that_zendesk_refuses_does_not_lose_the_ticket(bench: Bench) -> None:
    made = await opened(bench, requester_email="dana@intranet")
    assert made.requester == COPILOT.email


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"status": "done"}, "status"),
        ({"status": "new"}, "status"),
        ({"priority": "P1"}, "priority"),
        ({"group_id": 1}, "group"),
        ({"external_id": "x" * 256}, "external_id"),
        ({"comment": {"body": "x" * 70_000}}, "comment"),
    ],
)
async def test_the_simulator_refuses_what_zendesk_refuses(
    bench: Bench, values: dict[str, object], field: str
) -> None:
    ticket = await opened(bench)
    assert isinstance(bench.agent, ZendeskAgent)
    await bench.agent.changes(ticket.id, status="open")
    http = bench.agent._caller._http
    answer = await http.put(f"/tickets/{ticket.id}", json={"ticket": values})
    assert (answer.status_code, answer.json()["error"]) == (422, "RecordInvalid")
    assert field in answer.json()["details"]
    recent = await http.get("/incremental/tickets/cursor?start_time=99999999999")
    assert recent.json()["error"] == "StartTimeTooRecent"
    assert (await http.put(f"/tickets/{ticket.id}", content=b"{")).status_code == 400


async def test_placeholders_of_zendesk_are_not_filled_in(bench: Bench) -> None:
    ticket = await opened(bench, body="{{ticket.requester.email}} {% if x %}")
    seen = await bench.agent.sees(ticket.id)
    assert "{{" not in seen
    assert "{%" not in seen


async def test_limits_are_told_with_their_wait(stand: Stand, bench: Bench) -> None:
    stand.zendesk.busy(1, retry_after=42)
    with pytest.raises(TicketSystemUnavailableError) as busy:
        await bench.desk.find("x")
    assert busy.value.retry_after == 42


async def test_a_field_for_links_that_is_not_there_is_named(stand: Stand, bench: Bench) -> None:
    ticket = await opened(bench)
    desk = ZendeskDesk(config(stand, links_field=901))
    assert "no ticket field 901" in " ".join(await desk.problems())
    outcome = await desk.link(ticket.id, "https://wiki.example/1")
    assert isinstance(outcome, Rejected)
    assert "901" in outcome.reason
    await desk.close()


async def test_a_cursor_of_another_system_is_refused(bench: Bench) -> None:
    with pytest.raises(TicketSystemRefusedError, match="Begin anew"):
        await bench.desk.history("4711")


def test_secrets_are_not_shown() -> None:
    shown_config = repr(ZendeskConfig(url="https://corp.zendesk.com", user="c@x.example", token=SecretStr("tell-nobody"), queues={}, links_field=1))  # fmt: skip
    assert "tell-nobody" not in shown_config
