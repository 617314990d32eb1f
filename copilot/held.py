"""While an agent has the case: the employee's words go to the agent, and the copilot is silent. Pure."""

from copilot.conversation import PolicyOutcome, Reply, Versions
from copilot.prompts.phrases import phrases, spoken
from copilot.record import Held
from copilot.state import Asked

RULE = "held_by_agent"


def reply(asked: Asked, case: Held, agent: str, versions: Versions) -> Reply:
    """A receipt, no answer: who has the case and that the words got there. `agent` is a name."""
    say, filled = phrases(asked.person.language or "en"), case.handoff
    return Reply(
        inquiry_id=asked.inquiry.id,
        thread_id=asked.thread_id,
        disposition="escalate",
        text=say.say("held", agent=agent, ticket=case.ticket.id),
        language=say.language if say.language in spoken() else "en",
        category=filled.category,
        subcategory=filled.subcategory,
        action_type="escalation",
        policy=PolicyOutcome(
            effect="escalate",
            rules=(RULE,),
            reason="A person has the case.",
            policy_version=versions.policy,
        ),
        handoff=filled,
        ticket=case.ticket,
        versions=versions,
    )
