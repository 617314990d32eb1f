"""What would be decided about a message: read and decided as in a turn, and recorded nowhere."""

from dataclasses import dataclass

from copilot.company import CompanyFacts
from copilot.conversation import Inquiry
from copilot.gate import policy_request
from copilot.nodes import Reading, SecondReading
from copilot.ports import Directory, Journal, Policy
from copilot.service import known_person, with_past
from copilot.state import Asked, Memory
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
    reader: Reading,
    policy: Policy,
    journal: Journal,
    directory: Directory,
    redactor: Redactor,
    company: CompanyFacts,
    second: SecondReading | None = None,
) -> Explanation:
    """Explain a message that opens a conversation. Reads the record and writes nothing.

    Raises `UnknownUserError`, `DirectoryUnavailableError` when nobody can say who asks, and
    `StoreUnavailableError` when the record can't be read.
    """
    person = await known_person(inquiry.user, directory)
    redacted = redactor.redact(inquiry.text)
    clean = inquiry.model_copy(update={"text": redacted.text or "[removed]"})
    asked = Asked(inquiry=clean, thread_id="", person=person, redactions=redacted.count)
    asked = await with_past(asked, journal, company, first=True)
    read = reader.read(clean.text, language=person.language or "en")
    if second is not None:
        read = await second.add(read)
    request = policy_request(asked, Memory(), read, company)
    return Explanation(read, request, policy.decide(request), redacted.count)
