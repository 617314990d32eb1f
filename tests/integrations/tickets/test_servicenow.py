"""The contract of ticket desks on a simulated ServiceNow, and what is ServiceNow's own."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

import pytest
from pydantic import SecretStr

from integrations.sandbox.servicenow import ServiceNow
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
from integrations.tickets.systems.servicenow import ServiceNowConfig, ServiceNowDesk
from tests.faulty_proxy import faulty_proxy
from tests.integrations.tickets.bench import Bench, an_escalation, changes_since, done, now, opened
from tests.integrations.tickets.contract import TicketDeskContract
from tests.integrations.tickets.contract_of_vendors import VendorsAreTakenAtTheirWord
from tests.integrations.tickets.vendors import COPILOT, HUMAN, QUEUES, Caller, TestClock, served

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]
STATUSES: dict[RemoteStatus, str] = {
    "new": "1",
    "open": "2",
    "pending_user": "3:1",
    "pending_vendor": "3:4",
    "resolved": "6",
    "closed": "7",
}
DANA = "dana.reed@larkfield.example"


@dataclass
class Stand:
    """A ServiceNow that runs."""

    servicenow: ServiceNow
    url: str
    clock: TestClock


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    clock = TestClock()
    servicenow = ServiceNow(
        copilot=COPILOT, human=HUMAN, clock=clock, groups=tuple(QUEUES.values()), callers={DANA: "dana.reed"}
    )  # fmt: skip
    async with served(servicenow.site()) as url:
        yield Stand(servicenow, url, clock)


class ServiceNowAgent:
    """A fulfiller."""

    name = HUMAN.login

    def __init__(self, url: str) -> None:
        self._caller = Caller(f"{url}/api/now/table", (HUMAN.login, HUMAN.secret))

    async def rows(self, table: str, query: str) -> list[dict[str, str]]:
        asked = {"sysparm_query": query, "sysparm_exclude_reference_link": "true"}
        found: list[dict[str, str]] = (
            await self._caller.done("GET", f"/{table}", params=asked)
        ).json()["result"]
        return found

    async def opens(self, queue: str, title: str) -> str:
        made = {"short_description": title, "assignment_group": await self._group(queue)}
        answer = await self._caller.done("POST", "/incident", json=made)
        return str(answer.json()["result"]["number"])

    async def changes(self, ticket_id: str, **values: str) -> None:
        [row] = await self.rows("incident", f"number={ticket_id}")
        await self._caller.done("PATCH", f"/incident/{row['sys_id']}", json=values)

    async def replies(self, ticket_id: str, text: str, visibility: Visibility = "public") -> None:
        field = "comments" if visibility == "public" else "work_notes"
        await self.changes(ticket_id, **{field: text})

    async def sets_status(self, ticket_id: str, status: RemoteStatus) -> None:
        state, _, reason = STATUSES[status].partition(":")
        end = {"close_code": "Solution provided", "close_notes": "cable"} if state in "67" else {}
        await self.changes(ticket_id, state=state, hold_reason=reason, **end)

    async def moves(self, ticket_id: str, queue: str) -> None:
        await self.changes(ticket_id, assignment_group=await self._group(queue))

    async def sees(self, ticket_id: str) -> str:
        [row] = await self.rows("incident", f"number={ticket_id}")
        journal = await self.rows("sys_journal_field", f"element_id={row['sys_id']}")
        return "\n".join([*row.values(), *(one["value"] for one in journal)])

    async def counts(self, correlation_id: str) -> int:
        every = await self.rows("incident", "")
        return [one["correlation_id"] for one in every].count(plain(correlation_id))

    async def _group(self, queue: str) -> str:
        every = await self.rows("sys_user_group", "")
        return next(one["sys_id"] for one in every if one["name"] == QUEUES[queue])

    async def close(self) -> None:
        await self._caller.close()


def config(stand: Stand, **changes: object) -> ServiceNowConfig:
    given = {
        "url": stand.url,
        "web_url": stand.url,
        "user": COPILOT.login,
        "password": COPILOT.secret,
        "queues": QUEUES,
    }
    return ServiceNowConfig.model_validate({**given, **changes})


@pytest.fixture
async def bench(stand: Stand) -> AsyncIterator[Bench]:
    desks: list[TicketDesk] = []
    agent = ServiceNowAgent(stand.url)
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
                password=SecretStr(token or COPILOT.secret),
                queues=queues or QUEUES,
                statuses=statuses or STATUSES,
                call_seconds=call_seconds or 20,
            )
            desks.append(ServiceNowDesk(made))
            return desks[-1]

        yield Bench(
            desk=make_desk(),
            make_desk=make_desk,
            agent=agent,
            queues=("network", "printing"),
            faults=proxy,
            is_create=lambda method, path: (method, path) == ("POST", "/api/now/table/incident"),
        )
        for desk in desks:
            await desk.close()
    await agent.close()


class TestServiceNow(TicketDeskContract, VendorsAreTakenAtTheirWord):
    pass


def fulfiller(bench: Bench) -> ServiceNowAgent:
    assert isinstance(bench.agent, ServiceNowAgent)
    return bench.agent


async def test_a_group_with_an_operator_in_its_name_is_found(bench: Bench) -> None:
    assert (await opened(bench, queue="printing")).queue == "printing"


async def test_nothing_is_run_as_a_script_of_a_query(bench: Bench) -> None:
    mine = "javascript:gs.log('x')"
    assert await bench.desk.find(mine) is None
    made = await opened(bench, mine)
    found = await bench.desk.find(mine)
    assert found is not None
    assert (found.id, found.correlation_id) == (made.id, mine)
    with pytest.raises(TicketSystemRefusedError, match="script"):
        await bench.make_desk(queues={"network": "javascript:x"}).create(an_escalation())


async def test_an_empty_id_finds_no_ticket_of_others(bench: Bench) -> None:
    await bench.agent.opens("network", "none of ours")
    assert await bench.desk.find("") is None
    assert isinstance(await bench.desk.create(an_escalation(" " * 200)), Rejected)


async def test_the_employee_is_the_caller_where_servicenow_knows_them(bench: Bench) -> None:
    assert (await opened(bench, requester_email=DANA.upper())).requester == DANA
    assert (await opened(bench, requester_email="nobody@larkfield.example")).requester is None


async def test_a_long_handoff_is_whole_in_the_notes(bench: Bench) -> None:
    ticket = await opened(bench, body="line\n" * 3_000 + "the end")
    [row] = await fulfiller(bench).rows("incident", f"number={ticket.id}")
    assert row["description"].endswith("[cut here: the rest is in the conversation]")
    assert (await bench.agent.sees(ticket.id)).rstrip().endswith("the end")


async def test_html_of_a_note_stays_text(bench: Bench) -> None:
    ticket = await opened(bench, body="[code]<script>alert(1)</script>[/CODE]")
    seen = await bench.agent.sees(ticket.id)
    assert "[code]" not in seen
    assert "[/CODE]" not in seen


async def test_priority_is_looked_up_from_impact_and_urgency(bench: Bench) -> None:
    for priority, theirs in (("P1", "1"), ("P2", "2"), ("P3", "3"), ("P4", "5")):
        ticket = await opened(bench, priority=priority)
        [row] = await fulfiller(bench).rows("incident", f"number={ticket.id}")
        assert (row["priority"], ticket.priority) == (theirs, priority)


async def test_a_resolution_says_how(bench: Bench) -> None:
    ticket = await opened(bench)
    done(await bench.desk.set_status(ticket.id, "resolved"))
    [row] = await fulfiller(bench).rows("incident", f"number={ticket.id}")
    assert (row["close_code"], row["close_notes"]) == (
        "Solution provided",
        "Resolved through the IT copilot.",
    )


async def test_what_was_changed_meanwhile_is_a_conflict(bench: Bench) -> None:
    ticket = await opened(bench)
    await bench.agent.replies(ticket.id, "I am on it", "internal")
    outcome = await bench.desk.set_status(ticket.id, "resolved", version=ticket.version)
    assert isinstance(outcome, Conflict)
    done(await bench.desk.set_status(ticket.id, "resolved", version=outcome.version))


async def test_another_reason_for_being_on_hold_is_a_change_of_state(
    stand: Stand, bench: Bench
) -> None:
    ticket = await opened(bench)
    start = await now(bench.desk)
    await bench.agent.sets_status(ticket.id, "pending_user")
    await bench.agent.sets_status(ticket.id, "pending_vendor")
    await fulfiller(bench).changes(ticket.id, state="3", hold_reason="3")
    stand.servicenow.run_script(ticket.id, {"state": "2"})
    told = await changes_since(bench.desk, start)
    assert [(c.old, c.new, c.actor_is_system) for c in told if c.kind == "status"] == [
        ("new", "pending_user", False),
        ("pending_user", "pending_vendor", False),
        ("pending_vendor", "pending_user", False),
        ("pending_user", "open", True),
    ]


async def test_changes_within_one_second_are_told_once_each(stand: Stand, bench: Bench) -> None:
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


async def test_many_incidents_are_asked_for_in_parts(bench: Bench) -> None:
    start = await now(bench.desk)
    made = [(await opened(bench)).id for _ in range(55)]
    told = await changes_since(bench.desk, start)
    assert sorted(c.ticket_id for c in told if c.kind == "created") == sorted(made)


async def test_what_the_platform_leaves_out_is_rejected(stand: Stand, bench: Bench) -> None:
    ticket = await opened(bench)
    desk = ServiceNowDesk(config(stand, links_field="u_nope", close_code=""))
    outcome = await desk.link(ticket.id, "https://wiki.example/1")
    assert isinstance(outcome, Rejected)
    assert "u_nope" in outcome.reason
    outcome = await desk.set_status(ticket.id, "resolved")
    assert isinstance(outcome, Rejected)
    assert "Resolution code" in outcome.reason
    assert "u_nope" in " ".join(await desk.problems())
    await desk.close()


async def test_a_note_that_is_left_out_is_rejected(stand: Stand, bench: Bench) -> None:
    ticket = await opened(bench)
    stand.servicenow.journals = False
    outcome = await bench.desk.comment(ticket.id, "hello", visibility="internal", key="k")
    assert isinstance(outcome, Rejected)
    assert "work_notes" in outcome.reason


async def test_an_audit_that_may_not_be_read_is_named(stand: Stand, bench: Bench) -> None:
    stand.servicenow.audits = False
    assert "sys_audit" in " ".join(await bench.desk.problems())
    with pytest.raises(TicketSystemRefusedError, match="rights"):
        await bench.desk.history(None)


async def test_limits_are_told_with_their_wait(stand: Stand, bench: Bench) -> None:
    stand.servicenow.busy(1, retry_after=42)
    with pytest.raises(TicketSystemUnavailableError) as busy:
        await bench.desk.find("x")
    assert busy.value.retry_after == 42


async def test_the_simulator_has_the_traps_of_the_platform(bench: Bench) -> None:
    await opened(bench)
    agent = fulfiller(bench)
    every = await agent.rows("incident", "")
    assert await agent.rows("incident", "no_such_column=x") == every
    assert await agent.rows("incident", "number=x") == []
    assert await agent.rows("incident", "number=x^^state=1") == [], "no way to write an operator"
    answer = await agent._caller._http.get("/no_such_table")
    assert answer.json()["error"]["message"] == "Invalid table no_such_table"
    answer = await agent._caller._http.get(f"/incident/{'0' * 32}")
    assert (answer.status_code, answer.json()["error"]["message"]) == (404, "No Record found")


def test_secrets_are_not_shown() -> None:
    made = ServiceNowConfig(url="https://corp.service-now.com", user="copilot", password=SecretStr("tell-nobody"), queues={})  # fmt: skip
    assert "tell-nobody" not in repr(made)
