"""Replies and handoffs as every door shows them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from copilot.company import CompanyFacts
from copilot.conversation import Citation, Handoff, Reply
from copilot.held import RULE as HELD
from copilot.record import ThreadSummary
from integrations.shown.text import Block, blocks

_NAMES = {"os": "system"}
_STATES = {"in_progress": "in progress"}


@dataclass(frozen=True, slots=True)
class Source:
    """One article with the passages that were quoted from it."""

    article_id: str
    title: str
    reviewed_on: str
    version: str
    quotes: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class ReplyCard:
    """A reply as the page shows it."""

    reply: Reply
    blocks: Sequence[Block]
    sources: tuple[Source, ...]
    outcome: str | None = None

    @property
    def id(self) -> str:
        return self.reply.inquiry_id

    @property
    def is_receipt(self) -> bool:
        """Whether it only says that an agent has the case and got the words."""
        return self.reply.policy.rules == (HELD,)

    @property
    def asks_for_outcome(self) -> bool:
        """Whether the buttons make sense: something was answered, or a case is open."""
        return self.reply.disposition in ("answer", "escalate") and self.reply.resolved is not True


def reply_card(reply: Reply, outcome: str | None = None) -> ReplyCard:
    """The sources are shown by themselves."""
    return ReplyCard(
        reply, blocks(text_without_sources(reply)), sources_of(reply.citations), outcome
    )


def text_without_sources(reply: Reply) -> str:
    """The text but for the lines that name a source."""
    lines = reply.text.splitlines()
    return "\n".join(line for line in lines if not _names_a_source(line, reply))


def topic_title(category: str, subcategory: str | None, company: CompanyFacts) -> str:
    """A topic as employees call it."""
    return company.choices.get(f"{category}.{subcategory}") or words(category)


def thread_title(thread: ThreadSummary, company: CompanyFacts) -> str:
    """What a conversation is about."""
    # Before a question is answered, and when it was declined, the topic is a guess.
    if thread.disposition not in ("answer", "escalate") or thread.category is None:
        return "Question to IT"
    return topic_title(thread.category, thread.subcategory, company)


def status_words(status: str) -> str:
    return _STATES.get(status, status)


def facts_of(handoff: Handoff) -> list[tuple[str, str | None]]:
    """The environment, with unknown facts as `None`."""
    return [(words(name), _shown(value)) for name, value in handoff.environment]


def missing_words(missing: Iterable[str]) -> list[str]:
    """`environment.app_version` as `app version`."""
    return [words(name.rpartition(".")[2]) for name in missing]


def words(name: str) -> str:
    return _NAMES.get(name) or name.replace("_", " ")


def _shown(value: object) -> str | None:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return None if value is None else str(value)


def _names_a_source(line: str, reply: Reply) -> bool:
    return any(
        all(part in line for part in (found.title, found.article_id, found.reviewed_on))
        for found in reply.citations
    )


def sources_of(citations: Iterable[Citation]) -> tuple[Source, ...]:
    found: dict[str, list[Citation]] = {}
    for citation in citations:
        known = found.setdefault(citation.article_id, [])
        if all(citation.quote != other.quote for other in known):
            known.append(citation)
    return tuple(
        Source(article, quotes[0].title, quotes[0].reviewed_on, quotes[0].version, tuple(quotes))
        for article, quotes in found.items()
    )
