"""What would be decided about a message: read and decided as in a turn, and recorded nowhere."""

from dataclasses import dataclass

from copilot.company import CompanyFacts
from copilot.conversation import Inquiry
from copilot.nodes import Nodes
from copilot.ports import Directory, Journal
from copilot.service import known_person, with_past
from copilot.state import Asked, TurnState
from copilot.understanding.message import Understanding
from policies.model import Decision, PolicyRequest
from policies.redaction import Redactor


@dataclass(frozen=True, slots=True)
class Explanation:
    """What was read, what the policies were asked, and what they decided."""

    understanding: Understanding
    request: PolicyRequest
    decision: Decision
    redactions: int


async def explain(
    inquiry: Inquiry,
    *,
    nodes: Nodes,
    journal: Journal,
    directory: Directory,
    redactor: Redactor,
    company: CompanyFacts,
) -> Explanation:
    """Explain a message that opens a conversation. Reads the record and writes nothing.

    Raises `UnknownUserError`, and `StoreUnavailableError` when the record can't be read.
    """
    person = known_person(inquiry.user, directory)
    redacted = redactor.redact(inquiry.text)
    clean = inquiry.model_copy(update={"text": redacted.text or "[removed]"})
    asked = Asked(inquiry=clean, thread_id="", person=person, redactions=redacted.count)
    asked = await with_past(asked, journal, company, first=True)
    state = TurnState(asked=asked)
    state |= await nodes.understand(state)
    state |= await nodes.gate(state)
    return Explanation(state["understanding"], state["request"], state["decision"], redacted.count)
