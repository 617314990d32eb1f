"""Values that the tests of the store and the desk share."""

from datetime import UTC, datetime

from copilot.conversation import (
    EmployeeCard,
    Environment,
    Feedback,
    Handoff,
    Inquiry,
    PolicyOutcome,
    Priority,
    Reply,
    TicketRef,
    Versions,
)
from copilot.record import TurnRecord

AT = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
VERSIONS = Versions(code="1", knowledge="k", policy="p", prompts="t", model="deterministic")
PERMIT = PolicyOutcome(effect="permit", policy_version="p")
TICKET = TicketRef(system="desk", id="T-2026-000001", url=None, queue="network", status="open")


def an_inquiry(
    name: str = "i1",
    *,
    text: str = "vpn down",
    user: str = "dana.reed",
    thread: str | None = None,
    at: datetime = AT,
) -> Inquiry:
    return Inquiry(id=name, text=text, user=user, thread=thread, at=at)


def a_handoff(
    summary: str = "VPN stops", *, queue: str = "network", priority: Priority = "P3"
) -> Handoff:
    return Handoff(
        summary=summary,
        category="vpn",
        subcategory="session_drops",
        priority=priority,
        queue=queue,
        reason_code="not_sure",
        employee=EmployeeCard(id="dana.reed", name="Dana Reed"),
        environment=Environment(),
        confidence=0.4,
    )


def a_reply(
    thread_id: str,
    name: str = "i1",
    *,
    text: str = "Do this.",
    category: str | None = "vpn",
    subcategory: str | None = "session_drops",
    ticket: TicketRef | None = None,
    resolved: bool | None = None,
) -> Reply:
    return Reply(
        inquiry_id=name,
        thread_id=thread_id,
        disposition="escalate" if ticket else "answer",
        text=text,
        language="en",
        category=category,
        subcategory=subcategory,
        policy=PERMIT,
        handoff=a_handoff() if ticket else None,
        ticket=ticket,
        resolved=resolved,
        versions=VERSIONS,
    )


def a_record(thread_id: str, name: str = "i1", *, user: str = "dana.reed") -> TurnRecord:
    return TurnRecord(
        inquiry_id=name,
        thread_id=thread_id,
        user=user,
        channel="api",
        at=AT,
        language="en",
        author="deterministic/1",
        signals={"act": "problem", "sure": 0.5},
        decision=PERMIT,
        versions=VERSIONS,
    )


def a_feedback(
    verdict: str, name: str = "i1", *, user: str = "dana.reed", at: datetime | None = AT
) -> Feedback:
    return Feedback.model_validate({"inquiry_id": name, "user": user, "verdict": verdict, "at": at})
