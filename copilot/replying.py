"""Compose the reply and what the conversation remembers of it. Pure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from copilot.author.draft import Draft
from copilot.company import CompanyFacts
from copilot.conversation import (
    ActionType,
    Disposition,
    Handoff,
    PolicyOutcome,
    Reply,
    TicketRef,
    Versions,
)
from copilot.conversing import MAX_FAILURES, related
from copilot.followups import ABOUT_ANSWER
from copilot.handoff import FAILED, LIKELY_TOPIC
from copilot.moves import Move
from copilot.prompts.phrases import Phrases, phrases, spoken, unread
from copilot.state import Asked, Memory, Pending
from copilot.understanding.message import Understanding
from knowledge.findings import Findings
from policies.model import Decision, Ruling

_OFFER_AFTER = 2
_STEPS = 4
_TO_PEOPLE = ("handoff", "update")
_FOLLOW_UPS = (
    "step_failed", "came_back", "clarified", "more_information", "step_partial", "vented", ABOUT_ANSWER,
)  # fmt: skip
_HANDOFF_PHRASES = {
    "not_sure": "not_sure",
    "unread_language": "unread",
    "human_requested": "human",
    "steps_failed": "two_failures",
    "outage": "outage",
}
_SURE_OF_REQUEST = 0.5
"""Below this confidence a person decides all the same, but the reply does not assert what was asked."""
_ALONE = ("answer", "say", "clarify")
"""Moves that bring in no person."""
_DISPOSITIONS: dict[str, Disposition] = {
    "answer": "answer",
    "say": "answer",
    "clarify": "clarify",
    "decline": "decline",
    "handoff": "escalate",
    "update": "escalate",
}


@dataclass(frozen=True, slots=True)
class Turn:
    """Everything that a turn has come to when the reply is composed."""

    asked: Asked
    memory: Memory
    understanding: Understanding
    decision: Decision
    move: Move
    findings: tuple[Findings, ...]
    draft: Draft
    handoff: Handoff | None
    ticket: TicketRef | None
    versions: Versions
    turned: bool = False
    """Whether the message turned to another subject than the last."""

    @property
    def label(self) -> str | None:
        """The `category.subcategory` that the reply is filed under."""
        main = self.understanding.main
        if self.move.focus or self.move.reason == "no_topic":
            return self.move.focus
        if self.move.kind == "answer" and self.draft.topic:
            return self.draft.topic
        if self.move.kind in ("say", "update") or self.move.reason in _FOLLOW_UPS:
            return self.memory.label or (main.label if main.certainty >= LIKELY_TOPIC else None)
        return main.label


def compose(turn: Turn, company: CompanyFacts) -> Reply:
    """The reply of a turn."""
    say = phrases(turn.understanding.language)
    label = _filed_under(turn, company)
    category, _, subcategory = (label or "").partition(".")
    disposition = _DISPOSITIONS[turn.move.kind]
    escalated = disposition == "escalate"
    return Reply(
        inquiry_id=turn.asked.inquiry.id,
        thread_id=turn.asked.thread_id,
        disposition=disposition,
        text="\n".join(line for line in _lines(turn, say, company) if line).strip(),
        language=say.language if say.language in spoken() | unread() else "en",
        category=category or None,
        subcategory=subcategory or None,
        action_type=_action_type(turn, disposition),
        confidence=_confidence(turn),
        choices=_choices(turn, say, company),
        citations=turn.draft.citations,
        policy=_outcome(turn.decision),
        handoff=turn.handoff if escalated else None,
        ticket=turn.ticket if escalated else None,
        resolved=turn.move.resolved,
        versions=turn.versions,
    )


def remember(turn: Turn, reply: Reply, company: CompanyFacts) -> Memory:
    """What the conversation has come to after this turn."""
    memory, understanding, move = turn.memory, turn.understanding, turn.move
    failed = move.reason in FAILED
    answered = tuple(c.article_id for c in reply.citations if c.article_id not in memory.shown)
    label = _filed_under(turn, company)
    states_problem = (
        move.kind in ("answer", "clarify", "handoff") and move.reason not in _FOLLOW_UPS
    )
    return Memory(
        turns=memory.turns + 1,
        last_inquiry=reply.inquiry_id,
        language=understanding.language,
        problem=understanding.text[:600] if states_problem and not failed else memory.problem,
        label=label if move.kind in ("answer", "clarify", *_TO_PEOPLE) else memory.label,
        shown=(*memory.shown, *dict.fromkeys(answered)),
        pending=_pending(turn, reply),
        clarified=memory.clarified or move.kind == "clarify",
        failures=memory.failures + failed,
        attempted=tuple(
            {s.step.lower(): s for s in (*memory.attempted, *understanding.attempted)}.values()
        )[:12],
        error_messages=tuple(
            dict.fromkeys((*memory.error_messages, *understanding.error_messages))
        )[:10],
        platform=understanding.platform or memory.platform,
        location=understanding.location or memory.location,
        frustration=memory.frustration + (understanding.tone == "frustrated"),
        probes=memory.probes + (turn.decision.effect == "decline" or move.reason == "probe"),
        ticket=turn.ticket or memory.ticket,
        handoff=turn.handoff or memory.handoff,
        set_aside=memory.set_aside,
        vents=memory.vents + (move.reason == "vented"),
        resolved=reply.resolved if reply.resolved is not None else memory.resolved,
        redactions=memory.redactions + turn.asked.redactions,
        seen=turn.asked.seen,
    )


def _filed_under(turn: Turn, company: CompanyFacts) -> str | None:
    """Reply and handoff name the same topic."""
    if turn.move.kind == "decline":
        return next(iter(sorted(company.out_of_scope)), None)
    if turn.handoff is not None and turn.handoff.category:
        return f"{turn.handoff.category}.{turn.handoff.subcategory}"
    return turn.label


def _lines(turn: Turn, say: Phrases, company: CompanyFacts) -> Iterator[str]:
    if turn.asked.secrets:
        yield say.say("secret")
    by_kind: dict[str, Callable[[Turn, Phrases, CompanyFacts], Iterator[str]]] = {
        "say": _said,
        "decline": _declined,
        "clarify": _clarified,
        "handoff": _handed_over,
        "update": _handed_over,
        "answer": _answered,
    }
    yield from by_kind[turn.move.kind](turn, say, company)
    frustrated = turn.understanding.tone == "frustrated" and turn.move.reason != "vented"
    if frustrated and turn.memory.frustration + 1 >= _OFFER_AFTER and turn.move.kind in _ALONE:
        yield say.say("offer_person")
    if turn.turned and turn.memory.set_aside and turn.move.kind in ("answer", "clarify", "handoff"):
        other = turn.memory.set_aside[-1].ticket
        yield say.say("other_case", ticket=other.id, queue=other.queue)


def _said(turn: Turn, say: Phrases, company: CompanyFacts) -> Iterator[str]:
    if turn.move.phrase == "promise":
        yield from _promised(turn, say, company)
    elif turn.move.phrase == "status":
        yield from _status(turn, say)
    elif turn.move.phrase:
        yield say.say(turn.move.phrase, ticket=turn.memory.ticket.id if turn.memory.ticket else "")


def _status(turn: Turn, say: Phrases) -> Iterator[str]:
    """Every case of this conversation, or else the latest of the earlier ones."""
    memory = turn.memory
    here = [case.ticket for case in memory.set_aside] + [t for t in (memory.ticket,) if t]
    earlier = [thread.ticket for thread in turn.asked.earlier if thread.ticket]
    for ticket in here or earlier[:1]:
        yield say.say("status_open", ticket=ticket.id, queue=ticket.queue, status=ticket.status)
    if not here and not earlier:
        yield say.say("status_none")


def _promised(turn: Turn, say: Phrases, company: CompanyFacts) -> Iterator[str]:
    """How long the open case takes, by the promise of its priority."""
    ticket, filed = turn.memory.ticket, turn.memory.handoff
    if ticket is not None and filed is not None:
        yield say.say(
            "promise",
            ticket=ticket.id,
            queue=ticket.queue,
            priority=filed.priority,
            sla=say.duration(company.sla.get(filed.priority, "")),
        )


def _declined(turn: Turn, say: Phrases, company: CompanyFacts) -> Iterator[str]:
    if turn.move.phrase:
        yield say.say(turn.move.phrase)
        return
    declined = [r.say or say.say("probe") for r in turn.decision.rulings if r.effect == "decline"]
    yield from _policy_says(declined, say, company, "english_note")


def _clarified(turn: Turn, say: Phrases, company: CompanyFacts) -> Iterator[str]:
    if turn.understanding.tone in ("frustrated", "anxious") and turn.move.reason != "no_topic":
        yield say.say(turn.understanding.tone)
    if not turn.move.labels:
        yield say.say("clarify_open")
        return
    yield say.say("clarify" if "." in turn.move.labels[0] else "clarify_topic")
    for number, choice in enumerate(_choices(turn, say, company), start=1):
        yield f"{number}. {choice}"


def _choices(turn: Turn, say: Phrases, company: CompanyFacts) -> tuple[str, ...]:
    if turn.move.kind != "clarify" or not turn.move.labels:
        return ()
    return (
        *(company.choice(label, say.language) for label in turn.move.labels),
        say.say("clarify_else"),
    )


def _pending(turn: Turn, reply: Reply) -> Pending | None:
    if turn.move.kind != "clarify":
        return None
    return Pending(
        question=turn.understanding.text[:600], labels=turn.move.labels, choices=reply.choices
    )


def _answered(turn: Turn, say: Phrases, _: CompanyFacts) -> Iterator[str]:
    if turn.move.reason == "came_back":
        yield say.say("reopened")
        before = related(turn.asked, turn.understanding)
        if before and not turn.memory.turns:
            yield say.say("came_back", date=before[0].last_at.date().isoformat())
    yield turn.draft.text


def _handed_over(turn: Turn, say: Phrases, company: CompanyFacts) -> Iterator[str]:
    ticket = turn.ticket
    if ticket is None or turn.handoff is None:
        yield say.say("outage_plain", numbers=company.hotline_text())
        return
    if not turn.draft.grounded and turn.understanding.tone in ("frustrated", "anxious"):
        yield say.say(turn.understanding.tone)
    yield from _ruled(turn, say, company)
    if turn.draft.grounded:
        yield turn.draft.text
    if turn.move.kind == "update":
        yield say.say("updated", ticket=ticket.id, queue=ticket.queue)
        return
    yield say.say(
        _handoff_phrase(turn),
        queue=ticket.queue,
        ticket=ticket.id,
        priority=turn.handoff.priority,
        sla=say.duration(company.sla.get(turn.handoff.priority, "")),
    )


def _handoff_phrase(turn: Turn) -> str:
    """What the handoff is told with; two tries are only spoken of when there were two."""
    if turn.move.reason == "steps_failed" and turn.memory.failures + 1 < MAX_FAILURES:
        return "one_failure"
    return _HANDOFF_PHRASES.get(turn.move.reason, "handed")


def _ruled(turn: Turn, say: Phrases, company: CompanyFacts) -> Iterator[str]:
    escalated = turn.decision.escalated
    urgent = [ruling for ruling in escalated if ruling.safe_steps]
    told = urgent or escalated[:1]
    if _guessed(turn, told):
        yield say.say("guessed")
    yield from _policy_says([ruling.say for ruling in told], say, company, "privileged")
    steps = dict.fromkeys(step for ruling in urgent for step in ruling.safe_steps)
    if steps:
        yield say.say("safe_steps")
        shown = [company.ruled_in(say.language, step) or step for step in list(steps)[:_STEPS]]
        yield from (f"{number}. {step}" for number, step in enumerate(shown, start=1))


def _guessed(turn: Turn, told: Sequence[Ruling]) -> bool:
    """Whether all that the reply would assert of the message rests on a weak reading of it."""
    seen = {action.action: action.confidence for action in turn.understanding.actions}
    return bool(told) and all(seen.get(ruling.action, 1.0) < _SURE_OF_REQUEST for ruling in told)


def _policy_says(
    sentences: Sequence[str], say: Phrases, company: CompanyFacts, untranslated: str
) -> Iterator[str]:
    """Sentences of the policies in the employee's language, or English after one line in it."""
    own = [company.ruled_in(say.language, sentence) for sentence in sentences]
    if None in own and say.has(untranslated):
        yield say.say(untranslated)
    yield from (mine or english for mine, english in zip(own, sentences, strict=True))


def _action_type(turn: Turn, disposition: Disposition) -> ActionType:
    if disposition == "escalate":
        return "escalation"
    return turn.draft.action_type if disposition == "answer" else "none"


def _confidence(turn: Turn) -> float:
    if turn.handoff is not None:
        return turn.handoff.confidence
    if turn.move.kind == "answer":
        return round(min((f.confidence for f in turn.findings), default=0.0), 3)
    return round(min(turn.understanding.acts[turn.understanding.act], 1.0), 3)


def _outcome(decision: Decision) -> PolicyOutcome:
    return PolicyOutcome(
        effect=decision.effect,
        rules=decision.rules,
        actions=tuple(dict.fromkeys(ruling.action for ruling in decision.rulings)),
        reason=decision.reason or None,
        policy_version=decision.policy_version,
    )
