"""While an agent has the case: the employee's words go to the agent, and the copilot is silent. Pure."""

from copilot.conversation import Handoff, PolicyOutcome, Reply, TicketRef, Versions
from copilot.prompts.phrases import phrases, spoken
from copilot.state import Asked

RULE = "held_by_agent"


def reply(
    asked: Asked, agent: str, filled: Handoff, ticket: TicketRef, language: str, versions: Versions
) -> Reply:
    """A receipt, no answer: who has the case and that the words got there. `agent` is a name."""
    say = phrases(language)
    return Reply(
        inquiry_id=asked.inquiry.id,
        thread_id=asked.thread_id,
        disposition="escalate",
        text=say.say("held", agent=agent, ticket=ticket.id),
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
        ticket=ticket,
        versions=versions,
    )
