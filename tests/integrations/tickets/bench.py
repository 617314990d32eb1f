"""What the contract of ticket desks is tried on: a desk, its system, and the means to disturb both."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, get_args
from uuid import uuid4

import pytest

from copilot.conversation import AttemptedStep, EmployeeCard, Environment, Evidence, Handoff
from integrations.tickets.port import (
    Applied,
    NewTicket,
    Outcome,
    RemoteStatus,
    RemoteTicket,
    TicketChange,
    TicketDesk,
    Visibility,
)
from tests.faulty_proxy import FaultyProxy, Matches

STATUSES: tuple[RemoteStatus, ...] = get_args(RemoteStatus)
HOSTILE = [
    "o'brien", "' OR 1=1 --", '"; DROP TABLE Tickets; --', "a\\", "a\\'b", "%", "*", "a,b:c|d", "ünï-çødé-日本-🙂",
    "{Correlation-Id}", "id > 0", "<b>x</b>  y",
]  # fmt: skip
UNKNOWN_TICKETS = ["99999999", "0", "-1", "", "../1", "1/comment", "x'y", "1?a=b", "1 OR 1", "٣"]
TEXTS = {
    "long": "0123456789 " * 9_300,
    "newlines": "first\n\n\nsecond\n    indented\n\tand a tab",
    "html": "<script>alert('x')</script> &amp; <b>bold</b> &lt;",
    "markdown": "# no heading\n* no list\n```\ncode\n``` [x](javascript:alert(1)) {noformat}",
    "emoji": "it fails 🙂👩‍💻 every day",
    "right_to_left": "לא עובד \u202eabc\u202c يعمل",
    "percent": "100% of %s and $User and {$Ticket->id} and ${x}",
}
WRONG_TOKEN = "1-14-0123456789abcdef0123456789abcdef"


class Agent(Protocol):
    """A person at the vendor's, with an own account and past our adapter."""

    name: str
    """As the vendor's history names them."""

    async def opens(self, queue: str, title: str) -> str:
        """A ticket that is none of ours; its id."""
        ...

    async def replies(
        self, ticket_id: str, text: str, visibility: Visibility = "public"
    ) -> None: ...

    async def sets_status(self, ticket_id: str, status: RemoteStatus) -> None: ...

    async def moves(self, ticket_id: str, queue: str) -> None: ...

    async def sees(self, ticket_id: str) -> str:
        """Everything that stands on the ticket: title, fields, messages."""
        ...

    async def counts(self, correlation_id: str) -> int:
        """How many tickets of that id there are, counted without our adapter."""
        ...


class MakeDesk(Protocol):
    """A further desk on the same system; it is closed with the bench."""

    def __call__(
        self,
        *,
        url: str | None = None,
        token: str | None = None,
        queues: Mapping[str, str] | None = None,
        statuses: Mapping[RemoteStatus, str] | None = None,
        call_seconds: float | None = None,
    ) -> TicketDesk: ...


@dataclass
class Bench:
    """A desk, its system, and the means to disturb both."""

    desk: TicketDesk
    make_desk: MakeDesk
    agent: Agent
    queues: tuple[str, str]
    """Two that exist, as the company names them."""
    faults: FaultyProxy | None = None
    """`desk` goes through it; `None` where there is no network in between."""
    is_create: Matches = lambda method, path: False
    """Which request makes a ticket."""
    read_as: Mapping[RemoteStatus, RemoteStatus] = field(default_factory=dict)
    """States that the system keeps as another one."""

    @property
    def proxy(self) -> FaultyProxy:
        if self.faults is None:
            pytest.skip(
                f"{self.desk.system} is in this process: there is no network that could fail"
            )
        return self.faults


def an_escalation(correlation_id: str | None = None, **changes: object) -> NewTicket:
    """An escalation with every field filled."""
    handoff = Handoff(
        summary="VPN stops after ten minutes",
        category="vpn",
        subcategory="session_drops",
        priority="P2",
        queue="network",
        reason_code="not_sure",
        employee=EmployeeCard(id="dana.reed", name="Dana Reed", site="Leeds", manager="omar.haddad"),
        environment=Environment(
            device="LT-4711", os="Windows 11 24H2", network="LARK-GUEST", location="Porto",
            app_version="5.1.7", managed=True, application="Cisco Secure Client",
        ),
        attempted_steps=(
            AttemptedStep(step="restarted the client", outcome="failed", source="employee"),
            AttemptedStep(step="used the other gateway", outcome="unclear", source="suggested_by_copilot"),
        ),
        error_messages=("Reconnect failed: 0x8007274C",),
        evidence=(Evidence(article_id="KB-VPN-007", why_not_enough="drops go on after the update"),),
        ruled_out=("wrong password",),
        suggested_next_step="look at the gateway's session log",
        confidence=0.42,
        identity_verified=True,
        missing=("home router model",),
        transcript_url="https://copilot.example/cases/t-1",
        redactions=3,
    )  # fmt: skip
    given = {
        "correlation_id": correlation_id or f"conv-{uuid4()}",
        "title": "VPN stops after ten minutes",
        "body": "Dana's VPN stops. She needs it for the release tonight.",
        "requester_id": "dana.reed",
        "requester_email": "dana.reed@larkfield.example",
        "requester_name": "Dana Reed",
        "queue": "network",
        "priority": "P2",
        "category": "vpn",
        "subcategory": "session_drops",
        "handoff": handoff,
        "thread_url": "https://chat.example/archives/C1/p1",
    }
    return NewTicket.model_validate({**given, **changes})


HANDOFF_VALUES = (
    "VPN stops after ten minutes", "vpn", "session_drops", "P2", "network", "not_sure", "dana.reed", "Dana Reed", "Leeds",
    "omar.haddad", "LT-4711", "Windows 11 24H2", "LARK-GUEST", "Porto", "5.1.7", "Cisco Secure Client",
    "restarted the client", "failed", "used the other gateway", "unclear", "Reconnect failed: 0x8007274C", "KB-VPN-007",
    "drops go on after the update", "wrong password", "look at the gateway's session log", "0.42", "home router model",
    "https://copilot.example/cases/t-1", "https://chat.example/archives/C1/p1",
)  # fmt: skip


def done(outcome: Outcome) -> RemoteTicket:
    assert isinstance(outcome, Applied), outcome
    return outcome.ticket


async def opened(
    bench: Bench, correlation_id: str | None = None, **changes: object
) -> RemoteTicket:
    changes.setdefault("queue", bench.queues[0])
    return done(await bench.desk.create(an_escalation(correlation_id, **changes)))


async def now(desk: TicketDesk) -> str:
    return (await desk.history(None)).cursor


async def changes_since(desk: TicketDesk, cursor: str, limit: int = 100) -> list[TicketChange]:
    """All pages until the last."""
    found: list[TicketChange] = []
    async with asyncio.timeout(60):
        while True:
            page = await desk.history(cursor, limit=limit)
            assert len(page.changes) <= limit
            found += page.changes
            cursor = page.cursor
            if page.is_last:
                return found


def shown(text: str) -> str:
    """Text as people see it: systems differ in how lines end and what stands at their ends."""
    return "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").split("\n")).strip()
