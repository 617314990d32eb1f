"""The contract of ticket desks on a simulated Jira Service Management, and what is Jira's own."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

import pytest
from pydantic import SecretStr

from integrations.sandbox.jira import DESK, QUEUE_FIELD, REQUEST_TYPE, Jira
from integrations.sandbox.vendor import Account
from integrations.tickets.once import deliver_once
from integrations.tickets.port import (
    Applied,
    Conflict,
    Rejected,
    RemoteStatus,
    TicketDesk,
    TicketSystemRefusedError,
    TicketSystemUnavailableError,
    Unknown,
    Visibility,
)
from integrations.tickets.systems.jira import JiraDesk
from integrations.tickets.systems.jira_config import JiraConfig
from integrations.tickets.systems.plain_id import plain
from tests.faulty_proxy import CUT_AFTER, PASS, answered, faulty_proxy
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
STATUSES: dict[RemoteStatus, str] = {
    "new": "Waiting for support",
    "open": "In progress",
    "pending_user": "Waiting for customer",
    "pending_vendor": "Pending",
    "resolved": "Resolved",
    "closed": "Closed",
}
DANA = Account("", "", "Dana Reed", "13", "dana.reed@larkfield.example")
SHORT = {name: text for name, text in TEXTS.items() if name != "long"}


@dataclass
class Stand:
    """A Jira that runs."""

    jira: Jira
    url: str
    clock: TestClock


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    clock = TestClock()
    jira = Jira(copilot=COPILOT, human=HUMAN, clock=clock, groups=tuple(QUEUES.values()), customers=(DANA,))  # fmt: skip
    async with served(jira.site()) as url:
        yield Stand(jira, url, clock)


class JiraAgent:
    """A person in Jira."""

    name = HUMAN.name

    def __init__(self, url: str) -> None:
        self._caller = Caller(f"{url}/rest", (HUMAN.login, HUMAN.secret))

    async def opens(self, queue: str, title: str) -> str:
        values = {"summary": title, QUEUE_FIELD: {"value": QUEUES[queue]}}
        made = {"serviceDeskId": DESK, "requestTypeId": REQUEST_TYPE, "requestFieldValues": values}
        answer = await self._caller.done("POST", "/servicedeskapi/request", json=made)
        return str(answer.json()["issueKey"])

    async def replies(self, ticket_id: str, text: str, visibility: Visibility = "public") -> None:
        wanted = {"body": text, "public": visibility == "public"}
        path = f"/servicedeskapi/request/{ticket_id}/comment"
        await self._caller.done("POST", path, json=wanted)

    async def sets_status(self, ticket_id: str, status: RemoteStatus) -> None:
        path = f"/api/3/issue/{ticket_id}/transitions"
        ways = (await self._caller.done("GET", path)).json()["transitions"]
        [way] = [one for one in ways if one["to"]["name"] == STATUSES[status]]
        wanted = {"transition": {"id": way["id"]}, "fields": {"resolution": {"name": "Done"}}}
        await self._caller.done("POST", path, json=wanted)

    async def edits(self, ticket_id: str, **fields: object) -> None:
        await self._caller.done("PUT", f"/api/3/issue/{ticket_id}", json={"fields": fields})

    async def moves(self, ticket_id: str, queue: str) -> None:
        await self.edits(ticket_id, **{QUEUE_FIELD: {"value": QUEUES[queue]}})

    async def fields(self, ticket_id: str) -> dict[str, object]:
        issue = (await self._caller.done("GET", f"/api/3/issue/{ticket_id}")).json()
        fields: dict[str, object] = issue["fields"]
        return fields

    async def sees(self, ticket_id: str) -> str:
        fields = await self.fields(ticket_id)
        path = f"/servicedeskapi/request/{ticket_id}/comment"
        comments = (await self._caller.done("GET", path)).json()["values"]
        texts = (one["body"] for one in comments)
        return "\n".join([str(fields["summary"]), str(fields["description"]), *texts])

    async def counts(self, correlation_id: str) -> int:
        jql = f'labels = "it-copilot-{plain(correlation_id)}"'
        found = await self._caller.done("GET", "/api/3/search/jql", params={"jql": jql})
        return len(found.json()["issues"])

    async def close(self) -> None:
        await self._caller.close()


def config(stand: Stand, **changes: object) -> JiraConfig:
    given = {
        "url": stand.url,
        "web_url": stand.url,
        "user": COPILOT.login,
        "token": COPILOT.secret,
        "service_desk": DESK,
        "request_type": REQUEST_TYPE,
        "queue_field": QUEUE_FIELD,
        "queues": QUEUES,
    }
    return JiraConfig.model_validate({**given, **changes})


@pytest.fixture
async def bench(stand: Stand) -> AsyncIterator[Bench]:
    desks: list[TicketDesk] = []
    agent = JiraAgent(stand.url)
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
            desks.append(JiraDesk(made))
            return desks[-1]

        yield Bench(
            desk=make_desk(),
            make_desk=make_desk,
            agent=agent,
            queues=("network", "printing"),
            faults=proxy,
            is_create=lambda method, path: (
                (method, path) == ("POST", "/rest/servicedeskapi/request")
            ),
        )
        for desk in desks:
            await desk.close()
    await agent.close()


class TestJira(TicketDeskContract, VendorsAreTakenAtTheirWord):
    @pytest.mark.parametrize("text", SHORT.values(), ids=SHORT.keys())
    async def test_text_arrives_unchanged(self, bench: Bench, text: str) -> None:
        """A description holds 32 767 characters: what is longer has a test of its own."""
        ticket = await opened(bench, body=text)
        assert shown(text) in shown(await bench.agent.sees(ticket.id))


def agent_of(bench: Bench) -> JiraAgent:
    assert isinstance(bench.agent, JiraAgent)
    return bench.agent


def is_transition(method: str, path: str) -> bool:
    return method == "POST" and path.endswith("/transitions")


async def test_a_text_that_is_too_long_is_cut_and_says_so(bench: Bench) -> None:
    ticket = await opened(bench, body="ünï " * 40_000)
    seen = await bench.agent.sees(ticket.id)
    assert "Conversation: https://chat.example" in seen, "the parts come first"
    assert seen.rstrip().endswith("[cut here: the rest is in the conversation]")
    done(await bench.desk.comment(ticket.id, "é" * 70_000, visibility="public", key="k"))
    assert await bench.desk.has_comment(ticket.id, "k")


async def test_a_state_is_reached_through_others_where_the_workflow_wants_it(bench: Bench) -> None:
    ticket = await opened(bench)
    start = await now(bench.desk)
    assert done(await bench.desk.set_status(ticket.id, "closed")).status == "closed"
    assert (await agent_of(bench).fields(ticket.id))["status"] == {"name": "Closed"}
    assert done(await bench.desk.set_status(ticket.id, "pending_user")).status == "pending_user"
    told = [c.new for c in await changes_since(bench.desk, start) if c.kind == "status"]
    assert told == ["resolved", "closed", "new", "pending_user"]


async def test_a_walk_that_is_cut_off_is_not_told_as_nothing(bench: Bench) -> None:
    ticket = await opened(bench)
    # The second look at the transitions comes after the first of them was made.
    seen = lambda method, path: method == "GET" and path.partition("?")[0].endswith("/transitions")  # noqa: E731
    bench.proxy.plan(PASS, answered(503), when=seen)
    outcome = await bench.desk.set_status(ticket.id, "closed")
    assert isinstance(outcome, Unknown)
    assert "Resolved" in outcome.reason
    done(await bench.desk.set_status(ticket.id, "closed"))


async def test_a_workflow_that_does_not_lead_there_is_told(stand: Stand, bench: Bench) -> None:
    desk = JiraDesk(config(stand, through={}))
    ticket = await opened(bench)
    outcome = await desk.set_status(ticket.id, "closed")
    assert isinstance(outcome, Rejected)
    assert "from 'Waiting for support' to 'Closed'" in outcome.reason
    await desk.close()


async def test_a_lost_transition_is_unknown(bench: Bench) -> None:
    ticket = await opened(bench)
    bench.proxy.plan(CUT_AFTER, when=is_transition)
    assert isinstance(await bench.desk.set_status(ticket.id, "resolved"), Unknown)
    done(await bench.desk.set_status(ticket.id, "resolved"))


async def test_what_was_changed_meanwhile_is_a_conflict(bench: Bench) -> None:
    ticket = await opened(bench)
    await bench.agent.replies(ticket.id, "I am on it")
    for outcome in (
        await bench.desk.set_status(ticket.id, "resolved", version=ticket.version),
        await bench.desk.move(ticket.id, "printing", version=ticket.version),
    ):
        assert isinstance(outcome, Conflict)
    assert isinstance(outcome, Conflict)
    done(await bench.desk.move(ticket.id, "printing", version=outcome.version))


async def test_the_employee_is_the_reporter_where_jira_knows_them(bench: Bench) -> None:
    assert (await opened(bench, requester_email=DANA.email.upper())).requester == DANA.email
    unknown = await opened(bench, requester_email="nobody@larkfield.example")
    assert unknown.requester == COPILOT.email


async def test_who_may_not_be_raised_for_does_not_lose_the_ticket(bench: Bench) -> None:
    bench.proxy.plan(answered(400), when=bench.is_create)
    made = await opened(bench, requester_email=DANA.email)
    assert made.requester == COPILOT.email


async def test_a_search_that_is_late_finds_a_lost_ticket_in_the_end(
    stand: Stand, bench: Bench
) -> None:
    stand.jira.index_delay = timedelta(seconds=30)
    ticket = an_escalation()
    bench.proxy.plan(CUT_AFTER, when=bench.is_create)

    async def sleep(seconds: float) -> None:
        stand.clock.at += timedelta(seconds=seconds)

    outcome = await deliver_once(bench.desk, ticket, tries=3, look_seconds=(1, 5, 15, 30), sleep=sleep)  # fmt: skip
    assert isinstance(outcome, Applied)
    assert await bench.agent.counts(ticket.correlation_id) == 1


async def test_what_the_search_sees_late_is_told_late(stand: Stand, bench: Bench) -> None:
    ticket, other = await opened(bench), await opened(bench)
    stand.clock.at += timedelta(minutes=10)
    start = await now(bench.desk)
    await bench.agent.replies(ticket.id, "seen")
    stand.clock.at += timedelta(seconds=20)
    stand.jira.index_delay = timedelta(seconds=10)
    await bench.agent.replies(other.id, "too late")
    stand.clock.at += timedelta(seconds=1)
    page = await bench.desk.history(start)
    stand.clock.at += timedelta(seconds=60)
    more = await changes_since(bench.desk, page.cursor)
    assert [c.text for c in page.changes] == ["seen"]
    assert [c.text for c in more] == ["too late"]


async def test_changes_within_one_moment_are_told_once_each(stand: Stand, bench: Bench) -> None:
    ticket, other = await opened(bench), await opened(bench)
    stand.clock.step = timedelta(0)
    start = await now(bench.desk)
    for number in range(3):
        await bench.agent.replies(ticket.id, f"a{number}")
        await bench.agent.replies(other.id, f"b{number}")
        await bench.agent.sets_status(ticket.id, "open" if number % 2 else "pending_user")
    first = await bench.desk.history(start, limit=4)
    assert not first.is_last
    await bench.agent.replies(ticket.id, "a3")
    told = [*first.changes, *await changes_since(bench.desk, first.cursor, 2)]
    texts = sorted(c.text for c in told if c.text)
    assert texts == ["a0", "a1", "a2", "a3", "b0", "b1", "b2"]
    assert [c.new for c in told if c.kind == "status"] == ["pending_user", "open", "pending_user"]
    assert len({c.event_id for c in told}) == len(told) == 10


async def test_long_lists_come_in_pages(bench: Bench) -> None:
    start = await now(bench.desk)
    made = [(await opened(bench)).id for _ in range(52)]
    for number in range(55):
        await bench.agent.replies(made[0], str(number))
        await agent_of(bench).edits(made[0], summary=f"title {number}")
    for _ in range(25):
        await bench.agent.sets_status(made[0], "open")
        await bench.agent.sets_status(made[0], "pending_user")
    told = await changes_since(bench.desk, start)
    assert sorted(c.ticket_id for c in told if c.kind == "created") == sorted(made)
    assert [c.text for c in told if c.kind == "comment"] == [str(number) for number in range(55)]
    assert [c.new for c in told if c.kind == "status"] == ["open", "pending_user"] * 25
    assert not await bench.desk.has_comment(made[0], "k")


async def test_nobody_is_called_in_by_what_was_typed(bench: Bench) -> None:
    ticket = await opened(bench, body="[~accountid:5b10a2844c20165700ede21g] look")
    assert "[~" not in await bench.agent.sees(ticket.id)


async def test_a_form_without_labels_is_named_before_a_request_is_made(bench: Bench) -> None:
    jira = Jira(copilot=COPILOT, clock=TestClock(), groups=("Desk",), fields=("summary", "description", QUEUE_FIELD))  # fmt: skip
    async with served(jira.site()) as url:
        desk = JiraDesk(config(Stand(jira, url, TestClock())))
        assert "no field 'labels'" in " ".join(await desk.problems())
        with pytest.raises(TicketSystemRefusedError, match="no field 'labels'"):
            await desk.create(an_escalation())
        assert ("POST", "/rest/servicedeskapi/request") not in jira.door.calls
        await desk.close()
        wrong = JiraDesk(config(Stand(jira, url, TestClock()), request_type="1"))
        assert "request type 1" in " ".join(await wrong.problems())
        await wrong.close()


async def test_limits_are_told_with_their_wait(stand: Stand, bench: Bench) -> None:
    stand.jira.busy(1, retry_after=42)
    with pytest.raises(TicketSystemUnavailableError) as busy:
        await bench.desk.find("x")
    assert busy.value.retry_after == 42


async def test_the_simulator_has_the_traps_of_the_product(bench: Bench) -> None:
    ticket = await opened(bench)
    http = agent_of(bench)._caller._http
    unbounded = await http.get("/api/3/search/jql", params={"jql": "ORDER BY updated"})
    assert unbounded.status_code == 400
    edited = await http.put(f"/api/3/issue/{ticket.id}", json={"fields": {"status": {"name": "Closed"}}})  # fmt: skip
    assert "cannot be set" in edited.json()["errors"]["status"]
    nowhere = await http.post(f"/api/3/issue/{ticket.id}/transitions", json={"transition": {"id": "999"}})  # fmt: skip
    assert nowhere.status_code == 400
    bare = await http.post("/servicedeskapi/request", json={"serviceDeskId": DESK, "requestTypeId": REQUEST_TYPE})  # fmt: skip
    assert "Summary" in bare.json()["errorMessage"]


@pytest.mark.parametrize(
    "values",
    [
        {"labels": ["two words"]},
        {QUEUE_FIELD: {"value": "nobody"}},
        {"priority": {"name": "P1"}},
        {"summary": "two\nlines"},
        {"description": "x" * 32_768},
        {"customfield_1": "x"},
    ],
)
async def test_the_simulator_refuses_what_jira_refuses(
    bench: Bench, values: dict[str, object]
) -> None:
    ticket = await opened(bench)
    http = agent_of(bench)._caller._http
    edited = await http.put(f"/api/3/issue/{ticket.id}", json={"fields": values})
    assert edited.status_code == 400
    assert list(edited.json()["errors"]) == list(values)
    wanted = {"serviceDeskId": DESK, "requestTypeId": REQUEST_TYPE, "requestFieldValues": {"summary": "x", **values}}  # fmt: skip
    made = await http.post("/servicedeskapi/request", json=wanted)
    assert (made.status_code, "errorMessage" in made.json()) == (400, True)
    stranger = {**wanted, "requestFieldValues": {"summary": "x"}, "raiseOnBehalfOf": "0"}
    assert "raiseOnBehalfOf" in (await http.post("/servicedeskapi/request", json=stranger)).text
    way = {"transition": {"id": "15"}}
    resolved = await http.post(f"/api/3/issue/{ticket.id}/transitions", json=way)
    assert resolved.json()["errors"] == {"resolution": "Resolution is required."}


async def test_a_type_of_links_that_is_not_there_is_rejected(stand: Stand, bench: Bench) -> None:
    ticket, other = await opened(bench), await opened(bench)
    desk = JiraDesk(config(stand, link_type="Depends"))
    outcome = await desk.link(ticket.id, other.id)
    assert isinstance(outcome, Rejected)
    assert "Depends" in outcome.reason
    await desk.close()


def test_secrets_are_not_shown() -> None:
    made = JiraConfig(
        url="https://corp.atlassian.net", user="c@x.example", token=SecretStr("tell-nobody"), service_desk="1",
        request_type="2", queue_field="customfield_1", queues={},
    )  # fmt: skip
    assert "tell-nobody" not in repr(made)
