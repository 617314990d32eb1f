"""When a part fails: the employee is told, a person gets the case, nothing is guessed. Pure."""

from copilot.company import CompanyFacts
from copilot.conversation import (
    Environment,
    Handoff,
    PolicyOutcome,
    Reply,
    TicketRef,
    Versions,
)
from copilot.handoff import card_of, posture_of
from copilot.prompts.phrases import phrases, spoken
from copilot.state import Asked

REASON = "outage"
PENDING = "pending"
"""Status and id of a ticket that the desk has not taken yet; it is opened when the desk is back."""
_NEXT_STEP = "Read the message and contact the employee; check the copilot's log for the failure."
_WHO_FIRST = (
    "The directory could not be asked, so only the signed-in id is known: find out who this is and "
    "verify it before anything else."
)


def handoff(asked: Asked, company: CompanyFacts) -> Handoff:
    """What is known without having understood anything: who, when, and their own words."""
    person, computer = asked.person, asked.person.computer
    environment = Environment(
        device=computer.name if computer else None,
        managed=computer.managed if computer else None,
        posture=posture_of(computer) if computer else None,
    )
    said = " ".join(asked.inquiry.text.split())[:400]
    return Handoff(
        summary=f'The copilot could not read this message. {person.name} wrote: "{said}"',
        category=None,
        subcategory=None,
        priority="P2",
        queue=company.default_queue,
        reason_code=REASON,
        employee=card_of(person),
        environment=environment,
        suggested_next_step=_NEXT_STEP if person.is_known else _WHO_FIRST,
        confidence=0.0,
        identity_verified=person.active,
        missing=("category", "subcategory", "attempted_steps", *_unknown(environment)),
        transcript_url=f"/cases/threads/{asked.thread_id}",
        redactions=asked.redactions,
    )


def reply(
    asked: Asked,
    filled: Handoff,
    ticket: TicketRef | None,
    company: CompanyFacts,
    versions: Versions,
) -> Reply:
    """Tell the employee. Without a ticket desk the case waits in the record and is opened later."""
    say = phrases(asked.person.language or "en")
    taken = ticket or TicketRef(
        system=PENDING, id=PENDING, url=None, queue=filled.queue, status=PENDING
    )
    text = (
        say.say(
            "outage",
            queue=taken.queue,
            ticket=taken.id,
            sla=say.duration(company.sla.get(filled.priority, "")),
        )
        if ticket
        else say.say("outage_plain", numbers=company.hotline_text())
    )
    return Reply(
        inquiry_id=asked.inquiry.id,
        thread_id=asked.thread_id,
        disposition="escalate",
        text=text,
        language=say.language if say.language in spoken() else "en",
        action_type="escalation",
        policy=PolicyOutcome(
            effect="escalate",
            rules=(REASON,),
            reason="A part of the copilot failed.",
            policy_version=versions.policy,
        ),
        handoff=filled,
        ticket=taken,
        versions=versions,
    )


def _unknown(environment: Environment) -> tuple[str, ...]:
    return tuple(f"environment.{k}" for k, v in environment.model_dump().items() if v is None)
